/** What the browser's graphics can do. */

/** True if the browser can draw bodies. */
export function canDrawBodies(): boolean {
  const context = document.createElement("canvas").getContext("webgl2");
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return context !== null;
}
