// @vitest-environment jsdom
import { describe, expect, it } from "vitest";

import { commandFor, type ViewerCommand } from "@/viewports/commands";

function press(key: string, on = "<div></div>", options: KeyboardEventInit = {}): ViewerCommand | null {
  document.body.innerHTML = on;
  let command: ViewerCommand | null = null;
  const listen = (event: KeyboardEvent) => (command = commandFor(event));
  window.addEventListener("keydown", listen, { once: true });
  document.body.firstElementChild?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...options }));
  return command;
}

describe("commandFor", () => {
  it.each([
    ["ArrowDown", { do: "step", by: 1 }],
    ["ArrowUp", { do: "step", by: -1 }],
    ["PageDown", { do: "step", by: 10 }],
    ["Home", { do: "first" }],
    ["End", { do: "last" }],
    [" ", { do: "play" }],
    ["A", { do: "plane", plane: "axial" }],
    ["3", { do: "preset", number: 3 }],
    ["?", { do: "help" }],
    ["x", null],
  ])("%s", (key, expected) => {
    expect(press(key)).toEqual(expected);
  });

  it("leaves the browser's own keys alone", () => {
    expect(press("a", undefined, { ctrlKey: true })).toBeNull();
    expect(press("r", undefined, { metaKey: true })).toBeNull();
  });

  it("leaves keys to the control that needs them", () => {
    expect(press("a", '<input type="search">')).toBeNull();
    expect(press("ArrowDown", "<select></select>")).toBeNull();
    expect(press(" ", "<button></button>")).toBeNull();
    expect(press("ArrowDown", "<button></button>")).toEqual({ do: "step", by: 1 });
    expect(press("ArrowRight", '<input type="range" data-testid="threshold-slider">')).toBeNull();
    expect(press("ArrowRight", '<input type="range" data-testid="slice-slider">')).toEqual({ do: "step", by: 1 });
  });
});
