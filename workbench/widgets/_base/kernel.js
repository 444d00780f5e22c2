// What comes from the kernel: plotly.js, once a page, and every message to the figure.

const PLOTLY = Symbol.for("workbench.plotly");

function loadPlotly(bundle) {
  globalThis[PLOTLY] ??= unpack(bundle).catch((error) => {
    delete globalThis[PLOTLY];
    throw error;
  });
  return globalThis[PLOTLY];
}

async function unpack(bundle) {
  const packed = Uint8Array.from(atob(bundle.get("packed")), (letter) => letter.charCodeAt(0));
  const script = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const address = URL.createObjectURL(new Blob([await new Response(script).blob()], { type: "text/javascript" }));
  const theirs = window.Plotly;
  try {
    await import(/* webpackIgnore: true */ address);
    return window.Plotly;
  } finally {
    window.Plotly = theirs;
    URL.revokeObjectURL(address);
  }
}

// the model itself, of which anywidget gives a part
const findModel = (model, name) => model.widget_manager.get_model(model.get(name).replace("IPY_MODEL_", ""));

// anywidget drops every message to a model whose module took more than two seconds to load, as it does on a busy
// machine: from here on they are taken as ipywidgets takes them
function hear(whole) {
  const take = Object.getPrototypeOf(Object.getPrototypeOf(whole))?._handle_comm_msg;
  if (take) whole.comm?.on_msg((message) => take.call(whole, message)); // there are pages of others, without comms
}
