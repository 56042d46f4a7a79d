// @vitest-environment jsdom
import { afterEach, expect, it } from "vitest";
import { type Component, createApp, defineComponent, h, nextTick, ref } from "vue";

import NumberInput from "@/ui/NumberInput.vue";
import TypedInput from "@/ui/TypedInput.vue";

let unmount = (): void => undefined;
afterEach(() => {
  unmount();
  document.body.innerHTML = "";
});

const value = ref<number | "">(40);
const title = ref("a");

/** A field on a page that takes what is wanted, and at most 100. */
function mount(kind: Component): HTMLInputElement {
  value.value = 40;
  title.value = "a";
  const take = (typed: string | number): void => {
    const wanted = Number(typed);
    if (Number.isFinite(wanted) && typed !== "") value.value = Math.min(100, wanted);
  };
  const page = defineComponent(() => () => h(kind, { value: value.value, title: title.value, onChange: take }));
  const app = createApp(page);
  app.mount(document.body.appendChild(document.createElement("div")));
  unmount = () => app.unmount();
  const field = document.querySelector("input");
  if (!field) throw new Error("there is no field");
  return field;
}

/** As somebody types, without committing it. */
async function type(field: HTMLInputElement, text: string): Promise<void> {
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  await nextTick();
}

async function commit(field: HTMLInputElement): Promise<void> {
  field.dispatchEvent(new Event("change", { bubbles: true }));
  await nextTick();
  await nextTick();
}

for (const [name, kind] of Object.entries({ TypedInput, NumberInput })) {
  it(`${name} keeps what is being typed when it is drawn again, and when its value changes meanwhile`, async () => {
    const field = mount(kind);
    expect(field.value).toBe("40");
    await type(field, "7");
    title.value = "b";
    await nextTick();
    expect(field.title).toBe("b");
    expect(field.value).toBe("7");
    value.value = 41;
    await nextTick();
    expect(field.value).toBe("7");
    await commit(field);
    expect([value.value, field.value]).toEqual([7, "7"]);
    value.value = 8;
    await nextTick();
    expect(field.value).toBe("8");
  });

  it(`${name} shows what holds when a text is refused, clipped or given up`, async () => {
    const field = mount(kind);
    await type(field, "");
    await commit(field);
    expect([value.value, field.value]).toEqual([40, "40"]);
    await type(field, "500");
    await commit(field);
    await type(field, "600");
    await commit(field);
    expect([value.value, field.value]).toEqual([100, "100"]);
    await type(field, "5");
    field.dispatchEvent(new Event("blur"));
    expect([value.value, field.value]).toEqual([100, "100"]);
    value.value = "";
    await nextTick();
    expect(field.value).toBe("");
  });
}
