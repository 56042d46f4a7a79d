import js from "@eslint/js";
import vue from "eslint-plugin-vue";
import globals from "globals";
import ts from "typescript-eslint";

// Imports point down: core <- api <- stores <- viewports, tools <- pages; `ui` holds plain components that know
// nothing of the archive. A room may import itself and the rooms named here, nothing else of ours.
const ROOMS = {
  core: [],
  ui: ["core"],
  api: ["core"],
  stores: ["core", "api"],
  viewports: ["core", "api", "stores", "ui"],
  tools: ["core", "api", "stores", "ui"],
  pages: ["core", "api", "stores", "ui", "viewports", "tools"],
};

const floors = Object.entries(ROOMS).map(([room, below]) => ({
  files: [`src/${room}/**/*.{ts,vue}`],
  rules: {
    "no-restricted-imports": [
      "error",
      {
        patterns: [
          ...Object.keys(ROOMS)
            .filter((other) => other !== room && !below.includes(other))
            .map((other) => ({ group: [`@/${other}`, `@/${other}/*`], message: `${room} may not import ${other}` })),
          { group: ["../*"], message: "Import other rooms by @/room/name." },
        ],
      },
    ],
  },
}));

export default ts.config(
  { ignores: ["node_modules", "dist", "src/api/schema.d.ts"] },
  js.configs.recommended,
  ...ts.configs.strictTypeChecked,
  ...vue.configs["flat/recommended"],
  {
    languageOptions: {
      globals: globals.browser,
      parserOptions: {
        parser: ts.parser,
        projectService: { allowDefaultProject: ["eslint.config.js"] },
        tsconfigRootDir: import.meta.dirname,
        extraFileExtensions: [".vue"],
      },
    },
    rules: {
      eqeqeq: "error",
      "no-console": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "vue/block-order": ["error", { order: ["script", "template", "style"] }],
      "vue/component-api-style": ["error", ["script-setup"]],
      "vue/define-macros-order": "error",
      "vue/no-v-html": "error",
      // Layout is not ESLint's business here.
      "vue/max-attributes-per-line": "off",
      "vue/singleline-html-element-content-newline": "off",
      "vue/html-self-closing": ["error", { html: { void: "always", normal: "always", component: "always" } }],
      "vue/html-indent": "off",
      "vue/html-closing-bracket-newline": "off",
      "vue/multiline-html-element-content-newline": "off",
      "vue/require-default-prop": "off",
    },
  },
  ...floors,
  { files: ["eslint.config.js"], ...ts.configs.disableTypeChecked },
);
