/** The worker's beginning: desks that hear and answer the page. */

import type { DraftDesk } from "@/scene/worker/draftDesk";
import { isForDrafts } from "@/scene/worker/draftProtocol";
import { type FromWorker, problemRecord, type ToWorker } from "@/scene/worker/protocol";
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

/** The part that edits: loaded when it is first asked for, as the first picture does not wait for it. */
let drafts: Promise<DraftDesk> | null = null;

async function openDraftDesk(): Promise<DraftDesk> {
  const [{ IndexedDraftStore }, { DraftDesk: Desk }] = await Promise.all([import("@/scene/draftStore"), import("@/scene/worker/draftDesk")]);
  return new Desk({
    fetch: (address, init) => fetch(address, init),
    store: new IndexedDraftStore(),
    values: (key) => desk.valuesOf(key),
    post: (message, transfer) => scope.postMessage(message, transfer),
    now: () => Date.now(),
  });
}

/** Hands over a message, after those before it. */
function toDrafts(message: ToWorker): void {
  drafts ??= openDraftDesk();
  drafts.then(
    (opened) => opened.receive(message),
    (error: unknown) => {
      // The next one who asks has it loaded again.
      drafts = null;
      if ("id" in message && message.kind !== "cancel") scope.postMessage({ kind: "refused", id: message.id, problem: problemRecord(error) }, []);
    },
  );
}

scope.onmessage = ({ data }) => {
  if (isForDrafts(data)) toDrafts(data);
  else {
    desk.receive(data);
    if (data.kind === "cancel" && drafts) toDrafts(data);
  }
};
