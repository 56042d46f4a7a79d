import { defineStore } from "pinia";
import { ref } from "vue";

import { errorText, sessionGate } from "@/api/http";
import { loginAddress, signIn as sendPassword, signInMark, whoIsSignedIn } from "@/api/signIn";
import { useSelection } from "@/stores/selection";
import { useSession } from "@/stores/session";

/**
 * The end of the session, seen from the page. What the page shows stays, and requests wait, until the same user is signed
 * in again, here or in another tab. If it is another user, nothing is sent in the new name: the page has to be reloaded.
 */
export const useSessionEnd = defineStore("sessionEnd", () => {
  const session = useSession();
  /** Whether the session has ended. */
  const ended = ref(false);
  /** Who is signed in instead of the page's user. */
  const other = ref("");
  /** Whether the dialog was put aside to look at the page. */
  const aside = ref(false);
  const busy = ref(false);
  const error = ref("");
  let mark = signInMark();

  /** Starts to watch; returns a function that stops it. */
  function watchSession(): () => void {
    const leave = sessionGate.keep(onRefusal);
    window.addEventListener("focus", look);
    document.addEventListener("visibilitychange", look);
    return () => {
      window.removeEventListener("focus", look);
      document.removeEventListener("visibilitychange", look);
      leave();
    };
  }

  /** A page that shows nothing yet has nothing to lose. */
  function onRefusal(): void {
    if (!session.me) openLoginPage();
    else if (mark === signInMark()) ended.value = true;
    else void resume({ quiet: true });
  }

  /** When the user returns to the page: somebody may have signed in elsewhere. Requests wait until it is known who. */
  function look(): void {
    if (document.hidden || !session.me) return;
    if (ended.value) void resume({ quiet: true });
    else if (mark !== signInMark()) sessionGate.close();
  }

  /** Goes on if the page's user is signed in. */
  async function resume({ quiet }: { quiet: boolean }): Promise<void> {
    if (busy.value) return;
    busy.value = true;
    if (!quiet) error.value = "";
    try {
      const found = await whoIsSignedIn();
      ended.value = found?.username !== session.me?.username;
      other.value = ended.value ? (found?.username ?? "") : "";
      if (ended.value && !found && !quiet) error.value = "Nobody is signed in yet.";
      if (other.value) aside.value = false;
      if (!ended.value) goOn();
    } catch (failure) {
      if (!quiet) error.value = errorText(failure);
      if (!ended.value) sessionGate.open();
    } finally {
      busy.value = false;
    }
  }

  function goOn(): void {
    mark = signInMark();
    aside.value = false;
    error.value = "";
    sessionGate.open();
  }

  async function signIn(user: string, password: string): Promise<void> {
    if (busy.value) return;
    busy.value = true;
    error.value = "";
    try {
      error.value = await sendPassword(user, password);
    } catch (failure) {
      error.value = errorText(failure);
    } finally {
      busy.value = false;
    }
    if (!error.value) await resume({ quiet: false });
  }

  const openLoginPage = (): void => window.location.assign(loginAddress(window.location));

  /** What was selected belongs to the user who left. */
  function reload(): void {
    useSelection().clear();
    window.location.reload();
  }

  return { ended, other, aside, busy, error, watchSession, tryAgain: () => resume({ quiet: false }), signIn, openLoginPage, reload };
});
