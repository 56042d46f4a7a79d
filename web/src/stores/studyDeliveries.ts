import { computed, onScopeDispose, ref, shallowRef } from "vue";

import type { StudyDeliveries } from "@/api/generated/validators";
import { errorText, isAbort } from "@/api/http";
import { listStudyDeliveries, retryDeliveries, sendStudies } from "@/api/nodes";
import { plural } from "@/core/formatting";
import { useNodes } from "@/stores/knownNodes";
import { useNotices } from "@/stores/notices";
import { usePolling } from "@/stores/polling";

/** The nodes to which a study can be sent, and how far it is on its way to them. */
export function useStudyDeliveries(study: number, project: () => number | null) {
  const nodes = useNodes();
  const notices = useNotices();
  const deliveries = shallowRef<readonly StudyDeliveries[]>([]);
  const busy = ref(false);
  const controller = new AbortController();
  let loaded = false;
  let paused = false;
  onScopeDispose(() => controller.abort());

  const targets = computed(() => nodes.callable.filter((node) => node.project.id === project()));

  const { start, stop } = usePolling(async (signal) => {
    try {
      deliveries.value = await listStudyDeliveries(study, signal);
    } catch (failure) {
      // The page of a study is usable without this.
      if (isAbort(failure)) return null;
      return 5000;
    }
    return deliveries.value.some(({ counts }) => counts.waiting > 0) ? 1000 : null;
  });

  /** For those who may upload to the study's project; others see neither nodes nor deliveries. */
  async function load(): Promise<void> {
    await nodes.load(controller.signal);
    loaded = true;
    if (!paused) start();
  }

  async function act(action: () => Promise<string>): Promise<void> {
    busy.value = true;
    try {
      notices.tell(await action());
    } catch (failure) {
      notices.tell(errorText(failure), "bad");
    } finally {
      busy.value = false;
    }
    start();
  }

  const send = (node: { readonly id: number; readonly name: string }): Promise<void> =>
    act(async () => `${plural((await sendStudies(node.id, [study])).waiting, "instance")} on the way to ${node.name}.`);
  const retry = (node: number): Promise<void> =>
    act(async () => {
      await retryDeliveries(node, study);
      return "What failed is sent again.";
    });

  /** Asks nothing until it is resumed: the study is being deleted. */
  function pause(): void {
    paused = true;
    stop();
  }

  function resume(): void {
    paused = false;
    if (loaded) start();
  }

  return { targets, deliveries, busy, load, send, retry, pause, resume };
}
