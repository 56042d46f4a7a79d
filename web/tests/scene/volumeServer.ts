/** A server of one volume, whose answers come at once or when the test says so. */

import type { VolumeAddress } from "@/api/volumeBytes";
import type { Clock } from "@/scene/worker/sliceFetcher";

export const ADDRESS: VolumeAddress = { seriesId: 5, index: 0, version: "v1", dtype: "int16", shape: [12, 2, 3] };

/** The value of each voxel tells its place. */
export const VALUES = Int16Array.from({ length: 72 }, (_, i) => Math.floor(i / 6) * 100 + (i % 6));

const BYTES = new Uint8Array(VALUES.buffer);
const SLICE_BYTES = 12;

export interface Asked {
  readonly address: string;
  readonly range: string | null;
  readonly signal: AbortSignal;
  /** The slices that are asked for. */
  readonly first: number;
  readonly last: number;
  /** Answers as the server would, or with something else. */
  answer(other?: Response): void;
  fail(): void;
}

/** Bytes as a stream of small chunks that end anywhere. */
export function streamOf(bytes: Uint8Array, chunk = 5): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) controller.close();
      else controller.enqueue(bytes.slice(at, (at += chunk)));
    },
  });
}

export function headersOf(whole: boolean, more: Record<string, string> = {}): Record<string, string> {
  return { "X-Voxelry-Dtype": "int16", "X-Voxelry-Shape": whole ? "12,2,3" : "2,3", "X-Voxelry-Version": "v1", ...more };
}

export const bytesOf = (first: number, last: number): Uint8Array => BYTES.slice(first * SLICE_BYTES, (last + 1) * SLICE_BYTES);

export function volumeServer({ waiting = false, ranges = true } = {}) {
  const asked: Asked[] = [];
  const fetch = (address: string, init: RequestInit): Promise<Response> =>
    new Promise((resolve, reject) => {
      const range = new Headers(init.headers).get("Range");
      const bounds = /bytes=(\d+)-(\d+)/.exec(range ?? "")?.slice(1).map(Number);
      const single = /slices\/(\d+)\.raw/.exec(address);
      const [first, last] = single ? [Number(single[1]), Number(single[1])] : bounds ? [bounds[0] / SLICE_BYTES, (bounds[1] + 1) / SLICE_BYTES - 1] : [0, 11];
      const usual = (): Response => {
        if (single) return new Response(streamOf(bytesOf(first, last)), { headers: headersOf(false) });
        if (!ranges) return new Response(streamOf(bytesOf(0, 11)), { headers: headersOf(true) });
        const headers = headersOf(true, { "Content-Range": `${range?.replace("=", " ")}/144` });
        return new Response(streamOf(bytesOf(first, last)), { status: 206, headers });
      };
      const signal = init.signal ?? new AbortController().signal;
      const request = { address, range, signal, first, last, answer: (other?: Response) => resolve(other ?? usual()), fail: () => reject(new TypeError("Failed to fetch")) };
      asked.push(request);
      signal.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
      if (!waiting) request.answer();
    });
  return { asked, fetch };
}

/** A clock that stands still until the test moves it. */
export function stoppedClock() {
  let now = 0;
  let timers: { at: number; task: () => void }[] = [];
  const clock: Clock = {
    now: () => now,
    after: (milliseconds, task) => {
      const timer = { at: now + milliseconds, task };
      timers.push(timer);
      return () => void (timers = timers.filter((other) => other !== timer));
    },
  };
  const pass = (milliseconds: number): void => {
    now += milliseconds;
    const due = timers.filter(({ at }) => at <= now);
    timers = timers.filter(({ at }) => at > now);
    for (const { task } of due) task();
  };
  return { clock, pass };
}

/** Lets all promises that can be settled settle. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i += 1) await new Promise((resolve) => setTimeout(resolve, 0));
}
