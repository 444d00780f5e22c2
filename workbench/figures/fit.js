// A figure for a place of another width than it was laid out for: what of its layout changes. Pure: nothing is drawn.

const LAID_OUT_PX = 900; // _browser.WIDTH_PX
const NARROW_PX = 600; // below, subplots side by side stand one under the other
const TITLE = { size: 19, narrow: 16, line: 1.27 }, SUBTITLE = { size: 13.5, line: 1.34 };
const AXIS_TITLE = 16.8; // size of the type: 1.2 times that of the figure
const LETTER = 0.54; // width of a letter, in sizes of the type
const LEGEND = { mark: 44, letter: 7.2, row: 22 }; // px of its entries
const BETWEEN_PX = 76; // between subplots that stand one under the other: ticks and the title of an axis

// changes of the layout for a width, by the names that Plotly.relayout takes; none where it is laid out for that width
export function fit({ data, layout }, width) {
  const wanted = Math.max(width, layout.meta?.least_px ?? 0);
  const narrow = wanted < NARROW_PX;
  const changes = {};
  const left = narrow ? 12 : (layout.margin?.l ?? 80);
  const room = wanted - left - 16;
  let above = 0, below = 0;
  const [title, subtitle, colour] = readTitle(layout.title?.text ?? "");
  if (title) {
    const usual = layout.title.font?.size ?? TITLE.size, size = narrow ? Math.min(TITLE.narrow, usual) : usual;
    const titles = wrap(title, room / (LETTER * size)), subtitles = wrap(subtitle, room / (LETTER * SUBTITLE.size));
    const lines = countLines(layout.title.text);
    above = (titles.length - lines.title) * TITLE.line * TITLE.size
      + (subtitles.length - lines.subtitle) * SUBTITLE.line * SUBTITLE.size;
    changes["title.text"] = titles.join("<br>")
      + (subtitle ? `<br><span style='font-size:${SUBTITLE.size}px;color:${colour}'>${subtitles.join("<br>")}</span>` : "");
    changes["title.font.size"] = size;
    if (narrow) Object.assign(changes, { "title.xref": "container", "title.x": left / wanted });
  }
  const entries = layout.meta?.legend ?? [];
  if (entries.length) {
    const across = wanted - (layout.margin?.l ?? 80) - (layout.margin?.r ?? 30);
    const before = LAID_OUT_PX - (layout.margin?.l ?? 80) - (layout.margin?.r ?? 30);
    below = LEGEND.row * (countRows(entries, across) - countRows(entries, before));
  }
  const top = layout.margin?.t ?? 92, bottom = layout.margin?.b ?? 60;
  const inside = (layout.height ?? 450) - top - bottom;
  const stacked = narrow && layout.meta?.stack?.length ? stack(data, layout, inside) : null;
  Object.assign(changes, stacked?.changes);
  const high = stacked ? stacked.inside : inside;
  const more = wrapAxisTitles(layout, changes, wanted - (layout.margin?.l ?? 80) - (layout.margin?.r ?? 30));
  below += more;
  if (entries.length && (stacked || more)) changes["legend.y"] = ((layout.legend?.y ?? 0) * inside - more) / high;
  changes["margin.t"] = Math.round(top + above);
  changes["margin.b"] = Math.round(bottom + below);
  changes.height = Math.round(high + top + bottom + above + below);
  if (wanted > width) changes.width = wanted;
  return changes;
}

// a layout with the changes of `fit`
export function change(layout, changes) {
  const changed = structuredClone(layout);
  for (const [name, value] of Object.entries(changes)) {
    const path = name.split("."), last = path.pop();
    let inner = changed;
    for (const key of path) {
      const place = /^(\w+)\[(\d+)\]$/.exec(key);
      inner = place ? inner[place[1]][place[2]] : (inner[key] ??= {});
    }
    inner[last] = value;
  }
  return changed;
}

// title and subtitle without breaks, and the colour of the latter: they stand in one text
function readTitle(text) {
  const found = /^(.*?)<br><span style='font-size:[\d.]+px;color:(#\w+)'>(.*)<\/span>$/s.exec(text);
  const plain = (part) => part.replaceAll("<br>", " ");
  return found ? [plain(found[1]), plain(found[3]), found[2]] : [plain(text), "", ""];
}

