// The bare cuts: an axial, a sagittal and a coronal plane of a volume of int16, windowed and put on canvases of the page.
// No interpolation, no scaling, no events. Each frame has all planes but one at another place, in turns, as a crosshair
// that is dragged in the one moves the others. The answers are the milliseconds from frame to frame, and of the cuts alone.
window.voxelryCuts = async ([slices, rows, columns]) => {
  const volume = new Int16Array(slices * rows * columns);
  for (let i = 0, seed = 1; i < volume.length; i += 1) {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    volume[i] = (seed >> 16) & 1023;
  }
  const greys = Uint32Array.from({ length: 65536 }, (_, i) => {
    const grey = Math.max(0, Math.min(255, Math.round((((i << 16) >> 16) - 100) / 4)));
    return 0xff000000 | (grey << 16) | (grey << 8) | grey;
  });
  const surface = (height, width) => {
    const canvas = document.body.appendChild(Object.assign(document.createElement("canvas"), { width, height }));
    const pen = canvas.getContext("2d", { alpha: false });
    const image = pen.createImageData(width, height);
    return { pen, image, pixels: new Uint32Array(image.data.buffer) };
  };
  const axial = surface(rows, columns);
  const sagittal = surface(slices, rows);
  const coronal = surface(slices, columns);

  function cut({ pen, image, pixels }, height, width, start, down, right) {
    for (let y = 0, to = 0; y < height; y += 1) {
      for (let x = 0, from = start + y * down; x < width; x += 1, from += right, to += 1) pixels[to] = greys[volume[from] & 65535];
    }
    pen.putImageData(image, 0, 0);
  }

  const plane = rows * columns;
  const planes = [
    (part) => cut(axial, rows, columns, Math.floor(part * slices) * plane, columns, 1),
    (part) => cut(sagittal, slices, rows, Math.floor(part * columns), plane, columns),
    (part) => cut(coronal, slices, columns, Math.floor(part * rows) * columns, plane, 1),
  ];
  const count = 120;
  const [times, took] = [[], []];
  for (let turn = 0; turn < count; turn += 1) {
    times.push(await new Promise(requestAnimationFrame));
    const begun = performance.now();
    for (let other = 1; other < planes.length; other += 1) planes[(turn + other) % planes.length](turn / count);
    took.push(performance.now() - begun);
  }
  const alone = took.sort((one, other) => one - other)[count >> 1];
  return [(times[count - 1] - times[0]) / (count - 1), alone];
};
