import { type Ref, ref, watch } from "vue";

import { errorText } from "@/api/http";

/** A dialog about studies, open while there are some: what it asks about, also while it closes, and whether it is busy or has failed. */
export function useStudyDialog<Study>(studies: () => readonly Study[]) {
  const asked = ref(studies()) as Ref<readonly Study[]>;
  const busy = ref(false);
  const error = ref("");

  watch(studies, (now) => {
    if (now.length) asked.value = now;
  });
  // A page that is drawn again names the same studies anew: the failure of the last attempt stays.
  watch(
    () => studies().length > 0,
    () => (error.value = ""),
  );

  /** Does what was confirmed; a failure is shown in the dialog. */
  async function attempt(act: () => Promise<void>): Promise<void> {
    busy.value = true;
    error.value = "";
    try {
      await act();
    } catch (failure) {
      error.value = errorText(failure);
    } finally {
      busy.value = false;
    }
  }

  return { asked, busy, error, attempt };
}
