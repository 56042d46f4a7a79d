import { onScopeDispose, ref, type Ref, shallowRef, type ShallowRef } from "vue";

import type { JobDetail } from "@/api/generated/validators";
import { errorText } from "@/api/http";
import { followJob } from "@/api/jobEvents";
import { cancelJob, retryJob } from "@/api/jobs";
import { isActive } from "@/core/jobState";

export interface FollowedJob {
  readonly job: ShallowRef<JobDetail | null>;
  readonly error: Ref<string>;
  /** True while a request of the user is pending. */
  readonly busy: Ref<boolean>;
  readonly cancel: () => Promise<void>;
  readonly retry: () => Promise<void>;
  /** Retries; the user confirms that the inputs share one frame of reference. */
  readonly runAnyway: () => Promise<void>;
}

/** Follows a job until the calling scope is disposed; `ended` is called each time the job ends. */
export function useFollowedJob(id: number, ended: (job: JobDetail) => void = () => undefined): FollowedJob {
  const job = shallowRef<JobDetail | null>(null);
  const error = ref("");
  const busy = ref(false);
  let stop: () => void = () => undefined;

  function update(received: JobDetail): void {
    const wasActive = job.value === null || isActive(job.value.state);
    job.value = received;
    error.value = "";
    if (wasActive && !isActive(received.state)) ended(received);
  }

  function follow(): void {
    stop();
    stop = followJob(id, { onJob: update, onTrouble: (failure) => (error.value = errorText(failure)) });
  }

  async function act(action: (id: number) => Promise<JobDetail>): Promise<void> {
    busy.value = true;
    try {
      update(await action(id));
      follow();
    } catch (failure) {
      error.value = errorText(failure);
    } finally {
      busy.value = false;
    }
  }

  follow();
  onScopeDispose(() => stop());
  return {
    job,
    error,
    busy,
    cancel: () => act(cancelJob),
    retry: () => act((jobId) => retryJob(jobId)),
    runAnyway: () => act((jobId) => retryJob(jobId, { same_frame_of_reference: true })),
  };
}
