// A figure in a page: draws what Python holds, sends back what the pointer does.

const FORMAT = 1; // of a drawing, as canvas.py has it
const AGAIN = "Run the cell again.";
const OTHER = `This figure was saved by another version of the workbench. ${AGAIN}`;
const ENDED = "No kernel answers here: it is busy, or has ended, and this is its last state. Run the cells again to go on.";
const NO_WEBGL = "This figure needs WebGL, which this browser does not offer. Switch on its hardware acceleration, choose "
  + "another view here, or open the notebook in another browser.";
const PATIENCE_MS = 3000;
const TOUCHES = ["pointerup", "keyup", "change"];

function describePoints(event) {
  return (event.points ?? []).map(({ curveNumber, pointNumber, pointIndex, x, y }) => ({
    trace: curveNumber, point: pointNumber ?? pointIndex ?? 0, x: x ?? null, y: y ?? null,
  }));
}

function build(el) {
  el.classList.add("workbench-canvas");
  const [plot, lines, words] = ["div", "div", "div"].map((kind) => document.createElement(kind));
  lines.className = "workbench-cursor";
  words.className = "workbench-words";
  words.setAttribute("role", "status");
  el.append(plot, lines, words);
  const say = (text) => { words.textContent = text; words.style.display = text ? "block" : "none"; };
  say("Drawing …");
  return { plot, lines, say };
}

async function render({ model, el }) {
  const { plot, lines, say } = build(el);
  // with the time, so that the same told twice is a change
  const tell = (name, what) => { model.set(name, { at: Date.now(), ...what }); model.save_changes(); };

  let Plotly, bundle;
  try {
    if (!model.get("_bundle") || !model.get("_own")) return say(OTHER);
    hear(await findModel(model, "_own"));
    bundle = await findModel(model, "_bundle");
    Plotly = await loadPlotly(bundle);
  } catch (error) {
    console.warn(error);
    return say(`This figure could not be drawn (${error}). ${AGAIN}`);
  }

  let wanted = false, busy = false, closed = false, drawn = 0, trouble = "", width = 0;
  async function draw() {
    wanted = true;
    if (busy) return;
    busy = true;
    try {
      while (wanted && !closed) {
        wanted = false;
        await drawOnce(model.get("_drawing"));
      }
    } catch (error) {
      trouble = `This figure could not be drawn (${error}).`;
      console.error(error);
    } finally {
      busy = false;
      onLife();
    }
  }

  async function drawOnce(drawing) {
    trouble = drawing?.format === FORMAT ? "" : OTHER;
    if (trouble) return;
    width = el.clientWidth || LAID_OUT_PX; // hidden ones are drawn again when they appear
    const { data: traces, layout } = adapt({ data: unpackArrays(drawing.data), layout: unpackArrays(drawing.layout) }, width);
    const asks = traces.some((trace) => WEBGL.test(trace.type)) && lacksWebGL(), data = drawable(traces, asks);
    trouble = data.length < traces.length ? NO_WEBGL : "";
    el.setAttribute("role", "figure"); // with buttons in it, which an image may not have
    el.setAttribute("aria-label", layout.meta?.alt ?? layout.title?.text ?? "figure");
    await Plotly.react(plot, data, { ...layout, uirevision: drawing.revision }, { displaylogo: false }); // zoom stays
    drawn = drawing.revision;
    placeCursor(model, plot, lines);
  }

  const onLife = () => say(trouble || (bundle.comm_live ? "" : ENDED));
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
  if (bundle.comm_live) model.send({ ask: "state", revision: drawn }); // what was dropped before it was heard
  for (const kind of ["hover", "click"]) {
    plot.on?.(`plotly_${kind}`, (event) => tell(kind, { revision: drawn, points: describePoints(event) }));
  }
  plot.on?.("plotly_relayout", (change) => {
    onCursor();
    if (Object.keys(change).some((key) => key.includes("axis"))) tell("view", { changes: change });
  });
  plot.on?.("plotly_afterplot", onCursor);
  let unname;
  const resized = new ResizeObserver(() => {
    if (!plot.isConnected || !plot.offsetWidth) return;
    if (el.clientWidth !== width) draw(); // plotly's own resizing would forget the height
    const panel = el.closest(".workbench-panel");
    if (panel) unname ??= keepNamed(panel, () => model.get("_hints") ?? {});
  });
  resized.observe(el);
  const forget = keepForSaves(model, Plotly);

  return () => {
    closed = true;
    theme.disconnect();
    resized.disconnect();
    forget();
    unname?.();
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
