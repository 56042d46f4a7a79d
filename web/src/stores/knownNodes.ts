import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";

import type { EchoOut, NodeOut, OwnAddressOut } from "@/api/generated/validators";
import { errorText } from "@/api/http";
import { echoNode, listNodes } from "@/api/nodes";
import { whyNotCallable } from "@/core/nodeWords";

/** What came of testing a node: its answer, or why there is none. */
export interface NodeTest {
  readonly busy: boolean;
  readonly answer: EchoOut | null;
  readonly error: string;
}

/** The nodes of the user's projects, this site's own address, and the tests of this visit. */
export const useNodes = defineStore("nodes", () => {
  const nodes = shallowRef<readonly NodeOut[]>([]);
  const site = shallowRef<OwnAddressOut | null>(null);
  const loaded = ref(false);
  const error = ref("");
  const tests = ref<ReadonlyMap<number, NodeTest>>(new Map());

  async function load(signal?: AbortSignal): Promise<void> {
    try {
      const list = await listNodes(signal);
      nodes.value = list.items;
      site.value = list.site;
      error.value = "";
    } catch (failure) {
      if (signal?.aborted) return;
      error.value = errorText(failure);
    }
    loaded.value = true;
  }

  /** Those that this site can call. */
  const callable = computed(() => nodes.value.filter((node) => !whyNotCallable(node)));

  const setTest = (id: number, test: NodeTest): void => void (tests.value = new Map(tests.value).set(id, test));

  /** Asks a node whether it answers. */
  async function test(id: number): Promise<void> {
    setTest(id, { busy: true, answer: null, error: "" });
    try {
      setTest(id, { busy: false, answer: await echoNode(id), error: "" });
    } catch (failure) {
      setTest(id, { busy: false, answer: null, error: errorText(failure) });
    }
  }

  /** Forgets what came of a test, because the node was changed. */
  function forgetTest(id: number): void {
    const rest = new Map(tests.value);
    rest.delete(id);
    tests.value = rest;
  }

  return { nodes, site, loaded, error, tests, callable, load, test, forgetTest };
});
