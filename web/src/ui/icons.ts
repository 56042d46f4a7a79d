/** Drawn on a 24 x 24 grid as strokes. */
export const ICONS = {
  upload: ["M12 16V4", "m7 9 5-5 5 5", "M4 16v3a1 1 0 0 0 1 1h14a1 1 0 0 0 1-1v-3"],
  download: ["M12 4v12", "m7 11 5 5 5-5", "M4 20h16"],
  trash: ["M4 7h16", "M9 7V4h6v3", "m6 7 1 13h10l1-13", "M10 11v5", "M14 11v5"],
  search: ["M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14Z", "m20 20-4-4"],
  play: ["M7 4.5v15l12-7.5Z"],
  pause: ["M8 5v14", "M16 5v14"],
  invert: ["M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Z", "M12 3v18", "M12 8h6.5", "M12 12h9", "M12 16h6.5"],
  reset: ["M4 12a8 8 0 1 0 2.6-5.9", "M4 4v5h5"],
  smooth: ["M4 18c5 0 4-12 8-12s3 12 8 12"],
  pixels: ["M4 4h7v7H4Z", "M13 13h7v7h-7Z", "M13 4h7v7", "M4 13v7h7"],
  help: ["M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Z", "M9.5 9.5a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.9-1.1 1.8", "M12 17v.01"],
  panel: ["M4 5h16v14H4Z", "M15 5v14"],
  close: ["m6 6 12 12", "M18 6 6 18"],
  warning: ["M12 4 2.8 20h18.4Z", "M12 10v4", "M12 17v.01"],
  check: ["m5 12.5 4.5 4.5L19 7.5"],
  user: ["M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8Z", "M4.5 20c1-4 4-5.5 7.5-5.5s6.5 1.5 7.5 5.5"],
  chevron: ["m7 10 5 5 5-5"],
  folder: ["M3 6.5h6l2 2.5h10v10H3Z"],
  back: ["M19 12H5", "m11 6-6 6 6 6"],
  info: ["M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Z", "M12 11v5", "M12 8v.01"],
  eye: ["M2.5 12C5 7.5 8.5 5.5 12 5.5s7 2 9.5 6.5c-2.5 4.5-6 6.5-9.5 6.5S5 16.5 2.5 12Z", "M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6Z"],
  layers: ["m12 3 9 5-9 5-9-5Z", "m3 12.5 9 5 9-5", "m3 16.5 9 5 9-5"],
  menu: ["M4 7h16", "M4 12h16", "M4 17h16"],
} as const satisfies Record<string, readonly string[]>;

export type IconName = keyof typeof ICONS;
