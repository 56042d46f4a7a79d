/** Draws a slice: values to an offscreen canvas of the slice's own size, and that, scaled, to the screen. */

import type { Slice } from "@/api/slices";
import { type Look, paintColour, Painter } from "@/core/paint";
import type { Placement, Size } from "@/core/stage";

export class SliceCanvas {
  private readonly source = document.createElement("canvas");
  private readonly wide = document.createElement("canvas");
  private readonly painter = new Painter();
  private image: ImageData | null = null;
  private painted: { slice: Slice; look: Look } | null = null;

  draw(canvas: HTMLCanvasElement, slice: Slice, look: Look, placement: Placement, stage: Size, smooth: boolean): void {
    const context = canvas.getContext("2d", { alpha: false });
    if (!context) return;
    this.paint(slice, look);
    const ratio = window.devicePixelRatio || 1;
    const width = Math.max(1, Math.round(stage.width * ratio));
    const height = Math.max(1, Math.round(stage.height * ratio));
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    context.fillStyle = "#000";
    context.fillRect(0, 0, width, height);
    context.imageSmoothingEnabled = smooth;
    context.imageSmoothingQuality = "high";
    const { left, top, width: across, height: down, lean } = placement;
    if (lean === 0) {
      context.drawImage(this.source, left * ratio, top * ratio, across * ratio, down * ratio);
      return;
    }
    const pixel = across / slice.columns;
    const wide = this.leaning(slice, lean / pixel);
    context.drawImage(wide, (left + Math.min(0, lean)) * ratio, top * ratio, wide.width * pixel * ratio, down * ratio);
  }

  /** The slice with each row where it lies; `lean` is how many columns the last is to the right of the first. */
  private leaning({ rows, columns }: Slice, lean: number): HTMLCanvasElement {
    const width = columns + Math.ceil(Math.abs(lean));
    if (this.wide.width !== width || this.wide.height !== rows) Object.assign(this.wide, { width, height: rows });
    const context = this.wide.getContext("2d", { alpha: false });
    context?.fillRect(0, 0, width, rows);
    for (let row = 0; row < rows; row += 1) {
      const over = Math.max(0, -lean) + (rows > 1 ? (lean * row) / (rows - 1) : 0);
      context?.drawImage(this.source, 0, row, columns, 1, over, row, columns, 1);
    }
    return this.wide;
  }

  clear(canvas: HTMLCanvasElement): void {
    canvas.getContext("2d", { alpha: false })?.clearRect(0, 0, canvas.width, canvas.height);
  }

  private paint(slice: Slice, look: Look): void {
    if (this.painted?.slice === slice && this.painted.look === look) return;
    const { rows, columns, samples, values } = slice;
    const context = this.source.getContext("2d");
    if (!context) return;
    if (this.image?.width !== columns || this.image.height !== rows) {
      Object.assign(this.source, { width: columns, height: rows });
      this.image = context.createImageData(columns, rows);
    }
    const pixels = new Uint32Array(this.image.data.buffer);
    if (samples === 1) this.painter.paint(values, look, pixels);
    else paintColour(values, pixels);
    context.putImageData(this.image, 0, 0);
    this.painted = { slice, look };
  }
}
