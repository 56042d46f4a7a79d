/// <reference types="vite/client" />

// For ESLint, which reads no single-file components; vue-tsc resolves the real ones.
declare module "*.vue" {
  import type { Component } from "vue";

  const component: Component;
  export default component;
}