function countLines(text) {
  const [title, subtitle] = text.split(/<br><span style='font-size:[\d.]+px;color:/);
  const lines = (part) => (part === undefined ? 0 : part.split("<br>").length);
  return { title: lines(title), subtitle: lines(subtitle) };
}

// markup takes no room and is not broken
export function wrap(text, letters) {
  if (!text) return [];
  const lines = [""];
  let used = 0;
  for (const word of text.match(/(?:<[^<>]*>|[^\s<])+/g) ?? []) {
    const size = word.replace(/<[^<>]*>/g, "").replace(/&[#\w]+;/g, "x").length;
    if (used && used + 1 + size > letters) {
      lines.push(word);
      used = size;
    } else {
      lines[lines.length - 1] += used ? ` ${word}` : word;
      used += size + (used ? 1 : 0);
    }
  }
  return lines;
}

// rows that plotly needs for entries of so many letters
export function countRows(letters, width) {
  const sizes = letters.map((count) => LEGEND.mark + LEGEND.letter * count);
  if (sizes.reduce((sum, size) => sum + size, 0) <= width) return 1;
  return Math.ceil(sizes.length / Math.max(1, Math.floor(width / Math.max(...sizes))));
}

// below an axis as wide as its subplot; returns the height of what is more than a line
function wrapAxisTitles(layout, changes, across) {
  let most = 1;
  for (const name of Object.keys(layout).filter((name) => /^xaxis\d*$/.test(name))) {
    const text = layout[name].title?.text, [low, high] = changes[`${name}.domain`] ?? layout[name].domain ?? [0, 1];
    const lines = wrap(text?.replaceAll("<br>", " "), ((high - low) * across) / (LETTER * AXIS_TITLE));
    if (text && lines.length > 1) changes[`${name}.title.text`] = lines.join("<br>");
    most = Math.max(most, lines.length);
  }
  return Math.round((most - 1) * 1.3 * AXIS_TITLE);
}

// subplots side by side, parted where `meta.stack` says, one under the other
function stack(data, layout, inside) {
  const borders = [0, ...layout.meta.stack, 1], parts = borders.length - 1;
  const between = layout.meta.between_px ?? BETWEEN_PX, rows = layout.meta.rows ?? 1;
  const all = parts * rows, whole = parts * inside + (all - 1) * between;
  const partOf = (x) => borders.slice(1, -1).filter((border) => x >= border).length;
  const axes = Object.keys(layout).filter((name) => /^[xy]axis\d*$/.test(name));
  const domainOf = (name) => layout[name].domain ?? [0, 1];
  const byPart = Array.from({ length: parts }, () => [1, 0]);
  for (const name of axes.filter((name) => name[0] === "x")) {
    const [low, high] = domainOf(name), span = byPart[partOf((low + high) / 2)];
    span[0] = Math.min(span[0], low);
    span[1] = Math.max(span[1], high);
  }
  const across = (x, part) => (x - byPart[part][0]) / Math.max(1e-9, byPart[part][1] - byPart[part][0]);
  const rowOf = (y) => Math.min(rows - 1, Math.max(0, Math.floor((1 - y) * rows + 1e-6)));
  const upright = (y, part, row) => {
    const slot = row * parts + part, low = (rows - 1 - row) / rows;
    return ((all - 1 - slot) * (inside / rows + between) + (y - low) * inside) / whole;
  };
  const changes = {}, within = (value) => Math.min(1, Math.max(0, value));
  for (const name of axes) {
    const isX = name[0] === "x", partner = layout[name].anchor ?? (isX ? "y" : "x");
    const x = isX ? name : partner.replace("x", "xaxis");
    const [low, high] = domainOf(x), part = partOf((low + high) / 2);
    const row = isX ? 0 : rowOf((domainOf(name)[0] + domainOf(name)[1]) / 2);
    changes[`${name}.domain`] = domainOf(name).map((at) => within(isX ? across(at, part) : upright(at, part, row)));
    if (!isX && layout[name].showticklabels === false && (layout[name].matches || layout[name].ticktext)) {
      changes[`${name}.showticklabels`] = true;
    }
  }
  (layout.annotations ?? []).forEach(({ xref, yref, x, y }, index) => {
    if (xref !== "paper" || yref !== "paper" || y < 0 || y > 1) return;
    const part = partOf(x);
    changes[`annotations[${index}].x`] = within(across(x, part));
    changes[`annotations[${index}].y`] = upright(y, part, rowOf(y));
  });
  return { changes, inside: whole };
}
