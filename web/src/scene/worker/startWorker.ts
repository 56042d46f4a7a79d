/** The worker that holds the volumes: started once, before the program that speaks to it is there. */

let worker: Worker | null = null;

export function startWorker(): Worker {
  if (worker) return worker;
  const started = new Worker(new URL("@/scene/worker/volumeWorker.ts", import.meta.url), { type: "module", name: "volumes" });
  // One that fails before somebody listens is started again by the next who asks.
  started.onerror = () => (worker = null);
  worker = started;
  return started;
}
