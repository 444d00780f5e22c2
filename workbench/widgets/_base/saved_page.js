// The script of a saved page: stands in for the kernel, and hands canvas.js the states that the controls choose.

const read = (id) => document.getElementById(id).textContent;
const decode = (id) => Uint8Array.from(atob(read(id)), (letter) => letter.charCodeAt(0));

async function unzip(id) {
  return new Response(new Blob([decode(id)]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

// arrays as canvas.js receives them from a kernel: {buffer, dtype, shape}
function place(value, arrays) {
  if (Array.isArray(value)) return value.map((each) => place(each, arrays));
  if (!value || typeof value !== "object") return value;
  if (value.array) {
    const { begin, length, dtype, shape } = value.array;
    return { buffer: new DataView(arrays, begin, length), dtype, shape };
  }
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, place(each, arrays)]));
}

// what canvas.js asks of a widget's model; nobody else listens
class Model {
  comm_live = true;
  listeners = new Map();

  constructor(values, models) {
    this.values = values;
    this.widget_manager = { get_model: async (name) => models[name] ?? this };
  }

  get(name) { return this.values[name]; }
  set(name, value) { this.values[name] = value; this.tell(`change:${name}`); }
  on(kind, listener) { this.listeners.set(kind, [...(this.listeners.get(kind) ?? []), listener]); }
  off(kind, listener) { this.listeners.set(kind, (this.listeners.get(kind) ?? []).filter((each) => each !== listener)); }
  tell(kind) { (this.listeners.get(kind) ?? []).forEach((listener) => listener()); }
  send() { this.tell("msg:custom"); }
  save_changes() {}
}

function addControl(form, control, onChange) {
  const label = document.createElement("label"), words = document.createElement("span");
  words.textContent = control.label;
  label.title = control.tooltip;
  const field = document.createElement(control.slider ? "input" : "select"), last = control.options.length - 1;
  label.append(words, field);
  if (control.slider) {
    const readout = document.createElement("output");
    Object.assign(field, { type: "range", min: 0, max: last, step: 1 });
    field.value = control.value;
    const tell = () => {
      readout.textContent = control.options[field.value];
      field.setAttribute("aria-valuetext", control.options[field.value]);
    };
    field.addEventListener("input", tell);
    tell();
    label.append(readout);
  } else {
    field.append(...control.options.map((words, i) => new Option(words, i, i === control.value, i === control.value)));
  }
  field.name = control.name;
  field.disabled = last === 0;
  field.addEventListener("input", () => onChange(control.name, Number(field.value)));
  label.classList.toggle("wide", control.plays);
  form.append(label);
  if (control.plays && last) label.append(makePlayButton(field, last));
}

function makePlayButton(field, last) {
  const button = document.createElement("button");
  let clock = 0;
  const show = () => { button.textContent = clock ? "pause" : "play"; };
  const stop = () => { clearInterval(clock); clock = 0; show(); };
  const step = () => {
    if (Number(field.value) === last) return stop();
    field.value = Number(field.value) + 1;
    field.dispatchEvent(new Event("input"));
  };
  button.type = "button";
  button.title = "Go through time, ten steps a second; again to pause.";
  button.addEventListener("click", () => {
    if (clock) return stop();
    if (Number(field.value) === last) field.value = 0;
    clock = setInterval(step, 100);
    show();
  });
  show();
  return button;
}

function disable(form, names) {
  for (const field of form.elements) {
    if (field.name) field.disabled = names.includes(field.name) || (field.max ?? field.options?.length - 1) < 1;
  }
}

async function main() {
  const form = document.querySelector("form"), panel = form.parentElement;
  const page = JSON.parse(new TextDecoder().decode(await unzip("description"))), arrays = await unzip("arrays");
  const chosen = Object.fromEntries(page.controls.map(({ name, value }) => [name, value]));
  const bundle = new Model({ packed: read("plotly") }, {});
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => { document.body.dataset.jpThemeLight = String(!dark.matches); };
  follow();
  dark.addEventListener("change", follow);

  const address = URL.createObjectURL(new Blob([read("canvas")], { type: "text/javascript" }));
  const { default: canvas } = await import(address);
  const parts = [], figures = [];
  for (const row of page.rows) {
    const line = document.createElement("div");
    line.className = "row";
    for (const part of row) {
      const state = () => page.values[part.states[part.controls.map((name) => chosen[name]).join(",")]];
      if (part.kind === "cursor") {
        parts.push({ ...part, state, show: (x) => figures.forEach((model) => model.set("cursor", x)) });
        continue;
      }
      if (part.kind === "disabled") {
        parts.push({ ...part, state, show: (names) => disable(form, names) });
        continue;
      }
      const element = document.createElement("div");
      if (part.width) element.style.cssText = `flex: 0 1 ${part.width}px; min-width: min(100%, ${part.width}px)`;
      line.append(element);
      if (part.kind === "words") {
        parts.push({ ...part, state, show: (words) => { element.innerHTML = words; } });
        continue;
      }
      let revision = 0;
      const draw = (figure) => ({ revision: ++revision, ...place(figure, arrays) });
      const values = { _bundle: "bundle", _own: "own", _drawing: draw(state()), cursor: null };
      const model = new Model(values, { bundle });
      if (part.followed) figures.push(model);
      parts.push({ ...part, state, show: (figure) => model.set("_drawing", draw(figure)), model, element });
    }
    panel.append(line);
  }
  const onChange = (name, value) => {
    chosen[name] = value;
    parts.filter((part) => part.controls.includes(name)).forEach((part) => part.show(part.state()));
  };
  page.controls.forEach((control) => addControl(form, control, onChange));
  for (const part of parts) {
    if (part.model) canvas.render({ model: part.model, el: part.element });
    else part.show(part.state());
  }
  if (page.fixed.length) {
    const words = document.createElement("p");
    words.className = "fixed";
    words.textContent = `Not to be changed here: ${page.fixed.map((pair) => pair.join(" ")).join("; ")}.`;
    form.after(words);
  }
}

main().catch((error) => {
  const words = document.createElement("p");
  words.setAttribute("role", "alert");
  words.textContent = `This page could not be shown here (${error}). It needs a browser of 2023 or later.`;
  document.querySelector("main").append(words);
});
