import { onScopeDispose, ref, type Ref, shallowRef, type ShallowRef } from "vue";

import { cancelJob, followJob, type JobDetail, retryJob } from "@/api/jobs";
import { inUserWords } from "@/api/http";
import { isActive } from "@/core/state";

export interface Followed {
  readonly job: ShallowRef<JobDetail | null>;
  readonly error: Ref<string>;
  /** True while a click of the user's is on its way. */
  readonly busy: Ref<boolean>;
  readonly cancel: () => Promise<void>;
  readonly retry: () => Promise<void>;
  /** Again, with the user's word that the images lie in one place of the patient. */
  readonly runAnyway: () => Promise<void>;
}

/** A job as it goes, until its owner goes; `ended` is called once each time that it is over. */
export function useFollowed(id: number, ended: (job: JobDetail) => void = () => undefined): Followed {
  const job = shallowRef<JobDetail | null>(null);
  const error = ref("");
  const busy = ref(false);
  let stop: () => void = () => undefined;

  function take(told: JobDetail): void {
    const wasActive = job.value === null || isActive(job.value.state);
    job.value = told;
    error.value = "";
    if (wasActive && !isActive(told.state)) ended(told);
  }

  function follow(): void {
    stop();
    stop = followJob(id, { onJob: take, onTrouble: (failure) => (error.value = inUserWords(failure)) });
  }

  async function act(action: (id: number) => Promise<JobDetail>): Promise<void> {
    busy.value = true;
    try {
      take(await action(id));
      follow();
    } catch (failure) {
      error.value = inUserWords(failure);
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
    retry: () => act((of) => retryJob(of)),
    runAnyway: () => act((of) => retryJob(of, { samePlace: true })),
  };
}
