/** Exact Euclidean distances in a plane, by the lower envelope of parabolas (Felzenszwalb and Huttenlocher, 2012). */

/** Measures squared distances in planes of one size; it keeps its memory between planes. */
export class PlaneDistances {
  private readonly lines: Float64Array;
  private readonly rows: number;
  private readonly columns: number;
  private readonly rowStep: number;
  private readonly columnStep: number;
  private readonly envelope: LowerEnvelope;

  /** @param steps millimetres from one row to the next, and from one column to the next, at a right angle */
  constructor([rows, columns]: readonly [number, number], [rowStep, columnStep]: readonly [number, number]) {
    [this.rows, this.columns, this.rowStep, this.columnStep] = [rows, columns, rowStep, columnStep];
    this.lines = new Float64Array(rows * columns);
    this.envelope = new LowerEnvelope(rows, rowStep);
  }

  /**
   * Writes the squared distance in mm2 from each pixel's centre to that of the nearest pixel that has `value`.
   *
   * @param plane the pixels in C order, from `start` on
   * @param into Infinity everywhere if no pixel has the value
   */
  measure(plane: Uint8Array, start: number, value: 0 | 1, into: Float64Array): void {
    const { rows, columns, lines } = this;
    let any = false;
    for (let row = 0; row < rows; row += 1) any = alongRow(plane, start + row * columns, value, lines.subarray(row * columns, (row + 1) * columns), this.columnStep) || any;
    if (!any) {
      into.fill(Infinity);
      return;
    }
    for (let column = 0; column < columns; column += 1) this.envelope.measure(lines, column, columns, into);
  }

  /** How far apart two pixels can lie at most, and one pixel more. */
  get diagonal(): number {
    return Math.hypot(this.rows * this.rowStep, this.columns * this.columnStep);
  }

  /** The steps' lengths in millimetres. */
  get steps(): readonly [number, number] {
    return [this.rowStep, this.columnStep];
  }
}

/** The squared distance to the nearest pixel of a row that has a value; false if none has it. */
function alongRow(plane: Uint8Array, start: number, value: number, into: Float64Array, step: number): boolean {
  const columns = into.length;
  let last = -Infinity;
  for (let column = 0; column < columns; column += 1) {
    if (plane[start + column] === value) last = column;
    into[column] = column - last;
  }
  if (last === -Infinity) return false;
  let next = Infinity;
  for (let column = columns - 1; column >= 0; column -= 1) {
    if (plane[start + column] === value) next = column;
    const distance = Math.min(into[column], next - column) * step;
    into[column] = distance * distance;
  }
  return true;
}

/** The least of the parabolas that stand at the places of a line. */
class LowerEnvelope {
  private readonly squareStep: number;
  private readonly vertex: Int32Array;
  private readonly height: Float64Array;
  /** Where the parabola of `vertex` begins to be the lowest. */
  private readonly from: Float64Array;

  constructor(
    private readonly length: number,
    step: number,
  ) {
    this.squareStep = step * step;
    this.vertex = new Int32Array(length);
    this.height = new Float64Array(length);
    this.from = new Float64Array(length + 1);
  }

  /** Reads heights at `start`, `start + stride`, ... and writes the envelope's to the same places of `into`. */
  measure(heights: Float64Array, start: number, stride: number, into: Float64Array): void {
    const { length, squareStep, vertex, height, from } = this;
    let top = -1;
    for (let place = 0, at = start; place < length; place += 1, at += stride) {
      const own = heights[at];
      if (own === Infinity) continue;
      let begin = -Infinity;
      while (top >= 0) {
        const other = vertex[top];
        begin = ((own - height[top]) / squareStep + (place - other) * (place + other)) / (2 * (place - other));
        if (begin > from[top]) break;
        top -= 1;
      }
      if (top < 0) begin = -Infinity;
      top += 1;
      [vertex[top], height[top], from[top]] = [place, own, begin];
    }
    if (top < 0) {
      for (let place = 0, at = start; place < length; place += 1, at += stride) into[at] = Infinity;
      return;
    }
    from[top + 1] = Infinity;
    for (let place = 0, at = start, k = 0; place < length; place += 1, at += stride) {
      while (from[k + 1] < place) k += 1;
      const away = place - vertex[k];
      into[at] = away * away * squareStep + height[k];
    }
  }
}
