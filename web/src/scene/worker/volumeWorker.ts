/** The worker's beginning: desks that hear and answer the page. */

import { IndexedDraftStore } from "@/scene/draftStore";
import { DraftDesk } from "@/scene/worker/draftDesk";
import type { FromWorker, ToWorker } from "@/scene/worker/protocol";
import { VolumeDesk } from "@/scene/worker/volumeDesk";

/** The worker's global object, of which the page's types know nothing. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: FromWorker, transfer: Transferable[]): void;
}

const scope = globalThis as unknown as WorkerScope;

// A message to oneself comes after those that are waiting already, and sooner than any timer.
const tasks: (() => void)[] = [];
const channel = new MessageChannel();
channel.port1.onmessage = () => tasks.shift()?.();

const desk = new VolumeDesk(
  (address, init) => fetch(address, init),
  {
    now: () => performance.now(),
    after: (milliseconds, task) => {
      const timer = setTimeout(task, milliseconds);
      return () => clearTimeout(timer);
    },
  },
  (message, transfer) => scope.postMessage(message, transfer),
  (task) => {
    tasks.push(task);
    channel.port2.postMessage(null);
  },
);

const drafts = new DraftDesk({
  fetch: (address, init) => fetch(address, init),
  store: new IndexedDraftStore(),
  values: (key) => desk.valuesOf(key),
  post: (message, transfer) => scope.postMessage(message, transfer),
  now: () => Date.now(),
});

scope.onmessage = ({ data }) => {
  if (!drafts.receive(data)) desk.receive(data);
};
