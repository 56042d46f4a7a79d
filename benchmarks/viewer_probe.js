// Measures a viewer from inside its page. It is installed before the page's own scripts, in every viewer alike.
// Times are milliseconds since the epoch, so that they outlive a change of the document.
(() => {
  const SIDE = 32;
  const LIT = 24;
  const small = document.createElement("canvas");
  small.width = small.height = SIDE;
  const pen = small.getContext("2d", { willReadFrequently: true });
  pen.imageSmoothingEnabled = false;
  const now = () => performance.timeOrigin + performance.now();

  /** Grey levels of a canvas at SIDE x SIDE points; null while there is no canvas of a size. */
  function levels(canvas) {
    if (!canvas || canvas.width === 0 || canvas.height === 0) return null;
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, SIDE, SIDE);
    pen.drawImage(canvas, 0, 0, SIDE, SIDE);
    const pixels = pen.getImageData(0, 0, SIDE, SIDE).data;
    return Uint8Array.from({ length: SIDE * SIDE }, (_, i) => (pixels[4 * i] + pixels[4 * i + 1] + pixels[4 * i + 2]) / 3);
  }

  /** Whether these are a picture: a part of them lit, with many levels, as the noise of a scanner has. */
  function isPicture(found) {
    const lit = found ? found.filter((level) => level > LIT) : [];
    return lit.length > 0.03 * SIDE * SIDE && new Set(lit).size >= 8;
  }

  function fingerprint(found) {
    let hash = 2166136261;
    for (const level of found) hash = Math.imul(hash ^ level, 16777619);
    return hash >>> 0;
  }

  const clicked = (event) => sessionStorage.setItem("probe-click", String(performance.timeOrigin + event.timeStamp));
  document.addEventListener("click", clicked, { capture: true });
  document.addEventListener("pointerdown", (event) => (probe.pointer = event.pointerId), { capture: true });

  const probe = {
    now,
    clickedAt: () => Number(sessionStorage.getItem("probe-click")),

    /** The time of the first frame in which the canvas has a picture. */
    firstPicture: (selector) =>
      new Promise((resolve) => {
        const look = () => {
          if (isPicture(levels(document.querySelector(selector)))) resolve(now());
          else requestAnimationFrame(look);
        };
        look();
      }),

    /** The time when the page says that all is loaded. */
    whole: (selector, loaded, count) =>
      new Promise((resolve) => {
        const look = () => {
          const said = document.querySelector(selector);
          if (said && Number(said.getAttribute(loaded)) >= Number(said.getAttribute(count))) resolve(now());
          else setTimeout(look, 20);
        };
        look();
      }),

    /** Waits until the last so many recorded frames are alike. */
    still: (many) =>
      new Promise((resolve) => {
        const look = () => {
          const last = probe.frames.slice(-many).map(([, shown]) => shown.join());
          if (last.length === many && new Set(last).size === 1) resolve();
          else requestAnimationFrame(look);
        };
        look();
      }),

    /** Moves the pointer that is held down in a canvas, once in a frame; it is still down at the end. */
    drag: (selector, number, from, way, steps) =>
      new Promise((resolve) => {
        const target = document.querySelectorAll(selector)[number];
        const box = target.getBoundingClientRect();
        let step = 0;
        const next = () => {
          if (step === steps) return resolve();
          step += 1;
          const part = from + (way * step) / steps;
          const [clientX, clientY] = [box.left + part * box.width, box.top + part * box.height];
          const held = { pointerId: probe.pointer, pointerType: "mouse", isPrimary: true, buttons: 1, bubbles: true };
          target.dispatchEvent(new PointerEvent("pointermove", { ...held, clientX, clientY }));
          requestAnimationFrame(next);
        };
        requestAnimationFrame(next);
      }),

    /** The milliseconds from the last movement of the pointer to the first frame without marks of drafts; null if none had one. */
    rest: (selector) =>
      new Promise((resolve) => {
        const QUIET = 1000;
        let [moved, marked, exact] = [performance.now(), false, null];
        const move = () => ([moved, marked, exact] = [performance.now(), false, null]);
        document.addEventListener("pointermove", move, { capture: true });
        const look = () => {
          const now = performance.now();
          if (document.querySelector(selector)) [marked, exact] = [true, null];
          else if (marked) exact ??= now;
          if (now - moved < QUIET) return requestAnimationFrame(look);
          document.removeEventListener("pointermove", move, { capture: true });
          resolve(exact === null ? null : exact - moved);
        };
        look();
      }),

    /** Begins to record each frame: its time, and what each of these canvases shows. */
    record(selector, attribute) {
      const frames = [];
      let going = true;
      probe.frames = frames;
      const look = (time) => {
        if (!going) return;
        const shown = [...document.querySelectorAll(selector)].map((canvas) =>
          attribute ? (canvas.getAttribute(attribute) ?? "") : String(fingerprint(levels(canvas) ?? [])),
        );
        frames.push([time, shown]);
        requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
      probe.stop = () => {
        going = false;
        return frames;
      };
    },
  };
  window.voxelryProbe = probe;
})();
