// The history of the selected pageblock: claims and steals, changes of its type, what it held.

const eventsByBlock = new Map();

// Claims and steals in a pageblock, in order, as objects.
function eventsOf(panel, block) {
  if (!eventsByBlock.has(panel)) eventsByBlock.set(panel, sortedEvents(data.panels[panel].events));
  return eventsByBlock.get(panel).get(block) ?? [];
}

function sortedEvents(columns) {
  const blocks = new Map();
  columns.op.forEach((_, number) => {
    const event = {};
    for (const name of Object.keys(columns)) event[name] = columns[name][number];
    event.kind = data.event_kinds[event.kind];
    const first = Math.floor(event.pfn / data.block_pages);
    const last = Math.floor((event.pfn + 2 ** event.order - 1) / data.block_pages);
    for (let block = first; block <= last; block++) {
      if (!blocks.has(block)) blocks.set(block, []);
      blocks.get(block).push(event);
    }
  });
  return blocks;
}

const withArticle = (word) => `${/^[aeiou]/.test(word) ? "an" : "a"} ${word}`;

// The words of pipeline/explain, from the pageblock's point of view.
function eventText(panel, event) {
  const had = typeText(event.fallback_migratetype);
  const request =
    event.request_order < 0
      ? `for ${typeText(event.migratetype)}`
      : `by ${withArticle(typeText(event.migratetype))} request of order ${event.request_order}`;
  const found = withArticle(typeText(event.taken_migratetype));
  const block = `${found} block of order ${event.taken_order}`;
  if (event.kind !== "claim") {
    return `a steal ${request}: takes ${block}${countedText(panel, event)}`;
  }
  const took = event.request_order < 0 ? "" : `, which takes ${block}`;
  return `claimed ${request}${took}; was ${had}${countedText(panel, event)}`;
}

// What the choice was made by. It is of the mechanism's pageblock, which may be larger than a tile.
function countedText(panel, { kind, pfn, taken_order, free_pages, alike_pages }) {
  const pages = data.panels[panel].own_block_pages;
  const start = pfn - (pfn % pages);
  const range = `pfn ${start} to ${start + pages - 1}`;
  const other = pages !== data.block_pages;
  if (free_pages < 0) {
    const free = kind === "claim" && 2 ** taken_order >= pages ? ", free as a whole" : "";
    return `${free}${other && kind === "claim" ? ` (${range} at once)` : ""}`;
  }
  const alike = alike_pages > 0 ? ` and ${whole.format(alike_pages)} in use that suit it` : "";
  const at = other ? ` (${range}${kind === "claim" ? " at once" : ""})` : "";
  return `, ${whole.format(free_pages)} of ${whole.format(pages)} pages free${alike}${at}`;
}

// The type of a pageblock at a frame.
function typeAt(panel, block, frame) {
  const { start, changes } = data.panels[panel].types;
  let type = start[block];
  for (const [at, changed, to] of changes) {
    if (at > frame) break;
    if (changed === block) type = to;
  }
  return type;
}

// Runs of frames in which a pageblock holds a page that cannot move: [[first, last]].
function heldRuns(counts, panel) {
  const classes = data.panels[panel].classes;
  const fixed = classes.map((name) => data.classes[name].cannot_move);
  const runs = [];
  counts.forEach((count, frame) => {
    if (!count.some((cells, code) => cells && fixed[code])) return;
    const last = runs.at(-1);
    if (last && last[1] === frame - 1) last[1] = frame;
    else runs.push([frame, frame]);
  });
  return runs;
}

// Everything that happened to a pageblock, in the order of frames: [{frame, text, kind}].
function entriesOf(panel, block, counts) {
  const entries = eventsOf(panel, block).map((event) => ({
    frame: frameOfOp(event.op),
    op: event.op,
    kind: event.kind,
    text: eventText(panel, event),
  }));
  for (const [frame, changed, type] of data.panels[panel].types.changes) {
    if (changed !== block) continue;
    const text = `its type is ${typeText(type)} now`;
    entries.push({ frame, op: data.clock.ops[frame], kind: "type", text });
  }
  for (const [first, last] of heldRuns(counts, panel)) {
    const text = first
      ? "first page that cannot move"
      : "holds a page that cannot move from the beginning on";
    entries.push({ frame: first, op: data.clock.ops[first], kind: "held", text });
    if (last === data.frames - 1) continue;
    const frame = last + 1;
    const gone = "no page that cannot move any more";
    entries.push({ frame, op: data.clock.ops[frame], kind: "gone", text: gone });
  }
  return entries.sort((a, b) => a.frame - b.frame || a.op - b.op);
}

