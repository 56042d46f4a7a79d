import { fileURLToPath } from "node:url";

import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vitest/config";

const SERVER = "http://127.0.0.1:8000";

export default defineConfig(({ command }) => ({
  plugins: [vue()],
  // Django serves the built page's files below /static/page/; in development Vite serves the page itself.
  base: command === "build" ? "/static/page/" : "/",
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    outDir: fileURLToPath(new URL("../src/voxelry/server/page", import.meta.url)),
    emptyOutDir: true,
    // The page's security policy allows no data: scripts or fonts, so nothing is inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // A worker of modules loads parts of its program when they are asked for, as the page does.
  worker: { format: "es" as const },
  server: {
    host: "127.0.0.1",
    proxy: Object.fromEntries(
      ["/api", "/login", "/logout", "/admin", "/static", "/healthz"].map((path) => [path, SERVER]),
    ),
  },
  test: {
    environment: "node",
    include: ["tests/**/*.test.ts"],
    restoreMocks: true,
  },
}));
