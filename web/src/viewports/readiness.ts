/** What a viewport offers to the cine, which waits for each slice. */
export interface SliceReadiness {
  /** True if the slice is loaded, or failed to load. */
  ready(index: number): boolean;
}
