/** Draws a slice: paints its values at their own size offscreen, then scales that canvas to the screen. */

import type { Slice } from "@/api/slices";
import { type DisplaySettings, GreyPainter, paintColour } from "@/core/paint";
import type { Placement, Size } from "@/core/sliceLayout";

export class SliceCanvas {
  private readonly source = document.createElement("canvas");
  private readonly shearedCanvas = document.createElement("canvas");
  private readonly painter = new GreyPainter();
  private image: ImageData | null = null;
  private painted: { slice: Slice; settings: DisplaySettings } | null = null;

  draw(canvas: HTMLCanvasElement, slice: Slice, settings: DisplaySettings, placement: Placement, stage: Size, smooth: boolean): void {
    const context = canvas.getContext("2d", { alpha: false });
    if (!context) return;
    this.paint(slice, settings);
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
    const wide = this.sheared(slice, lean / pixel);
    context.drawImage(wide, (left + Math.min(0, lean)) * ratio, top * ratio, wide.width * pixel * ratio, down * ratio);
  }

  /** The sheared slice: each row shifted, the last one by `lean` columns to the right of the first. */
  private sheared({ rows, columns }: Slice, lean: number): HTMLCanvasElement {
    const width = columns + Math.ceil(Math.abs(lean));
    if (this.shearedCanvas.width !== width || this.shearedCanvas.height !== rows) Object.assign(this.shearedCanvas, { width, height: rows });
    const context = this.shearedCanvas.getContext("2d", { alpha: false });
    context?.fillRect(0, 0, width, rows);
    for (let row = 0; row < rows; row += 1) {
      const shift = Math.max(0, -lean) + (rows > 1 ? (lean * row) / (rows - 1) : 0);
      context?.drawImage(this.source, 0, row, columns, 1, shift, row, columns, 1);
    }
    return this.shearedCanvas;
  }

  clear(canvas: HTMLCanvasElement): void {
    canvas.getContext("2d", { alpha: false })?.clearRect(0, 0, canvas.width, canvas.height);
  }

  private paint(slice: Slice, settings: DisplaySettings): void {
    if (this.painted?.slice === slice && this.painted.settings === settings) return;
    const { rows, columns, samples, values } = slice;
    const context = this.source.getContext("2d");
    if (!context) return;
    if (this.image?.width !== columns || this.image.height !== rows) {
      Object.assign(this.source, { width: columns, height: rows });
      this.image = context.createImageData(columns, rows);
    }
    const pixels = new Uint32Array(this.image.data.buffer);
    if (samples === 1) this.painter.paint(values, settings, pixels);
    else paintColour(values, pixels);
    context.putImageData(this.image, 0, 0);
    this.painted = { slice, settings };
  }
}
