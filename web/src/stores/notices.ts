import { defineStore } from "pinia";
import { ref } from "vue";

export interface Notice {
  readonly key: number;
  readonly kind: "good" | "bad";
  readonly text: string;
  /** What the notice offers, for example to undo what it tells. */
  readonly action: NoticeAction | null;
}

export interface NoticeAction {
  readonly label: string;
  readonly run: () => Promise<void>;
}

const SECONDS_SHOWN = 6;
/** A notice with an action stays until somebody who reads slowly has decided. */
const SECONDS_WITH_ACTION = 30;

/** Short messages about what just happened. */
export const useNotices = defineStore("notices", () => {
  const notices = ref<Notice[]>([]);
  let last = 0;

  function dismiss(key: number): void {
    notices.value = notices.value.filter((notice) => notice.key !== key);
  }

  function tell(text: string, kind: Notice["kind"] = "good", action: NoticeAction | null = null): void {
    last += 1;
    const key = last;
    // Said once: the same words replace themselves.
    const others = notices.value.filter((notice) => notice.text !== text || notice.action !== null);
    notices.value = [...others.slice(-2), { key, kind, text, action }];
    window.setTimeout(() => dismiss(key), (action ? SECONDS_WITH_ACTION : SECONDS_SHOWN) * 1000);
  }

  return { notices, tell, dismiss };
});
