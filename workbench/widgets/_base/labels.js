// Every control of a panel says what it is, to the pointer and to a screen reader, where ipywidgets leaves it nameless.

const PLAY = ["", "stop, and go back to the beginning", "begin anew at the end"];

function nameControls(panel, hints) {
  for (const row of panel.querySelectorAll(".widget-inline-hbox")) {
    const label = row.querySelector(":scope > label"), name = row.matches(".widget-play") ? "play" : label?.textContent;
    if (label?.title === "null") label.removeAttribute("title");
    if (!name) continue;
    if (hints[name]) row.title = hints[name];
    nameParts(row, name, row.querySelector(".widget-readout"));
  }
}

function nameParts(row, name, readout) {
  const handles = row.querySelectorAll(".noUi-handle"), ends = handles.length > 1 ? [", from", ", to"] : [""];
  handles.forEach((handle, end) => {
    handle.setAttribute("aria-label", name + ends[end]);
    if (handles.length === 1 && readout) handle.setAttribute("aria-valuetext", readout.textContent);
  });
  if (readout?.isContentEditable) {
    readout.setAttribute("role", "textbox");
    readout.setAttribute("aria-label", `${name}, to type`);
  }
  row.querySelectorAll(":scope > button").forEach((button, place) => {
    const words = PLAY[place] || (button.querySelector(".fa-pause") ? "pause" : "play");
    button.setAttribute("aria-label", words);
    button.title = words;
  });
  const bar = row.querySelector(".progress"), done = row.querySelector(".progress-bar");
  if (bar) {
    const facts = { role: "progressbar", "aria-label": name, "aria-valuenow": parseFloat(done.style.width) || 0 };
    Object.entries(facts).forEach(([key, value]) => bar.setAttribute(key, value));
  }
}

// again whenever a part of the panel has changed, once per frame of the page
function keepNamed(panel, hints) {
  let waiting = 0;
  const name = () => { waiting = 0; nameControls(panel, hints()); };
  const changed = new MutationObserver(() => { waiting ||= requestAnimationFrame(name); });
  changed.observe(panel, { childList: true, subtree: true, characterData: true });
  name();
  return () => { changed.disconnect(); cancelAnimationFrame(waiting); };
}
