// What Python sends as a figure, made ready for plotly: arrays, width, colours, the place of the time cursor.

const ARRAYS = {
  int8: Int8Array, uint8: Uint8Array, int16: Int16Array, uint16: Uint16Array, int32: Int32Array, uint32: Uint32Array,
  float32: Float32Array, float64: Float64Array,
};

// typed arrays travel as {buffer, dtype, shape}
function unpackArrays(value) {
  if (Array.isArray(value)) return typeof value.at(-1) === "number" ? value : value.map(unpackArrays);
  if (value && typeof value === "object") {
    const view = value.buffer;
    if (view instanceof DataView && ARRAYS[value.dtype]) {
      const flat = new ARRAYS[value.dtype](view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
      const [rows, columns] = value.shape;
      return columns === undefined
        ? flat
        : Array.from({ length: rows }, (_, row) => flat.subarray(row * columns, (row + 1) * columns));
    }
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, unpackArrays(each)]));
  }
  return value;
}

// as a place of this width and the colours of the page ask
function adapt(figure, width) {
  const fitted = { data: figure.data, layout: change(figure.layout, { width, ...fit(figure, width) }) };
  return isDark() ? darken(fitted) : fitted;
}

// the time cursor lies over the figure, a line in every column of subplots, so that moving it redraws nothing
function placeCursor(model, plot, lines) {
  const at = model.get("cursor") ?? null, layout = plot._fullLayout, shown = [];
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

const LACKING = Symbol.for("workbench.lacksWebGL");
const WEBGL = /gl$|3d$|^(surface|mesh|cone|streamtube|volume|isosurface|splom|parcoords)/;

const lacksWebGL = () => (globalThis[LACKING] ??= !document.createElement("canvas").getContext("webgl"));

// without WebGL marks are drawn as vectors, which takes longer; what then cannot be drawn is left out
function drawable(data, lacking) {
  if (!lacking) return data;
  return data.map((trace) => (trace.type === "scattergl" ? { ...trace, type: "scatter" } : trace))
    .filter((trace) => !WEBGL.test(trace.type));
}
