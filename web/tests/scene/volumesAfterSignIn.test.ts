import { expect, it, vi } from "vitest";

import { sessionGate } from "@/api/http";
import { seriesFrom } from "@/api/series";
import { holdVolume } from "@/scene/volumePool";
import type { FromWorker, ToWorker } from "@/scene/worker/protocol";

import { SERIES } from "../examples";

it("slices that the server refused after the session's end are asked for again when somebody has signed in", async () => {
  const told: ToWorker[] = [];
  const hear: ((message: FromWorker) => void)[] = [];
  vi.stubGlobal(
    "Worker",
    class {
      constructor() {
        hear.push((data) => (this as unknown as { onmessage: (event: { data: FromWorker }) => void }).onmessage({ data }));
      }
      postMessage(message: ToWorker): void {
        told.push(message);
      }
    },
  );
  const [volume] = seriesFrom(structuredClone(SERIES) as never).volumes;
  const closing = vi.fn();
  const leave = sessionGate.keep(closing);
  const source = holdVolume(1, volume);
  const { key } = source;
  // The worker starts when something is asked of it.
  source.demand({ view: "v", slice: 0, direction: 0, around: false, crossing: false });
  const retries = (): ToWorker[] => told.filter(({ kind }) => kind === "retry");

  hear[0]({ kind: "failed", key, problem: { status: 500, code: "broken", detail: "" } });
  expect(closing).not.toHaveBeenCalled();
  hear[0]({ kind: "failed", key, problem: { status: 401, code: "not_logged_in", detail: "" } });
  expect(closing).toHaveBeenCalledTimes(1);
  await Promise.resolve();
  expect(retries()).toEqual([]);
  sessionGate.open();
  await vi.waitFor(() => expect(retries()).toEqual([{ kind: "retry", key }]), { timeout: 30_000 });
  leave();
  vi.unstubAllGlobals();
});
