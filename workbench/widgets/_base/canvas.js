// A figure in a page: draws what Python holds, sends back what the pointer does. Plotly comes once a page, from the bundle.

const PLOTLY = Symbol.for("workbench.plotly");
const ENDED = "No kernel answers here: it is busy, or has ended, and this is its last state. Run the cells again to go on.";
const PATIENCE_MS = 3000;
const TOUCHES = ["pointerup", "keyup", "change"];
const ARRAYS = {
  int8: Int8Array, uint8: Uint8Array, int16: Int16Array, uint16: Uint16Array, int32: Int32Array, uint32: Uint32Array,
  float32: Float32Array, float64: Float64Array,
};

function loadPlotly(bundle) {
  globalThis[PLOTLY] ??= unpack(bundle).catch((error) => {
    delete globalThis[PLOTLY];
    throw error;
  });
  return globalThis[PLOTLY];
}

async function unpack(bundle) {
  const packed = new Blob([bundle.get("packed")]).stream().pipeThrough(new DecompressionStream("gzip"));
  const address = URL.createObjectURL(new Blob([await new Response(packed).blob()], { type: "text/javascript" }));
  const theirs = window.Plotly;
  try {
    await import(/* webpackIgnore: true */ address);
    return window.Plotly;
  } finally {
    window.Plotly = theirs;
    URL.revokeObjectURL(address);
  }
}

// typed arrays travel as {buffer, dtype, shape}; colours of the house change where the page is dark
function prepare(value, colours) {
  if (typeof value === "string") {
    return colours ? value.replace(/#[0-9a-f]{6}/gi, (hex) => colours[hex.toLowerCase()] ?? hex) : value;
  }
  if (Array.isArray(value)) {
    return typeof value[0] === "number" ? value : value.map((each) => prepare(each, colours));
  }
  if (value && typeof value === "object") {
    const view = value.buffer;
    if (view instanceof DataView && ARRAYS[value.dtype]) {
      const flat = new ARRAYS[value.dtype](view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
      const [rows, columns] = value.shape;
      return columns === undefined
        ? flat
        : Array.from({ length: rows }, (_, row) => flat.subarray(row * columns, (row + 1) * columns));
    }
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, prepare(each, colours)]));
  }
  return value;
}

