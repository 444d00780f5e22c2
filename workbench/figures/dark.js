// A figure for a dark page, as `figures.darken` makes it: the colours of the common style replaced, images painted anew.

// colour on a light page: on a dark one; those of _style.DARK
export const DARK = {
  "#1f2933": "#e8ecf1", "#5f6b7a": "#aab4c1", "#c3cad3": "#66717f", "#e4e7eb": "#2b323b", "#ffffff": "#14181d",
  "#0072b2": "#2b8cd6", "#d55e00": "#ea7524", "#009e73": "#1fb58a", "#cc79a7": "#d68fb6", "#e69f00": "#e69f00",
  "#56b4e9": "#8fd0f5", "#d3ece3": "#1b2b5a", "#7cc7b2": "#205f8c", "#205f8c": "#7cc7b2", "#1b2b5a": "#d3ece3",
  "#8793a1": "#8793a1", "#d9dee4": "#3d4650", "#34495e": "#9fb0c2", "#000000": "#ffffff",
};
const PAPER = "#ffffff", INK = "#1f2933", INKS = ["#0072b2", "#d55e00"]; // OFF, ON; they shine on dark paper
const NUMBERS = { u1: Uint8Array, i1: Int8Array, u2: Uint16Array, i2: Int16Array, u4: Uint32Array, i4: Int32Array };

// whether the page is dark, as JupyterLab, Voila and VS Code say it, or the reader's system
export function isDark() {
  const { dataset, classList } = document.body;
  if (dataset.jpThemeLight) return dataset.jpThemeLight === "false";
  if (dataset.workbenchColours === "system") return matchMedia("(prefers-color-scheme: dark)").matches;
  return classList.contains("theme-dark") || classList.contains("vscode-dark");
}

export function darken({ data, layout }) {
  const paper = { paper_bgcolor: DARK[PAPER], plot_bgcolor: DARK[PAPER] };
  const dark = { ...swap(layout), ...paper };
  return { data: data.map((trace) => repaint(keepLegible(swap(trace)))), layout: { ...dark, font: { ...dark.font, color: DARK[INK] } } };
}

function swap(value) {
  if (typeof value === "string") return value.replace(/#[0-9a-f]{6}\b/gi, (hex) => DARK[hex.toLowerCase()] ?? hex);
  if (Array.isArray(value)) return typeof value.at(-1) === "number" ? value : value.map(swap);
  if (!value || typeof value !== "object" || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, key === "bdata" ? inner : swap(inner)]));
}

function channels(colour) {
  const hex = /^#([0-9a-f]{6})$/i.exec(colour)?.[1];
  return hex ? hex.match(/../g).map((pair) => parseInt(pair, 16)) : (colour.match(/\d+/g) ?? [0, 0, 0]).map(Number);
}

function luminance(colour) {
  const [r, g, b] = channels(colour).map((part) => (part <= 10 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

// numbers inside filled marks stay legible whatever the page's colours make of the marks
function keepLegible(trace) {
  const fills = trace.marker?.color, middle = (trace.textposition ?? "middle center") === "middle center";
  if (middle && trace.mode?.includes("text") && Array.isArray(fills) && trace.textfont?.color) {
    trace.textfont.color = fills.map((fill) => (luminance(fill) > 0.179 ? "#000000" : "#ffffff"));
  }
  return trace;
}

// an image of events holds its counts (OFF, ON by pixel): they are painted on the dark paper
function repaint(trace) {
  const full = trace.meta?.full;
  if (trace.type !== "image" || !full) return trace;
  const paper = channels(DARK[PAPER]), inks = INKS.map((ink) => channels(DARK[ink]));
  const strength = (count) => (count > 0 ? 0.25 + 0.75 * Math.min(1, count / full) : 0);
  const paint = (counts) => paper.map((base, channel) => {
    const added = inks.reduce((sum, ink, polarity) => sum + strength(counts[polarity]) * (ink[channel] - base), 0);
    return Math.round(Math.min(255, Math.max(0, base + added)));
  });
  return { ...trace, z: decode(trace.customdata).map((row) => Array.from(row, paint)) };
}

// an array as plotly writes it, {dtype, bdata, shape}, or one that it has read
function decode(value) {
  if (!value.bdata) return Array.from(value);
  const bytes = Uint8Array.from(atob(value.bdata), (letter) => letter.charCodeAt(0));
  const flat = new NUMBERS[value.dtype](bytes.buffer), [height, width, depth] = value.shape.split(",").map(Number);
  return Array.from({ length: height }, (_, row) => Array.from({ length: width }, (_, column) => {
    const begin = (row * width + column) * depth;
    return flat.subarray(begin, begin + depth);
  }));
}
