import { expect, it } from "vitest";

import type { FromWorker, ToWorker } from "@/scene/worker/protocol";
import { LateWorker } from "@/scene/worker/startWorker";
import type { WorkerPort } from "@/scene/worker/workerLink";

function made() {
  const ports: (WorkerPort & { readonly told: ToWorker[] })[] = [];
  const late = new LateWorker(() => {
    const told: ToWorker[] = [];
    const port = { told, onmessage: null, onerror: null, postMessage: (message: ToWorker) => told.push(message) };
    ports.push(port);
    return port;
  });
  return { late, ports };
}

const opening = (key: string): ToWorker => ({ kind: "open", key, volume: { seriesId: 1, index: 0, version: "1", dtype: "int16", shape: [2, 2, 2], affine: null } });
const asking = (id: number): ToWorker => ({ kind: "voxel", key: "a", id, index: [0, 0, 0] });

it("no worker is made for what is only told", () => {
  const { late, ports } = made();
  late.postMessage(opening("a"));
  late.postMessage({ kind: "withdraw", key: "a", view: "v" });
  late.postMessage({ kind: "close", key: "a" });
  expect(ports).toEqual([]);
});

it("the first question makes one worker, which hears all in the order in which it was said", () => {
  const { late, ports } = made();
  const said = [opening("a"), opening("b"), asking(1), opening("c"), asking(2)];
  said.forEach((message) => late.postMessage(message));
  expect(ports).toHaveLength(1);
  expect(ports[0].told).toEqual(said);
});

it("answers and failures of the worker are heard by who listens now", () => {
  const { late, ports } = made();
  late.postMessage(asking(1));
  const heard: unknown[] = [];
  late.onmessage = ({ data }) => heard.push(data);
  late.onerror = () => heard.push("broken");
  const answer: FromWorker = { kind: "voxel", id: 1, values: [7] };
  ports[0].onmessage?.({ data: answer } as MessageEvent<FromWorker>);
  ports[0].onerror?.({} as ErrorEvent);
  expect(heard).toEqual([answer, "broken"]);
});
