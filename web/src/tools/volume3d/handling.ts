/** Hands on a body: one pointer turns it, two or the other buttons move and enlarge it, the wheel enlarges it, arrows turn it. */

import { turnedByHand, type Orbit, panned, rolled, turned, zoomed } from "@/core/orbit";
import type { Point, Size } from "@/core/stageTransform";

export interface Handled {
  orbit: Orbit;
  readonly stage: Size;
}

const KEY_TURN = Math.PI / 36;
const KEY_PAN = 30;
const KEY_ZOOM = 1.25;
const DIRECTIONS: Readonly<Record<string, readonly [number, number]>> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const distance = (a: Point, b: Point): number => Math.hypot(a.x - b.x, a.y - b.y);
const middle = (a: Point, b: Point): Point => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });

/** The pointers that are down on a body. */
export class BodyHands {
  private readonly points = new Map<number, Point>();
  private isPanning = false;
  private isZooming = false;

  constructor(private readonly body: Handled) {}

  get busy(): boolean {
    return this.points.size > 0;
  }

  press(id: number, at: Point, { button, shiftKey, ctrlKey }: { readonly button: number; readonly shiftKey: boolean; readonly ctrlKey: boolean }): void {
    this.points.set(id, at);
    this.isPanning = button !== 0 || shiftKey;
    this.isZooming = button === 0 && ctrlKey;
  }

  move(id: number, at: Point): void {
    const before = this.points.get(id);
    if (!before) return;
    const { body } = this;
    const [right, down] = [at.x - before.x, at.y - before.y];
    const other = [...this.points].find(([key]) => key !== id)?.[1];
    this.points.set(id, at);
    if (other) {
      const [from, to] = [middle(before, other), middle(at, other)];
      const moved = panned(body.orbit, to.x - from.x, to.y - from.y, body.stage);
      body.orbit = zoomed(moved, Math.max(0.1, distance(at, other)) / Math.max(0.1, distance(before, other)), to, body.stage);
    } else if (this.isZooming) body.orbit = zoomed(body.orbit, Math.exp(-down / 150), centreOfStage(body.stage), body.stage);
    else if (this.isPanning) body.orbit = panned(body.orbit, right, down, body.stage);
    else body.orbit = turnedByHand(body.orbit, right, down);
  }

  release(id: number): void {
    this.points.delete(id);
  }
}

const centreOfStage = ({ width, height }: Size): Point => ({ x: width / 2, y: height / 2 });

/** What a key does to a body; null if it does nothing. */
export function orbitOfKey({ key, shiftKey, altKey }: Pick<KeyboardEvent, "key" | "shiftKey" | "altKey">, { orbit, stage }: Handled): Orbit | null {
  const direction = DIRECTIONS[key] as readonly [number, number] | undefined;
  if (direction && altKey && direction[0] !== 0) return rolled(orbit, direction[0] * KEY_TURN);
  if (direction && altKey) return null;
  if (direction && shiftKey) return panned(orbit, direction[0] * KEY_PAN, direction[1] * KEY_PAN, stage);
  if (direction) return turned(orbit, direction[0] * KEY_TURN, direction[1] * KEY_TURN);
  if (key === "+" || key === "=") return zoomed(orbit, KEY_ZOOM, centreOfStage(stage), stage);
  return key === "-" ? zoomed(orbit, 1 / KEY_ZOOM, centreOfStage(stage), stage) : null;
}
