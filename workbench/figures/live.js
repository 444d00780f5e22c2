// Figures of the workbench in a page follow its width and its colours, also where no kernel runs: `watch()` sees to it.

import { darken, isDark } from "./dark.js";
import { change, fit } from "./fit.js";

const PATIENCE_MS = 120; // a page that is being resized is not drawn at every px
const FIGURES = new WeakMap(); // plot: what it was given, and how it was drawn last

const WATCHED = Symbol.for("workbench.watched");

// once a page, however many scripts ask: two would undo each other's work for ever
export function watch() {
  if (globalThis[WATCHED]) return;
  globalThis[WATCHED] = true;
  const look = () => document.querySelectorAll(".js-plotly-plot").forEach(adopt);
  let soon = 0;
  const later = () => { soon ||= requestAnimationFrame(() => { soon = 0; look(); }); };
  new MutationObserver(later).observe(document.body, { childList: true, subtree: true });
  const renew = () => document.querySelectorAll(".js-plotly-plot").forEach(refresh);
  const attributeFilter = ["data-jp-theme-light", "class"];
  new MutationObserver(renew).observe(document.body, { attributes: true, attributeFilter });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", renew);
  look();
}

// panels draw themselves
function adopt(plot) {
  if (FIGURES.has(plot) || !plot.layout?.meta?.alt || plot.closest(".workbench-canvas")) return;
  FIGURES.set(plot, { given: null, drawn: null, way: "", busy: false });
  plot.on("plotly_afterplot", () => refresh(plot));
  let timer = 0;
  new ResizeObserver(() => {
    clearTimeout(timer);
    timer = setTimeout(() => refresh(plot), PATIENCE_MS);
  }).observe(plot.parentElement);
  refresh(plot);
}

async function refresh(plot) {
  const figure = FIGURES.get(plot), width = plot.parentElement?.clientWidth;
  if (!figure || figure.busy || !width || !plot.layout?.meta?.alt) return;
  if (plot.layout !== figure.drawn) {
    Object.assign(figure, { given: { data: plot.data, layout: structuredClone(plot.layout) }, way: "" });
  }
  const changes = fit(figure.given, width), dark = isDark(), way = JSON.stringify([changes, dark]);
  if (way === figure.way) return;
  const fitted = { data: figure.given.data, layout: change(figure.given.layout, changes) };
  const { data, layout } = dark ? darken(fitted) : fitted;
  layout.uirevision ??= "as the reader left it"; // zoom stays
  Object.assign(figure, { busy: true, drawn: layout, way });
  try {
    const holders = [plot, plot.parentElement].filter(({ style }) => style.height); // plotly's own page gives a height
    holders.forEach(({ style }) => { style.height = `${layout.height}px`; });
    await window.Plotly.react(plot, data, layout);
  } finally {
    figure.busy = false;
  }
  await refresh(plot);
}
