import { readdirSync } from "node:fs";

/**
 * The rooms of src/ and the direction of imports: core <- api <- stores <- scene <- views <- tools <- pages.
 *
 * A room may import itself and the rooms named here. `ui` holds plain components that know nothing of the archive. The
 * tools are neighbours: none imports another, and nothing but `tools/registry` names them all.
 */
export const ROOMS = {
  core: [],
  ui: ["core"],
  api: ["core"],
  stores: ["core", "api"],
  scene: ["core", "api", "stores"],
  views: ["core", "api", "stores", "scene", "ui"],
  tools: ["core", "api", "stores", "scene", "views", "ui"],
  pages: ["core", "api", "stores", "scene", "views", "tools", "ui"],
};

/** Libraries that only some rooms may import. */
const LIBRARIES = {
  vue: ["ui", "stores", "scene", "views", "tools", "pages"],
  pinia: ["stores", "views", "tools"],
  "vue-router": ["pages"],
  valibot: ["api"],
  "reka-ui": ["ui"],
  "@kitware": ["tools"],
};

const forbiddenRooms = (room) => Object.keys(ROOMS).filter((other) => other !== room && !ROOMS[room].includes(other));

const tools = readdirSync(new URL("src/tools/", import.meta.url), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

const forbiddenImports = (room) => [
  ...forbiddenRooms(room).map((other) => ({ regex: `^@/${other}(/|$)`, message: `${room} may not import ${other}.` })),
  { regex: "^\\.\\.?(/|$)", message: "Import by @/room/name." },
  ...Object.entries(LIBRARIES)
    .filter(([, allowed]) => !allowed.includes(room))
    .map(([library]) => ({ regex: `^${library}(/|$)`, message: `${room} may not import ${library}.` })),
];

const otherTools = (tool) => ({ regex: `^@/tools/(?!${tool}/|viewerTool$)`, message: "A tool may not import another tool." });

/** 3-D graphics are large, and loaded when they are wanted. */
const otherGraphics = { regex: "^@kitware/", message: "Only tools/volume3d may import vtk.js." };

/** The rules that forbid imports; no-restricted-imports does not cover `import()`. */
const rulesAgainst = (imports) => ({
  "no-restricted-imports": ["error", { patterns: imports }],
  "no-restricted-syntax": [
    "error",
    ...imports.map(({ regex, message }) => ({ selector: `ImportExpression[source.value=/${regex.replaceAll("/", "\\/")}/]`, message })),
  ],
});

/**
 * The rules for each room. A folder that is no room fails as a whole.
 *
 * @type {import("eslint").Linter.Config[]}
 */
export const rooms = [
  {
    files: ["src/*/**/*.{ts,vue}"],
    ignores: Object.keys(ROOMS).map((room) => `src/${room}/**`),
    rules: { "no-restricted-syntax": ["error", { selector: "Program", message: "This folder is no room of eslint.rooms.js." }] },
  },
  ...Object.keys(ROOMS).map((room) => ({ files: [`src/${room}/**/*.{ts,vue}`], rules: rulesAgainst(forbiddenImports(room)) })),
  ...tools.map((tool) => ({
    files: [`src/tools/${tool}/**/*.{ts,vue}`],
    rules: rulesAgainst([...forbiddenImports("tools"), otherTools(tool), ...(tool === "volume3d" ? [] : [otherGraphics])]),
  })),
];
