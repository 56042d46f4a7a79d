/** The picture of a body that leaves the viewer, with its letters, scale and words. */

import type { EdgeLetters } from "@/core/edgeLetters";
import type { Size } from "@/core/stageTransform";

export interface BodyWords {
  /** At the top left and at the bottom left; the patient's name only if it was asked for. */
  readonly top: readonly string[];
  readonly bottom: readonly string[];
  readonly edges: EdgeLetters;
  readonly bar: { readonly mm: number; readonly pixels: number } | null;
}

const LINE = 17;
const INSET = 12;

/** A copy of what is drawn with words over it. */
export function wordedPicture(drawn: ImageBitmap, { width, height }: Size, { top, bottom, edges, bar }: BodyWords): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = drawn.width;
  canvas.height = drawn.height;
  const context = canvas.getContext("2d");
  if (!context) return canvas;
  context.fillStyle = "#000";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(drawn, 0, 0);
  const ratio = drawn.width / Math.max(1, width);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.lineWidth = 3;
  context.lineJoin = "round";
  context.strokeStyle = "#000c";
  const write = (text: string, x: number, y: number): void => {
    context.strokeText(text, x, y);
    context.fillText(text, x, y);
  };
  context.font = "13px system-ui, sans-serif";
  context.fillStyle = "#e8eef0";
  context.textBaseline = "top";
  top.forEach((line, i) => write(line, INSET, INSET + i * LINE));
  context.textBaseline = "bottom";
  bottom.forEach((line, i) => write(line, INSET, height - INSET - (bottom.length - 1 - i) * LINE));
  if (bar) {
    const [left, right, y] = [width / 2 - bar.pixels / 2, width / 2 + bar.pixels / 2, height - INSET];
    context.textAlign = "center";
    write(`${bar.mm} mm`, width / 2, y - 7);
    context.fillRect(left, y - 2, right - left, 2);
  }
  context.font = "600 15px system-ui, sans-serif";
  context.fillStyle = "#9fd9cf";
  context.textBaseline = "middle";
  context.textAlign = "left";
  write(edges.left, INSET, height / 2);
  context.textAlign = "right";
  write(edges.right, width - INSET, height / 2);
  context.textAlign = "center";
  write(edges.top, width / 2, INSET + 8);
  write(edges.bottom, width / 2, height - INSET - 34);
  return canvas;
}

/** A file's name of the series' description; without a patient's name. */
export function bodyPictureName(modality: string, series: string): string {
  const name = [modality, series, "3-D"].join(" ").replace(/[^\p{L}\p{N}.-]+/gu, "-").replace(/^-+|-+$/g, "");
  return `${name.slice(0, 100)}.png`;
}

export const pngOf = (canvas: HTMLCanvasElement): Promise<Blob> =>
  new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The picture could not be made."))), "image/png"));