let shownBlock = "";
let shownCounts = null;

async function showHistory() {
  const there = state.cell !== null && state.cell < data.panels[state.panel].cells;
  byId("history").hidden = !there;
  if (!there) return;
  const { panel } = state;
  const block = Math.floor((state.cell * data.pages_per_cell) / data.block_pages);
  const key = `${panel} ${block}`;
  if (key === shownBlock) return;
  shownBlock = key;
  const [first, last] = blockRange(blockOf(state.cell), panel);
  const counts = await maps[panel].frames.counts(
    first,
    last + 1,
    data.panels[panel].classes.length,
  );
  if (key !== shownBlock) return;
  shownCounts = { panel, block, counts };
  byId("history-title").replaceChildren(chip(panel), ` pageblock ${block}`);
  const pfn = block * data.block_pages;
  const end = Math.min(pfn + data.block_pages, data.panels[panel].pages);
  byId("history-where").textContent = `pfn ${pfn} to ${end - 1}, zone ${zoneOf(panel, pfn)}`;
  const entries = entriesOf(panel, block, counts);
  byId("history-sum").textContent = summaryOf(entries, counts, panel);
  byId("history-list").replaceChildren(...entries.slice(0, HISTORY_MOST).map(entryItem));
  const more = entries.length - HISTORY_MOST;
  byId("history-more").textContent = [
    ...(more > 0 ? [`And ${whole.format(more)} more.`] : []),
    ...missingTexts(panel),
  ].join(" ");
  drawStrip();
}

const HISTORY_MOST = 200;

// What the history of every pageblock of a panel may lack.
function missingTexts(panel) {
  const { claims_from_op, steals_from_op, dropped, told } = data.panels[panel].left_out;
  const from = (op) => `from frame ${frameOfOp(op)} on, are not in this page.`;
  return [
    ...(told ? [] : ["The recording tells of no claims and steals."]),
    ...(claims_from_op === null ? [] : [`Later claims, ${from(claims_from_op)}`]),
    ...(steals_from_op === null ? [] : [`Later steals, ${from(steals_from_op)}`]),
    ...(dropped ? [`${plural(dropped, "event")} of this panel were dropped while recording.`] : []),
  ];
}

function entryItem({ frame, kind, text }) {
  const clock = clockText(data.clock.times_us[frame]);
  return element(
    "li",
    { class: kind },
    jump(`frame ${frame}`, frame),
    element("span", { class: "quiet" }, ` ${clock} `),
    element("span", {}, text),
  );
}

function summaryOf(entries, counts, panel) {
  const runs = heldRuns(counts, panel);
  const frames = runs.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  const claims = entries.filter(({ kind }) => kind === "claim").length;
  const steals = entries.filter(({ kind }) => kind === "fallback").length;
  const held = frames
    ? `holds a page that cannot move in ${frames} of ${data.frames} frames`
    : "holds a page that cannot move in no frame";
  return `${plural(claims, "claim")}, ${plural(steals, "steal")}; ${held}.`;
}

// What the pageblock held at every frame, worst classes at the bottom.
function drawStrip() {
  if (!shownCounts) return;
  const { panel, counts } = shownCounts;
  const canvas = byId("history-strip");
  const classes = data.panels[panel].classes;
  const order = data.legend.filter((name) => classes.includes(name));
  const [width, height] = [Math.min(data.frames, 1200), 64];
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const theme = themeNow();
  for (let x = 0; x < width; x++) {
    const count = counts[Math.floor((x * data.frames) / width)];
    const all = count.reduce((sum, cells) => sum + cells, 0);
    let top = height;
    for (const name of order) {
      // A single page must be seen too.
      const cells = count[classes.indexOf(name)];
      const part =
        cells && Math.max((cells / all) * height, data.classes[name].cannot_move ? 1 : 0);
      context.fillStyle = data.classes[name][theme];
      context.fillRect(x, top - part, 1, part + 1);
      top -= part;
    }
  }
  moveStripCursor();
}

function moveStripCursor() {
  const share = state.frame / Math.max(data.frames - 1, 1);
  byId("history-cursor").style.left = `${share * 100}%`;
}

function startHistory() {
  listen(["cell", "panel"], showHistory);
  listen(["frame"], moveStripCursor);
  byId("history-strip").addEventListener("click", (event) => {
    const box = event.target.getBoundingClientRect();
    set({ playing: false });
    seek(((event.clientX - box.left) / box.width) * (data.frames - 1));
  });
}
