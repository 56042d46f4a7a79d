import { defineStore } from "pinia";
import { ref } from "vue";

export interface Notice {
  readonly key: number;
  readonly kind: "good" | "bad";
  readonly text: string;
}

const SECONDS_SHOWN = 6;

/** Short messages about what just happened. */
export const useNotices = defineStore("notices", () => {
  const notices = ref<Notice[]>([]);
  let last = 0;

  function dismiss(key: number): void {
    notices.value = notices.value.filter((notice) => notice.key !== key);
  }

  function tell(text: string, kind: Notice["kind"] = "good"): void {
    last += 1;
    const key = last;
    notices.value = [...notices.value.slice(-2), { key, kind, text }];
    window.setTimeout(() => dismiss(key), SECONDS_SHOWN * 1000);
  }

  return { notices, tell, dismiss };
});
