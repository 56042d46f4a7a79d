import { ESLint } from "eslint";
import vue from "eslint-plugin-vue";
import ts from "typescript-eslint";
import { describe, expect, it } from "vitest";

import { rooms } from "../../eslint.rooms.js";

const eslint = new ESLint({
  overrideConfigFile: true,
  overrideConfig: [
    { files: ["**/*.ts"], languageOptions: { parser: ts.parser } },
    ...(vue.configs["flat/base"] as never[]),
    { files: ["**/*.vue"], languageOptions: { parserOptions: { parser: ts.parser } } },
    ...rooms,
  ],
});

async function messages(filePath: string, code: string): Promise<string[]> {
  const [{ messages: found }] = await eslint.lintText(code, { filePath });
  return found.map(({ message }) => message);
}

const inVue = (code: string): string => `<script setup lang="ts">\n${code}\n</script>\n`;

describe("imports between rooms", () => {
  it.each([
    ["src/core/a.ts", 'import { getStudy } from "@/api/studies";', "core may not import api."],
    ["src/core/a.ts", 'import type { StudyOut } from "@/api/generated/validators";', "core may not import api."],
    ["src/core/a.ts", 'import { ref } from "vue";', "core may not import vue."],
    ["src/api/a.ts", 'import { useSession } from "@/stores/session";', "api may not import stores."],
    ["src/api/deep/a.ts", 'import "@/stores";', "api may not import stores."],
    ["src/api/a.ts", 'export { useSession } from "@/stores/session";', "api may not import stores."],
    ["src/stores/a.ts", 'const page = import("@/pages/HomePage.vue");', "stores may not import pages."],
    ["src/stores/a.ts", 'import * as v from "valibot";', "stores may not import valibot."],
    ["src/views/A.vue", inVue('import model from "@/tools/cine/model";'), "views may not import tools."],
    ["src/scene/a.ts", 'import { useViews } from "@/views/views";', "scene may not import views."],
    ["src/tools/cine/a.ts", 'import { liveFigures } from "@/tools/measure/model";', "A tool may not import another tool."],
    ["src/tools/cine/a.ts", 'import vtkPlane from "@kitware/vtk.js/Common/DataModel/Plane.js";', "Only tools/volume3d may import vtk.js."],
    ["src/views/a.ts", 'import vtkPlane from "@kitware/vtk.js/Common/DataModel/Plane.js";', "views may not import @kitware."],
    ["src/ui/A.vue", inVue('import { useSession } from "@/stores/session";'), "ui may not import stores."],
    ["src/stores/a.ts", 'import { App } from "../pages/App.vue";', "Import by @/room/name."],
    ["src/helpers/a.ts", "export {};", "This folder is no room of eslint.rooms.js."],
  ])("in %s, %s fails", async (path, code, message) => {
    expect((await messages(path, code)).join()).toContain(message);
  });

  it.each([
    ["src/core/a.ts", 'import { toPatient } from "@/core/geometry";'],
    ["src/api/a.ts", 'import { isActive } from "@/core/jobState";'],
    ["src/stores/a.ts", 'import { getStudy } from "@/api/studies";'],
    ["src/tools/cine/a.ts", 'import { RATES } from "@/tools/cine/model";'],
    ["src/tools/volume3d/a.ts", 'import vtkPlane from "@kitware/vtk.js/Common/DataModel/Plane.js";'],
    ["src/pages/A.vue", inVue('import A from "@/tools/cine/CineTool.vue";')],
    ["src/main.ts", 'import App from "@/pages/App.vue";'],
  ])("in %s, %s passes", async (path, code) => {
    expect(await messages(path, code)).toEqual([]);
  });
});
