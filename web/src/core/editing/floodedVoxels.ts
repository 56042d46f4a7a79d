/** The voxels that are connected to one through faces, found without an array for the whole grid. */

import { EditRefused } from "@/core/editing/editRefused";
import type { RowFound } from "@/core/editing/strokeRows";
import type { Work } from "@/core/morphology/work";
import type { Vector } from "@/core/vectors";

/** Marks the columns of a row that may be filled: 1 in `open`, from `start` on. */
export type OpenRow = (slice: number, row: number, open: Uint8Array, start: number) => void;

const OPEN = 1;
const TAKEN = 2;
/** The most voxels that are filled: what flows out of a gap would take all of the memory. */
export const MOST_FILLED = 2 ** 27;
/** Stretches between two looks at the clock. */
const PIECE = 4096;

export class FloodedVoxels {
  private readonly states = new Map<number, Uint8Array>();
  private readonly readyRows = new Map<number, Uint8Array>();
  private readonly stack: number[] = [];
  count = 0;

  constructor(
    private readonly shape: readonly number[],
    private readonly openRow: OpenRow,
    private readonly most = MOST_FILLED,
  ) {}

  /** Fills from a voxel. */
  *fill([slice, row, column]: Vector): Work<void> {
    this.push(slice, row, column, column + 1);
    for (let stretches = 0; this.stack.length > 0; stretches += 1) {
      if (stretches % PIECE === PIECE - 1) yield Math.min(0.99, this.count / this.most);
      this.takeStretch();
    }
  }

  /** Gives the voxels that were filled, row by row. */
  each(found: RowFound): void {
    const [, rows, columns] = this.shape;
    for (const slice of [...this.states.keys()].sort((a, b) => a - b)) {
      const states = this.state(slice);
      for (let row = 0; row < rows; row += 1) {
        const start = row * columns;
        for (let column = 0; column < columns; ) {
          let end = column + 1;
          if (states[start + column] === TAKEN) {
            while (end < columns && states[start + end] === TAKEN) end += 1;
            found(slice, row, column, end);
          }
          column = end;
        }
      }
    }
  }

  private takeStretch(): void {
    const columns = this.shape[2];
    const column = this.stack.pop() ?? 0;
    const row = this.stack.pop() ?? 0;
    const slice = this.stack.pop() ?? 0;
    const states = this.ready(slice, row);
    const start = row * columns;
    if (states[start + column] !== OPEN) return;
    let [first, beyond] = [column, column + 1];
    while (first > 0 && states[start + first - 1] === OPEN) first -= 1;
    while (beyond < columns && states[start + beyond] === OPEN) beyond += 1;
    states.fill(TAKEN, start + first, start + beyond);
    this.count += beyond - first;
    if (this.count > this.most) throw new EditRefused("The filling flows through a gap and fills more voxels than the tab can hold. Close the outline, or fill in one slice.");
    this.push(slice, row - 1, first, beyond);
    this.push(slice, row + 1, first, beyond);
    this.push(slice - 1, row, first, beyond);
    this.push(slice + 1, row, first, beyond);
  }

  /** Puts the first voxel of each open stretch of a row on the stack. */
  private push(slice: number, row: number, first: number, beyond: number): void {
    const [slices, rows, columns] = this.shape;
    if (slice < 0 || row < 0 || slice >= slices || row >= rows) return;
    const states = this.ready(slice, row);
    const start = row * columns;
    for (let column = first; column < beyond; column += 1) {
      if (states[start + column] === OPEN && (column === first || states[start + column - 1] !== OPEN)) this.stack.push(slice, row, column);
    }
  }

  private ready(slice: number, row: number): Uint8Array {
    const states = this.state(slice);
    const rows = this.readyRows.get(slice) ?? new Uint8Array(this.shape[1]);
    this.readyRows.set(slice, rows);
    if (rows[row] === 0) {
      rows[row] = 1;
      this.openRow(slice, row, states, row * this.shape[2]);
    }
    return states;
  }

  private state(slice: number): Uint8Array {
    const states = this.states.get(slice) ?? new Uint8Array(this.shape[1] * this.shape[2]);
    this.states.set(slice, states);
    return states;
  }
}