function luminance(colour) {
  const hex = /^#([0-9a-f]{6})$/i.exec(colour)?.[1];
  const parts = hex ? hex.match(/../g).map((pair) => parseInt(pair, 16)) : (colour.match(/\d+/g) ?? [0, 0, 0]).map(Number);
  const [r, g, b] = parts.map((part) => (part <= 10 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

// numbers inside filled marks stay legible whatever the page's colours make of the marks
function keepLegible(trace) {
  const fills = trace.marker?.color;
  if (trace.mode?.includes("text") && trace.mode.includes("markers") && Array.isArray(fills) && trace.textfont?.color) {
    trace.textfont.color = fills.map((fill) => (luminance(fill) > 0.179 ? "#000000" : "#ffffff"));
  }
  return trace;
}

function isDark() {
  const { dataset, classList } = document.body;
  return dataset.jpThemeLight === "false" || classList.contains("theme-dark") || classList.contains("vscode-dark");
}

function describePoints(event) {
  return (event.points ?? []).map(({ curveNumber, pointNumber, pointIndex, x, y }) => ({
    trace: curveNumber, point: pointNumber ?? pointIndex ?? 0, x: x ?? null, y: y ?? null,
  }));
}

// the time cursor lies over the figure, a line in every column of subplots, so that moving it redraws nothing
function placeCursor(model, plot, lines) {
  const at = model.get("cursor"), layout = plot._fullLayout, shown = [];
  if (at !== null && layout?._subplots) {
    for (const name of layout._subplots.xaxis) {
      const axis = layout[name.replace("x", "xaxis")], x = axis.d2p(at);
      if (x >= 0 && x <= axis._length) shown.push(axis._offset + x);
    }
  }
  const places = [...new Set(shown.map(Math.round))];
  while (lines.children.length < places.length) lines.append(document.createElement("i"));
  [...lines.children].forEach((line, i) => {
    line.style.display = i < places.length ? "block" : "none";
    const { t: top, h: height } = layout._size;
    Object.assign(line.style, { left: `${places[i]}px`, top: `${top}px`, height: `${height}px` });
  });
}

async function render({ model, el }) {
  el.classList.add("workbench-canvas");
  const [plot, lines, words] = ["div", "div", "div"].map((kind) => document.createElement(kind));
  lines.className = "workbench-cursor";
  words.className = "workbench-words";
  words.setAttribute("role", "status");
  words.textContent = "Drawing …";
  el.append(plot, lines, words);
  const say = (text) => { words.textContent = text; words.style.display = text ? "block" : "none"; };
  // with the time, so that the same told twice is a change
  const tell = (name, what) => { model.set(name, { at: Date.now(), ...what }); model.save_changes(); };

  let Plotly, bundle;
  try {
    bundle = await model.widget_manager.get_model(model.get("_bundle").replace("IPY_MODEL_", ""));
    Plotly = await loadPlotly(bundle);
  } catch (error) {
    say(`This figure could not be drawn (${error}). Run the cell again.`);
    return;
  }

  let wanted = false, busy = false, closed = false, drawn = 0;
  async function draw() {
    wanted = true;
    if (busy) return;
    busy = true;
    try {
      while (wanted && !closed) {
        wanted = false;
        const colours = isDark() ? model.get("_dark") : null;
        const drawing = model.get("_drawing");
        if (!drawing.revision) continue;
        const traces = prepare(drawing.data, colours), data = colours ? traces.map(keepLegible) : traces;
        const layout = prepare(drawing.layout, colours);
        el.setAttribute("role", "img");
        el.setAttribute("aria-label", layout.meta?.alt ?? layout.title?.text ?? "figure");
        await Plotly.react(plot, data, layout, { responsive: true, displaylogo: false });
        drawn = drawing.revision;
        placeCursor(model, plot, lines);
        onLife();
      }
    } catch (error) {
      say(`This figure could not be drawn (${error}).`);
      console.error(error);
    } finally {
      busy = false;
    }
  }

  const onLife = () => say(bundle.comm_live ? "" : ENDED);
  // whoever moves a control of the panel is told if the kernel does not answer
  let asked = 0;
  const onTouch = (event) => {
    if (asked || !bundle.comm_live || !el.closest(".workbench-panel")?.contains(event.target)) return;
    asked = setTimeout(() => say(ENDED), PATIENCE_MS);
    model.send({ ask: "alive" });
  };
  const onAnswer = () => {
    clearTimeout(asked);
    asked = 0;
    onLife();
  };
  const onCursor = () => placeCursor(model, plot, lines);
  const theme = new MutationObserver(draw);
  theme.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "class"] });
  model.on("change:_drawing", draw);
  model.on("change:cursor", onCursor);
  model.on("msg:custom", onAnswer);
  bundle.on("comm_live_update", onLife);
  TOUCHES.forEach((kind) => document.addEventListener(kind, onTouch, true));
  await draw();
  for (const kind of ["hover", "click"]) {
    plot.on?.(`plotly_${kind}`, (event) => tell(kind, { revision: drawn, points: describePoints(event) }));
  }
  plot.on?.("plotly_relayout", (change) => {
    onCursor();
    if (Object.keys(change).some((key) => key.includes("axis"))) tell("view", { changes: change });
  });
  plot.on?.("plotly_afterplot", onCursor);
  const resized = new ResizeObserver(() => plot.isConnected && plot.offsetWidth && Plotly.Plots.resize(plot));
  resized.observe(el);

  return () => {
    closed = true;
    theme.disconnect();
    resized.disconnect();
    model.off("change:_drawing", draw);
    model.off("change:cursor", onCursor);
    model.off("msg:custom", onAnswer);
    bundle.off("comm_live_update", onLife);
    TOUCHES.forEach((kind) => document.removeEventListener(kind, onTouch, true));
    clearTimeout(asked);
    Plotly.purge(plot);
  };
}

export default { render };
