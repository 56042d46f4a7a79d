// @vitest-environment jsdom
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createApp, defineComponent, h, shallowRef, type ShallowRef } from "vue";

import type { ChosenTerm, OfferedTerm } from "@/core/segmentTerms";
import TermPicker from "@/ui/TermPicker.vue";

import { all, openDocument, press, settle } from "../pages/mounting";

const ANATOMY = { value: "123037004", scheme: "SCT", meaning: "Anatomical Structure" };
const LEFT = { value: "7771000", scheme: "SCT", meaning: "Left" };
const RIGHT = { value: "24028007", scheme: "SCT", meaning: "Right" };
const LIVER: OfferedTerm = { category: ANATOMY, type: { value: "10200004", scheme: "SCT", meaning: "Liver" }, modifiers: [], anatomic_region: null, colour: "#dd8265" };
const KIDNEY: OfferedTerm = { category: ANATOMY, type: { value: "64033007", scheme: "SCT", meaning: "Kidney" }, modifiers: [RIGHT, LEFT], anatomic_region: null, colour: "#b9664d" };

/** A terminology of two terms: all words must be in a term's words or codes. */
const find = vi.fn((text: string) => {
  if (text === "break") return Promise.reject(new Error("The server does not answer."));
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return Promise.resolve([LIVER, KIDNEY].filter((term) => words.every((word) => JSON.stringify([term.type, term.modifiers]).toLowerCase().includes(word))));
});

let term: ShallowRef<ChosenTerm | null>;
let unmount = (): void => undefined;

function mount(first: ChosenTerm | null = null): void {
  term = shallowRef(first);
  const page = defineComponent(() => () => h(TermPicker, { modelValue: term.value, "onUpdate:modelValue": (chosen: ChosenTerm | null) => (term.value = chosen), find, label: "What it is", testid: "term" }));
  const app = createApp(page);
  app.mount(document.body.appendChild(document.createElement("div")));
  unmount = () => app.unmount();
}

const field = (): HTMLInputElement => all("term-search")[0] as HTMLInputElement;

async function write(text: string): Promise<void> {
  field().focus();
  field().value = text;
  field().dispatchEvent(new Event("input", { bubbles: true }));
  await vi.waitFor(() => expect(find).toHaveBeenLastCalledWith(text, expect.anything()), { timeout: 30_000 });
  await settle();
}

beforeEach(() => {
  openDocument();
  find.mockClear();
  vi.stubGlobal("ResizeObserver", class { observe() { return; } unobserve() { return; } disconnect() { return; } });
});
afterEach(() => {
  unmount();
  vi.unstubAllGlobals();
});

it("finds a term by words, and takes the side from them, by keyboard alone", async () => {
  mount();
  await write("left kid");
  expect(all("term-offer").map((one) => one.textContent)).toEqual(["Left kidneyAnatomical Structure · 64033007 SCT"]);
  await press("ArrowDown");
  await press("Enter");
  expect(term.value).toEqual({ category: ANATOMY, type: KIDNEY.type, type_modifier: LEFT, anatomic_region: null, region_modifier: null, colour: "#b9664d" });
  expect(field().value).toBe("Left kidney");
  expect(all("term-facts")[0].textContent).toContain("Anatomical Structure · 64033007 SCT · 7771000 SCT");
});

it("finds a term by its code, changes its side, and takes it away again", async () => {
  mount();
  await write("64033007");
  all("term-offer")[0].click();
  await settle();
  expect(term.value?.type_modifier).toBeNull();
  const side = all("term-modifier")[0] as HTMLSelectElement;
  expect([...side.options].map((option) => option.text)).toEqual(["–", "Right", "Left"]);
  side.value = "0";
  side.dispatchEvent(new Event("change", { bubbles: true }));
  await settle();
  expect(term.value?.type_modifier).toEqual(RIGHT);
  expect(field().value).toBe("Right kidney");
  all("term-clear")[0].click();
  await settle();
  expect(term.value).toBeNull();
  expect(field().value).toBe("");
});

it("shows the term that a segment has, with its side", () => {
  mount({ category: ANATOMY, type: KIDNEY.type, type_modifier: LEFT, anatomic_region: null, region_modifier: null, colour: null });
  expect(field().value).toBe("Left kidney");
  expect((all("term-modifier")[0] as HTMLSelectElement).selectedOptions[0].text).toBe("Left");
});

it("says that nothing was found, and why nothing can be had", async () => {
  mount();
  await write("spaceship");
  expect(all("term-list")[0].textContent).toContain("No term has all of these words.");
  await write("break");
  expect(all("term-list")[0].textContent).toContain("The server does not answer.");
  expect(term.value).toBeNull();
});

it("keeps what was chosen when a search is left", async () => {
  mount({ category: ANATOMY, type: LIVER.type, type_modifier: null, anatomic_region: null, region_modifier: null, colour: null });
  await write("kidney");
  await press("Escape");
  expect(term.value?.type).toEqual(LIVER.type);
  expect(field().value).toBe("Liver");
});
