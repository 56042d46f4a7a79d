// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createApp, h, nextTick, ref } from "vue";

import type { StepOut } from "@/api/generated/validators";
import { ServerProblem } from "@/api/http";
import { type JobLimits, retryJob } from "@/api/jobs";
import { FRAME_OF_REFERENCE_UNKNOWN, needsFrameOfReference, problemText } from "@/tools/run/frameOfReference";
import StepForm from "@/tools/run/StepForm.vue";

const STEP: StepOut = { name: "subtract", title: "Subtract", description: "", group: "filter", inputs: ["minuend", "subtrahend"], optional: [], needs: [], params: {} };
const REFUSED = new ServerProblem(422, "frame_of_reference", "whatever it says");

type Asked = { params: Record<string, unknown>; limits: JobLimits; sameFrameOfReference: boolean };
const send = vi.fn<(asked: Asked) => Promise<void>>();
const about = ref("1/2");
let unmount = (): void => undefined;

const find = (id: string) => document.querySelector<HTMLElement>(`[data-testid=${id}]`);

async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await nextTick();
}

async function press(id: string): Promise<void> {
  find(id)?.click();
  await settled();
}

beforeEach(() => {
  document.body.innerHTML = "";
  about.value = "1/2";
  send.mockReset();
  const app = createApp({ render: () => h(StepForm, { step: STEP, send, about: about.value }) });
  app.mount(document.body.appendChild(document.createElement("div")));
  unmount = () => app.unmount();
});
afterEach(() => {
  unmount();
  vi.unstubAllGlobals();
});

describe("a step on images of which nothing says that they lie in one place", () => {
  it("is refused, then run when the user says that they do", async () => {
    expect(find("same-place")).toBeNull();
    send.mockRejectedValueOnce(REFUSED);
    await press("run");
    expect(find("run-place")?.textContent).toContain(FRAME_OF_REFERENCE_UNKNOWN);
    expect(find("run-error")).toBeNull();
    send.mockResolvedValueOnce();
    await press("same-place");
    await press("run");
    expect(send.mock.calls.map(([asked]) => asked.sameFrameOfReference)).toEqual([false, true]);
  });

  it("is not confirmed for other volumes than those that it was confirmed for", async () => {
    send.mockRejectedValueOnce(REFUSED);
    await press("run");
    await press("same-place");
    about.value = "1/3";
    await settled();
    expect(find("same-place")).toBeNull();
    send.mockResolvedValueOnce();
    await press("run");
    expect(send.mock.calls.at(-1)?.[0].sameFrameOfReference).toBe(false);
  });

  it("is known by the code alone", async () => {
    send.mockRejectedValueOnce(new ServerProblem(422, "input", "the frame of reference: same_frame_of_reference=True"));
    await press("run");
    expect(find("same-place")).toBeNull();
    expect(find("run-error")?.textContent).toContain("same_frame_of_reference");
    expect([REFUSED, { code: "frame_of_reference" }, { code: "input" }, new Error("no"), null, undefined].map(needsFrameOfReference)).toEqual([true, true, false, false, false, false]);
    expect(problemText({ code: "frame_of_reference", message: "say --same-frame-of-reference" })).toBe(FRAME_OF_REFERENCE_UNKNOWN);
    expect(problemText({ code: "input", message: "too many" })).toBe("too many");
  });

  it("is tried again as a job, with the user's word where it was given", async () => {
    const fetched = vi.fn((address: string) => Promise.reject(new TypeError(address)));
    vi.stubGlobal("fetch", fetched);
    await expect(retryJob(7)).rejects.toThrow();
    await expect(retryJob(7, { same_frame_of_reference: true })).rejects.toThrow();
    expect(fetched.mock.calls.map(([address]) => address)).toEqual(["/api/jobs/7/retry", "/api/jobs/7/retry?same_frame_of_reference=true"]);
  });
});
