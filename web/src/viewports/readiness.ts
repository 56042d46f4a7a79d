/** For the cine: whether a slice is here already (or cannot be had), so that playing never shows a wrong one. */
export interface SliceReadiness {
  ready(index: number): boolean;
}
