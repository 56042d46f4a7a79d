/** The worker that holds the volumes, started when something is asked of it: until then it would only take time from the first picture. */

import type { FromWorker, ToWorker } from "@/scene/worker/protocol";
import type { WorkerPort } from "@/scene/worker/workerLink";

/** What only tells of volumes waits for the first message that asks something. */
const TELLING: ReadonlySet<ToWorker["kind"]> = new Set(["open", "close", "withdraw"]);

const newWorker = (): WorkerPort => new Worker(new URL("@/scene/worker/volumeWorker.ts", import.meta.url), { type: "module", name: "volumes" });

export class LateWorker implements WorkerPort {
  onmessage: ((event: MessageEvent<FromWorker>) => void) | null = null;
  onerror: ((event: ErrorEvent) => void) | null = null;
  private worker: WorkerPort | null = null;
  private readonly told: ToWorker[] = [];

  constructor(private readonly make: () => WorkerPort = newWorker) {}

  postMessage(message: ToWorker): void {
    if (!this.worker && TELLING.has(message.kind)) this.told.push(message);
    else this.started().postMessage(message);
  }

  private started(): WorkerPort {
    if (this.worker) return this.worker;
    const worker = this.make();
    worker.onmessage = (event) => this.onmessage?.(event);
    worker.onerror = (event) => this.onerror?.(event);
    for (const message of this.told.splice(0)) worker.postMessage(message);
    return (this.worker = worker);
  }
}
