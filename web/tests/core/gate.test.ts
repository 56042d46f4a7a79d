import { describe, expect, it } from "vitest";

import { Gate } from "@/core/gate";

const later = () => new Promise((resolve) => setTimeout(resolve));

describe("a gate", () => {
  it("without a keeper does not close, because nobody would open it", async () => {
    const gate = new Gate();
    expect(gate.close()).toBe(false);
    await gate.passed();
  });

  it("calls its keeper once, holds callers while it is closed, and lets all pass when it opens", async () => {
    const gate = new Gate();
    const calls: string[] = [];
    gate.keep(() => calls.push("closed"));
    expect([gate.close(), gate.close(), gate.isClosed]).toEqual([true, true, true]);
    void gate.passed().then(() => calls.push("first"));
    void gate.passed().then(() => calls.push("second"));
    await later();
    expect([calls, gate.length]).toEqual([["closed"], 2]);
    gate.open();
    await later();
    expect([calls, gate.length]).toEqual([["closed", "first", "second"], 0]);
  });

  it("lets a caller leave who does not want to wait", async () => {
    const gate = new Gate();
    gate.keep(() => undefined);
    gate.close();
    const controller = new AbortController();
    const waits = gate.passed(controller.signal);
    controller.abort();
    await expect(waits).rejects.toMatchObject({ name: "AbortError" });
    await expect(gate.passed(controller.signal)).rejects.toMatchObject({ name: "AbortError" });
    expect(gate.length).toBe(0);
  });

  it("opens when its keeper leaves, but not when a former one does", async () => {
    const gate = new Gate();
    const former = gate.keep(() => undefined);
    const leave = gate.keep(() => undefined);
    gate.close();
    former();
    expect(gate.isClosed).toBe(true);
    leave();
    await gate.passed();
  });
});
