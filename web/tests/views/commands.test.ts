// @vitest-environment jsdom
import { describe, expect, it } from "vitest";

import { commandFor, VIEW_COMMANDS } from "@/views/commands";

function press(key: string, on = "<div></div>", options: KeyboardEventInit = {}): string | null {
  document.body.innerHTML = on;
  let title: string | null = null;
  const listen = (event: KeyboardEvent) => (title = commandFor(event, VIEW_COMMANDS)?.command.title ?? null);
  window.addEventListener("keydown", listen, { once: true });
  document.body.firstElementChild?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...options }));
  return title;
}

describe("commandFor", () => {
  it.each([
    ["ArrowDown", "Previous and next slice"],
    ["ArrowUp", "Previous slice"],
    ["PageDown", "Ten slices"],
    ["Home", "First and last slice"],
    ["End", "Last slice"],
    ["A", "Axial; of animals transverse"],
    ["3", "Window presets"],
    ["x", null],
  ])("%s", (key, expected) => {
    expect(press(key)).toBe(expected);
  });

  it("leaves the browser's own keys alone", () => {
    expect(press("a", undefined, { ctrlKey: true })).toBeNull();
    expect(press("r", undefined, { metaKey: true })).toBeNull();
  });

  it("gives a key to the command that has it only now, with and without the control key", () => {
    let isOn = false;
    const commands = [
      ...VIEW_COMMANDS,
      { keys: ["a", "Ctrl+z"], title: "Paints", group: "", only: () => isOn, run: () => undefined },
      { keys: ["Ctrl+Shift+z"], title: "Paints again", group: "", run: () => undefined },
    ];
    const titleOf = (key: string, options: KeyboardEventInit = {}) => commandFor(new KeyboardEvent("keydown", { key, ...options }), commands)?.command.title ?? null;
    expect([titleOf("a"), titleOf("z", { ctrlKey: true }), titleOf("Z", { metaKey: true, shiftKey: true })]).toEqual(["Axial; of animals transverse", null, "Paints again"]);
    isOn = true;
    expect([titleOf("a"), titleOf("z", { ctrlKey: true }), titleOf("a", { ctrlKey: true }), titleOf("z")]).toEqual(["Paints", "Paints", null, null]);
  });

  it("leaves keys to the control that needs them", () => {
    expect(press("a", '<input type="search">')).toBeNull();
    expect(press("ArrowDown", "<select></select>")).toBeNull();
    expect(press(" ", "<button></button>")).toBeNull();
    expect(press("ArrowDown", "<button></button>")).toBe("Previous and next slice");
    expect(press("ArrowRight", '<input type="range" data-testid="threshold-slider">')).toBeNull();
    expect(press("ArrowRight", '<input type="range" data-testid="slice-slider">')).toBe("Previous and next slice");
  });
});
