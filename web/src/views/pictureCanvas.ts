/** Draws pictures: paints their values at their own size offscreen, then lays them on the stage. */

import { type DisplaySettings, GreyPainter, paintColour } from "@/core/paint";
import type { Size, Transform } from "@/core/stageTransform";
import type { PlanePicture } from "@/scene/volumeSource";

/** A picture as it is painted. */
export interface PaintedLayer {
  readonly picture: PlanePicture;
  readonly settings: DisplaySettings;
  /** 0 to 1. */
  readonly opacity: number;
}

/** The offscreen canvas of one layer; painted again only when its picture or its settings change. */
class LayerCanvas {
  readonly canvas = document.createElement("canvas");
  private readonly painter = new GreyPainter();
  private image: ImageData | null = null;
  private painted: PaintedLayer | null = null;

  paint(layer: PaintedLayer): void {
    const { picture, settings } = layer;
    if (this.painted?.picture === picture && this.painted.settings === settings) return;
    const { rows, columns, samples, values } = picture;
    const context = this.canvas.getContext("2d");
    if (!context) return;
    if (this.image?.width !== columns || this.image.height !== rows) {
      Object.assign(this.canvas, { width: columns, height: rows });
      this.image = context.createImageData(columns, rows);
    }
    const pixels = new Uint32Array(this.image.data.buffer);
    if (samples === 1) this.painter.paint(values, settings, pixels);
    else paintColour(values, pixels);
    context.putImageData(this.image, 0, 0);
    this.painted = layer;
  }
}

export class PictureCanvas {
  private readonly layers: LayerCanvas[] = [];

  /** Draws layers over each other, the first one below; all have the size and the place of the first. */
  draw(canvas: HTMLCanvasElement, layers: readonly PaintedLayer[], { a, b, c, d, e, f }: Transform, stage: Size, smooth: boolean): void {
    const context = canvas.getContext("2d", { alpha: false });
    if (!context) return;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [Math.max(1, Math.round(stage.width * ratio)), Math.max(1, Math.round(stage.height * ratio))];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalAlpha = 1;
    context.fillStyle = "#000";
    context.fillRect(0, 0, width, height);
    context.imageSmoothingEnabled = smooth;
    context.imageSmoothingQuality = "high";
    context.setTransform(a * ratio, b * ratio, c * ratio, d * ratio, e * ratio, f * ratio);
    layers.forEach((layer, i) => {
      this.layers[i] ??= new LayerCanvas();
      this.layers[i].paint(layer);
      context.globalAlpha = layer.opacity;
      context.drawImage(this.layers[i].canvas, 0, 0);
    });
  }

  clear(canvas: HTMLCanvasElement): void {
    const context = canvas.getContext("2d", { alpha: false });
    context?.setTransform(1, 0, 0, 1, 0, 0);
    context?.clearRect(0, 0, canvas.width, canvas.height);
  }
}
