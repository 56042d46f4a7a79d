/** Follows a job by server-sent events, or by polling. */

import { parseAnswer } from "@/api/answers";
import { type JobDetail, jobDetail } from "@/api/generated/validators";
import { ServerProblem } from "@/api/http";
import { getJob } from "@/api/jobs";
import { isActive } from "@/core/jobState";

/** Browsers open at most six connections to a server, and loading slices needs some. */
const MOST_STREAMS = 2;
const POLL_MS = 1000;
let streams = 0;

export interface JobListener {
  readonly onJob: (job: JobDetail) => void;
  /** Called with the reason when nothing can be received; following continues. */
  readonly onTrouble: (failure: unknown) => void;
}

/** Reports a job now and after each change until it ends. Polls if server-sent events fail. Returns a function that stops it. */
export function followJob(id: number, { onJob, onTrouble }: JobListener): () => void {
  const controller = new AbortController();
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function closeStream(): void {
    if (!source) return;
    source.close();
    source = null;
    streams -= 1;
  }

  function stop(): void {
    controller.abort();
    clearTimeout(timer);
    closeStream();
  }

  async function poll(): Promise<void> {
    try {
      const job = await getJob(id, controller.signal);
      if (controller.signal.aborted) return;
      onJob(job);
      if (!isActive(job.state)) return;
    } catch (failure) {
      if (controller.signal.aborted) return;
      onTrouble(failure);
      if (failure instanceof ServerProblem && failure.status === 404) return;
    }
    timer = setTimeout(() => void poll(), POLL_MS);
  }

  function listen(event: MessageEvent<string>): void {
    try {
      const job = parseAnswer(jobDetail, JSON.parse(event.data));
      onJob(job);
      if (!isActive(job.state)) stop();
    } catch (failure) {
      onTrouble(failure);
      stop();
    }
  }

  if (streams >= MOST_STREAMS || typeof EventSource === "undefined") {
    void poll();
    return stop;
  }
  streams += 1;
  source = new EventSource(`/api/jobs/${id}/events`);
  source.addEventListener("job", listen);
  source.addEventListener("error", () => {
    closeStream();
    void poll();
  });
  return stop;
}
