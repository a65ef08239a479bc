// The address says what is shown: #frame=212&block=97. What it cannot mean is ignored, and told.

const wholeNumber = /^\d{1,10}$/;

const inRange = (text, most) =>
  wholeNumber.test(text) && Number(text) <= most ? Number(text) : null;

// What each word of the address may say: its meaning as state, or null.
const READERS = {
  frame: (text) => asState("frame", inRange(text, data.frames - 1)),
  panel: (text) => asState("panel", panelOf(text)),
  zoom: (text) => asState("zoom", panelOf(text)),
  metric: (text) => asState("metric", Object.hasOwn(data.metrics, text) ? text : null),
  layout: (text) => asState("layout", layouts().includes(text) ? text : null),
  theme: (text) => asState("theme", ["light", "dark"].includes(text) ? text : null),
};

const asState = (key, value) => (value === null ? null : { [key]: value });
const layouts = () => [...new Set(data.places.map(({ layout }) => layout))];

function panelOf(text) {
  const number = text.length === 1 ? "ABCDEFGH".indexOf(text.toUpperCase()) : -1;
  return number >= 0 && number < data.panels.length ? number : null;
}

// The cell that pfn= or block= names in a panel, or null.
function cellOf(word, text, panel) {
  const { pages } = data.panels[panel];
  const each = word === "block" ? data.block_pages : 1;
  const number = inRange(text, Math.ceil(pages / each) - 1);
  return number === null ? null : Math.floor((number * each) / data.pages_per_cell);
}

// What an address says: the state it asks for, and the words that say nothing.
function readLink(hash) {
  const words = new URLSearchParams(hash.replace(/^#/, ""));
  const changes = {};
  const ignored = [];
  for (const [word, text] of words) {
    if (word === "pfn" || word === "block") continue; // they depend on the panel
    const change = Object.hasOwn(READERS, word) ? READERS[word](text) : null;
    if (change) Object.assign(changes, change);
    else ignored.push(`${word}=${text}`);
  }
  for (const word of ["block", "pfn"]) {
    if (!words.has(word)) continue;
    const cell = cellOf(word, words.get(word), changes.panel ?? 0);
    if (cell === null) ignored.push(`${word}=${words.get(word)}`);
    else changes.cell = cell;
  }
  if (changes.cell !== undefined) changes.panel ??= 0;
  return { changes, ignored };
}

let written = "";

function followLink() {
  if (location.hash === written) return;
  const { changes, ignored } = readLink(location.hash);
  if (ignored.length) {
    const told = ignored
      .map((word) => (word.length > 60 ? `${word.slice(0, 60)}…` : word))
      .join(", ");
    notice(`The link says something that this page doesn't have, which is left out: ${told}`);
  }
  set({ ...changes, playing: false });
}

function linkText() {
  const { frame, cell, panel, metric, theme, zoom, layout } = state;
  const words = new URLSearchParams({ frame });
  const pfn = cell === null ? null : cell * data.pages_per_cell;
  if (cell !== null) {
    if (panel) words.set("panel", letterOf(panel));
    if (pfn % data.block_pages === 0) words.set("block", pfn / data.block_pages);
    else words.set("pfn", pfn);
  }
  if (metric !== data.metric) words.set("metric", metric);
  if (layout !== data.layout) words.set("layout", layout);
  if (theme) words.set("theme", theme);
  if (zoom !== null) words.set("zoom", letterOf(zoom));
  return `#${words}`;
}

// Browsers allow an address to change only so often.
const writeLink = throttled(() => {
  if (state.playing) return;
  written = linkText();
  try {
    history.replaceState(null, "", written);
  } catch {
    written = location.hash; // an address that cannot be changed is no fault of the page
  }
}, 500);

function startLink() {
  addEventListener("hashchange", followLink);
  listen(["frame", "cell", "panel", "metric", "theme", "zoom", "layout", "playing"], writeLink);
  byId("notice-close").addEventListener("click", () => notice(""));
}
