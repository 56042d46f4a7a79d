/** Draws a view's picture with its letters, its scale bar and its parameters. */

import type { ScaleBar } from "@/core/regionBars";
import type { Size } from "@/core/stageTransform";
import { linesOf, type PictureFacts } from "@/tools/picture/model";

const LINE = 17;
const INSET = 12;

function outlined(context: CanvasRenderingContext2D, text: string, x: number, y: number): void {
  context.strokeText(text, x, y);
  context.fillText(text, x, y);
}

/** A copy of what is on the canvas, with words over it, at the screen's resolution. */
export function annotated(source: HTMLCanvasElement, stage: Size, facts: PictureFacts): HTMLCanvasElement {
  const copy = document.createElement("canvas");
  copy.width = source.width;
  copy.height = source.height;
  const context = copy.getContext("2d");
  if (!context) return copy;
  context.drawImage(source, 0, 0);
  const ratio = source.width / Math.max(1, stage.width);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.font = "13px system-ui, sans-serif";
  context.lineWidth = 3;
  context.lineJoin = "round";
  context.strokeStyle = "#000c";
  context.fillStyle = "#e8eef0";
  context.textBaseline = "top";
  const { top, bottom } = linesOf(facts);
  top.forEach((line, i) => outlined(context, line, INSET, INSET + i * LINE));
  context.textBaseline = "bottom";
  bottom.forEach((line, i) => outlined(context, line, INSET, stage.height - INSET - (bottom.length - 1 - i) * LINE));
  drawLetters(context, stage, facts);
  for (const bar of facts.bars) drawBar(context, stage, bar);
  return copy;
}

function drawLetters(context: CanvasRenderingContext2D, { width, height }: Size, { edges }: PictureFacts): void {
  if (!edges) return;
  context.font = "600 15px system-ui, sans-serif";
  context.fillStyle = "#9fd9cf";
  context.textBaseline = "middle";
  context.textAlign = "left";
  outlined(context, edges.left, INSET, height / 2);
  context.textAlign = "right";
  outlined(context, edges.right, width - INSET, height / 2);
  context.textAlign = "center";
  outlined(context, edges.top, width / 2, INSET + 8);
  outlined(context, edges.bottom, width / 2, height - INSET - 34);
}

function drawBar(context: CanvasRenderingContext2D, { width, height }: Size, bar: ScaleBar): void {
  const { x, y } = bar.at ?? { x: width / 2, y: height - INSET };
  const [left, right] = [x - bar.pixels / 2, x + bar.pixels / 2];
  context.font = "12px system-ui, sans-serif";
  context.fillStyle = "#e8eef0";
  context.textAlign = "center";
  context.textBaseline = "bottom";
  outlined(context, `${bar.mm} mm`, x, y - 7);
  for (const [style, thick] of [["#000c", 4], ["#e8eef0", 1.5]] as const) {
    context.strokeStyle = style;
    context.lineWidth = thick;
    context.beginPath();
    context.moveTo(left, y - 6);
    context.lineTo(left, y);
    context.lineTo(right, y);
    context.lineTo(right, y - 6);
    context.stroke();
  }
}
