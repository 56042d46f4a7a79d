import { defineStore } from "pinia";
import { ref } from "vue";

import { connectionGate, sendOnce } from "@/api/http";

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15_000;

/** Whether the server can be reached. It is said in one place while requests wait, and the server is asked again and again. */
export const useConnection = defineStore("connection", () => {
  const lost = ref(false);
  let wait = FIRST_WAIT_MS;
  let timer: number | undefined;

  /** Starts to watch; returns a function that stops it. */
  function watchConnection(): () => void {
    const leave = connectionGate.keep(onLoss);
    const tryNow = (): void => void ask();
    window.addEventListener("online", tryNow);
    return () => {
      window.clearTimeout(timer);
      window.removeEventListener("online", tryNow);
      leave();
    };
  }

  function onLoss(): void {
    lost.value = true;
    wait = FIRST_WAIT_MS;
    plan();
  }

  function plan(): void {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => void ask(), wait);
    wait = Math.min(LONGEST_WAIT_MS, wait * 2);
  }

  /** Asks whether the server is there, and goes on if it is. */
  async function ask(): Promise<void> {
    if (!lost.value) return;
    window.clearTimeout(timer);
    try {
      await sendOnce("/healthz");
    } catch {
      plan();
      return;
    }
    lost.value = false;
    connectionGate.open();
  }

  return { lost, watchConnection, ask };
});
