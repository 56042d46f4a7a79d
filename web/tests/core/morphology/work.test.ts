import { expect, it } from "vitest";

import { marginOf } from "@/core/morphology/margin";
import { finishWork, partOfWork, runWork, type Work } from "@/core/morphology/work";

import { gridOf, maskWhere } from "./masks";

function* counting(to: number): Work<string> {
  for (let i = 0; i < to; i += 1) yield i / to;
  return "done";
}

it("gives the result at once or in pieces, with progress that ascends to 1", async () => {
  expect(finishWork(counting(5))).toBe("done");
  const shares: number[] = [];
  await expect(runWork(counting(5), { pieceMs: 0, onProgress: (share) => shares.push(share) })).resolves.toBe("done");
  expect(shares).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
});

it("lets messages through, and stops when the signal is aborted", async () => {
  const stop = new AbortController();
  let steps = 0;
  function* endless(): Work<never> {
    for (;;) {
      steps += 1;
      yield 0.5;
    }
  }
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => stop.abort(new Error("enough"));
  port2.postMessage("");
  await expect(runWork(endless(), { signal: stop.signal, pieceMs: 0 })).rejects.toThrow("enough");
  port1.close();
  expect(steps).toBeGreaterThan(0);
});

it("does nothing if the signal was aborted before", async () => {
  const work = counting(2);
  await expect(runWork(work, { signal: AbortSignal.abort(new Error("early")) })).rejects.toThrow("early");
  expect(work.next().value).toBe(0);
});

it("tells the progress of a part as a part", () => {
  expect([...partOfWork(counting(4), 0.5, 1)]).toEqual([0.5, 0.625, 0.75, 0.875]);
});

it("tells an operation's progress from 0 to 1, ascending", () => {
  const mask = maskWhere([12, 20, 20], (slice, row) => slice > 3 && row === 5);
  const shares = [...marginOf(mask, gridOf(1, 1, 1), 2)];
  expect(shares.length).toBeGreaterThan(10);
  expect(shares).toEqual([...shares].sort((a, b) => a - b));
  expect(Math.min(...shares)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...shares)).toBeLessThanOrEqual(1);
});
