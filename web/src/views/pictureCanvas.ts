/** Draws pictures: paints their values at their own size offscreen, then lays them on the stage. */

import { type LayerColours, paintLayer } from "@/core/fusion";
import { type LabelPalette, paintLabels } from "@/core/labelPaint";
import { overlayOpacity, paintOverlay, type SliceOverlay } from "@/core/overlayPlanes";
import { type DisplaySettings, GreyPainter, paintColour, type PaddingRange } from "@/core/paint";
import type { Size, Transform } from "@/core/stageTransform";
import { placementOf } from "@/core/thinning";
import type { PlanePicture } from "@/scene/volumeSource";

/** The picture of a view's own series, in grey or in its colours. */
export interface PaintedBase {
  readonly picture: PlanePicture;
  /** Of the whole picture, of which this may have only some rows and columns. */
  readonly whole: { readonly rows: number; readonly columns: number };
  readonly settings: DisplaySettings;
}

/** A picture over it, in the colours of a map. */
export interface PaintedAbove {
  readonly picture: PlanePicture;
  readonly settings: LayerColours & { readonly padding: PaddingRange | null };
  /** 0 to 1. */
  readonly opacity: number;
  /** How many of its pixels lie in one of the base's. */
  readonly perRow: number;
  readonly perColumn: number;
}

/** The labels of a mask over it, one for each of its pixels. */
export interface PaintedLabels {
  readonly picture: PlanePicture;
  readonly palette: LabelPalette;
  /** 0 to 1. */
  readonly opacity: number;
}

/** All that one picture is made of, from below. */
export interface PaintedPicture {
  readonly base: PaintedBase;
  readonly above: readonly PaintedAbove[];
  readonly labels: readonly PaintedLabels[];
  readonly overlays: PaintedOverlays | null;
}

/** The overlay planes of an acquired slice, and where its pixels lie in those of the base. */
export interface PaintedOverlays {
  readonly overlays: readonly SliceOverlay[];
  readonly placed: Transform;
}

/** The offscreen canvas of one layer; painted again only when its picture or its settings change. */
class LayerCanvas {
  readonly canvas = document.createElement("canvas");
  private readonly painter = new GreyPainter();
  private image: ImageData | null = null;
  private painted: { readonly picture: PlanePicture; readonly settings: object } | null = null;

  paintBase({ picture, settings }: PaintedBase): void {
    this.paint(picture, settings, (pixels) => {
      if (picture.samples === 1) this.painter.paint(picture.values, settings, pixels);
      else paintColour(picture.values, pixels);
    });
  }

  paintAbove({ picture, settings }: PaintedAbove): void {
    this.paint(picture, settings, (pixels) => {
      const [low, high] = settings.padding ?? [NaN, NaN];
      if (picture.samples === 1) paintLayer(picture.values, settings, pixels, settings.padding ? (value) => value >= low && value <= high : undefined);
      else {
        paintColour(picture.values, pixels);
        for (let i = 0; i < pixels.length; i += 1) if (Number.isNaN(picture.values[i * 3])) pixels[i] = 0;
      }
    });
  }

  paintLabels({ picture, palette }: PaintedLabels): void {
    this.paint(picture, palette, (pixels) => paintLabels(picture.values, picture, palette, pixels));
  }

  private paint(picture: PlanePicture, settings: object, paint: (pixels: Uint32Array) => void): void {
    if (this.painted?.picture === picture && this.painted.settings === settings) return;
    const { rows, columns } = picture;
    const context = this.canvas.getContext("2d");
    if (!context) return;
    if (this.image?.width !== columns || this.image.height !== rows) {
      Object.assign(this.canvas, { width: columns, height: rows });
      this.image = context.createImageData(columns, rows);
    }
    paint(new Uint32Array(this.image.data.buffer));
    context.putImageData(this.image, 0, 0);
    this.painted = { picture, settings };
  }
}

/** An overlay's bits at their own size, in its colour. */
function bitsCanvas(overlay: SliceOverlay): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: overlay.columns, height: overlay.rows });
  const context = canvas.getContext("2d");
  const image = context?.createImageData(overlay.columns, overlay.rows);
  if (!context || !image) return canvas;
  paintOverlay(overlay, new Uint32Array(image.data.buffer));
  context.putImageData(image, 0, 0);
  return canvas;
}

/** True if pixels are smaller than those of the screen: unless they are smoothed, thin lines get lost. */
function isMinified(context: CanvasRenderingContext2D): boolean {
  const { a, b, c, d } = context.getTransform();
  return Math.min(Math.hypot(a, b), Math.hypot(c, d)) < 1;
}

export class PictureCanvas {
  private readonly base = new LayerCanvas();
  private readonly above: LayerCanvas[] = [];
  private readonly labels: LayerCanvas[] = [];
  private bits = new Map<SliceOverlay, HTMLCanvasElement>();

  /** Draws layers over each other, the base below; those above have its place, in pixels of their own. */
  draw(canvas: HTMLCanvasElement, { base, above, labels, overlays }: PaintedPicture, { a, b, c, d, e, f }: Transform, stage: Size, smooth: boolean): void {
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
    this.base.paintBase(base);
    const { x, y, width: across, height: down } = placementOf(base.picture, base.whole);
    context.drawImage(this.base.canvas, x, y, across, down);
    above.forEach((layer, i) => {
      this.above[i] ??= new LayerCanvas();
      this.above[i].paintAbove(layer);
      context.globalAlpha = layer.opacity;
      const { x, y, width: across, height: down } = placementOf(layer.picture, { rows: base.whole.rows * layer.perRow, columns: base.whole.columns * layer.perColumn });
      context.drawImage(this.above[i].canvas, x / layer.perColumn, y / layer.perRow, across / layer.perColumn, down / layer.perRow);
    });
    this.drawLabels(context, labels);
    this.drawOverlays(context, overlays);
    context.globalAlpha = 1;
  }

  /** Pixels of labels have sharp edges, however smooth the image is. */
  private drawLabels(context: CanvasRenderingContext2D, labels: readonly PaintedLabels[]): void {
    const smooth = context.imageSmoothingEnabled;
    context.imageSmoothingEnabled = isMinified(context);
    labels.forEach((painted, i) => {
      this.labels[i] ??= new LayerCanvas();
      this.labels[i].paintLabels(painted);
      context.globalAlpha = painted.opacity;
      context.drawImage(this.labels[i].canvas, 0, 0);
    });
    context.imageSmoothingEnabled = smooth;
  }

  /** Above all, in the base's pixels; each bit has the sharp edges of its pixel. */
  private drawOverlays(context: CanvasRenderingContext2D, painted: PaintedOverlays | null): void {
    const { overlays = [], placed } = painted ?? {};
    this.bits = new Map(overlays.map((overlay) => [overlay, this.bits.get(overlay) ?? bitsCanvas(overlay)]));
    if (!placed) return;
    context.transform(placed.a, placed.b, placed.c, placed.d, placed.e, placed.f);
    context.imageSmoothingEnabled = isMinified(context);
    for (const [overlay, canvas] of this.bits) {
      context.globalAlpha = overlayOpacity(overlay);
      context.drawImage(canvas, overlay.origin[1], overlay.origin[0]);
    }
  }

  clear(canvas: HTMLCanvasElement): void {
    const context = canvas.getContext("2d", { alpha: false });
    context?.setTransform(1, 0, 0, 1, 0, 0);
    context?.clearRect(0, 0, canvas.width, canvas.height);
  }
}
