// The bare cuts: an axial, a sagittal and a coronal plane of a volume of int16, windowed and put on canvases.
// No interpolation, no scaling, no events. The answer is the median of the milliseconds of all three.
window.voxelryCuts = ([slices, rows, columns]) => {
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
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
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
  const took = [];
  for (let turn = 0; turn < 40; turn += 1) {
    const part = turn / 40;
    const [k, row, column] = [slices, rows, columns].map((count) => Math.floor(part * count));
    const begun = performance.now();
    cut(axial, rows, columns, k * plane, columns, 1);
    cut(sagittal, slices, rows, column, plane, columns);
    cut(coronal, slices, columns, row * columns, plane, 1);
    took.push(performance.now() - begun);
  }
  return took.sort((one, other) => one - other)[took.length >> 1];
};
