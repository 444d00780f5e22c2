// JupyterLab saves of a panel what its cell showed first. Here it saves, beside the state of widgets, what is seen last:
// for readers who trust no widget, or have no kernel.

const SHOWN = Symbol.for("workbench.shown");
const VIEW = "application/vnd.jupyter.widget-view+json", FIGURE = "application/vnd.plotly.v1+json", PNG = "image/png";
const STILL = { format: "png", width: 900, scale: 1 };
const KINDS = { // of numbers, as plotly writes them
  int8: "i1", uint8: "u1", int16: "i2", uint16: "u2", int32: "i4", uint32: "u4", float32: "f4", float64: "f8",
};

// a drawing as text: numbers in base64
function plain(value) {
  if (Array.isArray(value)) return value.map(plain);
  if (!value || typeof value !== "object") return value;
  const view = value.buffer;
  if (!(view instanceof DataView)) return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return { dtype: KINDS[value.dtype], bdata: btoa(text), shape: value.shape.join(", ") };
}

// with what the controls said below the title
function withFooter({ data, layout }, { text, px }) {
  const { title, margin, height } = layout;
  const words = { ...title, text: `${title?.text ?? ""}${text}` };
  return { data, layout: { ...layout, title: words, margin: { ...margin, t: (margin?.t ?? 100) + px }, height: (height ?? 450) + px } };
}

async function takeStill(model, Plotly) {
  const drawing = plain(withFooter(model.get("_drawing"), model.get("_footer")));
  const copy = structuredClone(drawing); // plotly changes what it draws
  const address = await Plotly.toImage(copy, { ...STILL, height: drawing.layout.height });
  const about = { width: STILL.width, alt: drawing.layout.meta?.alt ?? "figure" };
  return { data: { [FIGURE]: drawing, [PNG]: address.split(",")[1] }, metadata: { [PNG]: about } };
}

function watchSaves(context) {
  const canvases = new Set(), last = new Map(); // the state of a canvas that a still shows, and the still, by its view
  const save = context.save.bind(context), toJSON = context.model.toJSON.bind(context.model);
  const renew = async ({ model, Plotly }) => {
    const now = `${model.get("_drawing").revision} ${model.get("_footer").text}`;
    for (const [view, first] of Object.entries(model.get("_stills"))) {
      if (now === (last.get(view)?.now ?? first)) continue;
      last.set(view, { now, ...(await takeStill(model, Plotly)) });
    }
  };
  context.save = async (...options) => {
    for (const canvas of canvases) await renew(canvas).catch((error) => console.warn("a panel is saved as it was", error));
    return save(...options);
  };
  context.model.toJSON = () => {
    const notebook = toJSON();
    const renewed = (output) => {
      const still = last.get(output.data?.[VIEW]?.model_id);
      const { data, metadata } = still ?? {};
      return still ? { ...output, data: { ...output.data, ...data }, metadata: { ...output.metadata, ...metadata } } : output;
    };
    for (const cell of notebook.cells) if (cell.outputs) cell.outputs = cell.outputs.map(renewed);
    return notebook;
  };
  return canvases;
}

function keepForSaves(model, Plotly) {
  const context = model.widget_manager.context; // JupyterLab's alone
  if (!context?.model?.toJSON) return () => {};
  const canvases = (context[SHOWN] ??= watchSaves(context)), canvas = { model, Plotly };
  canvases.add(canvas);
  return () => canvases.delete(canvas);
}
