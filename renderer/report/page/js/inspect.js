// What is said of the page under the pointer, of the selected one, and of its pageblock.

const CLOSE_UP = 8; // CSS pixels a cell
const GLYPHS = {
  unmovable: "M2 2L6 6M6 2L2 6",
  kernel_unknown: "M2 6L6 2",
  reclaimable: "M2 4H6M4 2V6",
  hugetlb: "M2 4H6",
  reserved: "M2 2L6 6",
  pcp_free: "M3.5 4H4.5M4 3.5V4.5",
};

function figureText(panel, frame) {
  const { values, maximum, text, text_none: none } = data.panels[panel].figure;
  const value = values[frame];
  if (value === null) return none;
  return text
    .replace("{value:,.0f}", whole.format(value))
    .replace("{maximum:,.0f}", whole.format(maximum));
}

function showFigures() {
  for (const { number } of maps) {
    const info = data.panels[number];
    byId(`figure-${number}`).textContent = figureText(number, state.frame);
    const facts = [];
    if (info.free_mib) facts.push(`${whole.format(info.free_mib[state.frame])} MiB free`);
    if (info.failed) facts.push(`${whole.format(info.failed[state.frame])} failed`);
    byId(`facts-${number}`).textContent = facts.join(" · ");
  }
}

// Pages by class, in words for who doesn't see the map, and as a table for everybody.
function classCounts(panel) {
  const map = maps[panel];
  const counts = new Array(256).fill(0);
  const cells = map.frames.at(state.frame);
  for (let cell = 0; cell < map.info.cells; cell++) counts[cells[cell]]++;
  return map.info.classes.map((name, code) => ({ name, count: counts[code + 1] }));
}

function showCounts() {
  for (const { number } of maps) if (atHandIn(number)) showCountsOf(number);
}

// Whether a panel's frame is at hand; else it is asked for, and `again` called when it is there.
function atHandIn(panel) {
  const { frames } = maps[panel];
  const group = frames.groupOf(state.frame);
  if (frames.planes("classes", group)) return true;
  if (!state.playing) frames.load("classes", group).then(again);
  return false;
}

function again() {
  refreshCounts();
  refreshFacts();
}

function showCountsOf(panel) {
  const { info } = maps[panel];
  const counts = classCounts(panel);
  for (const { name, count } of counts) {
    const cell = byId(`count-${panel}-${name}`);
    if (cell) cell.textContent = whole.format(count);
  }
  const there = counts.filter(({ count }) => count).sort((a, b) => b.count - a.count);
  const words = there.map(({ name, count }) => {
    return `${data.classes[name].label} ${numberText((100 * count) / info.cells)} %`;
  });
  byId(`map-text-${panel}`).textContent =
    `Frame ${state.frame}, ${phaseAt(state.frame).title}. ${figureText(panel, state.frame)}. ` +
    `${data.pages_per_cell === 1 ? "Pages" : "Cells"} by class: ${words.join(", ")}.`;
}

const zoneOf = (panel, pfn) => {
  const zones = data.panels[panel].zones.filter((z) => z.start_pfn <= pfn && pfn < z.end_pfn);
  return zones.map(({ name }) => name).join(", ") || "no zone";
};

const isFree = (name) => ["free", "pcp_free", "hole"].includes(name);

// How long a cell's page has been what it is, as far as frames can tell.
function ageText(panel, code, frame, since) {
  const info = data.panels[panel];
  const times = data.clock.times_us;
  const name = info.classes[code];
  const span = durationText(times[frame] - times[since]);
  if (data.pages_per_cell > 1) return `shown so since frame ${since}, for ${span}`;
  if (isFree(name)) return `${since ? `since frame ${since}` : "since the beginning"}, for ${span}`;
  if (name === "movable" || !info.has_orders) {
    const from = since ? `since frame ${since}` : "since the beginning";
    return `${data.classes[name].label} ${from}, for ${span}; may have changed hands`;
  }
  if (!since) return `here since the beginning, ${span} or more`;
  return `here for ${span}, since frame ${since}`;
}

// Facts of a cell at the frame of the state, as pairs of name and text.
async function factsOf(panel, cell) {
  const { frame } = state;
  const { frames, info } = maps[panel];
  const planes = await frames.load("classes", frames.groupOf(frame));
  if (!planes || frame !== state.frame) return null;
  const code = frames.at(frame)[cell] - 1;
  const per = data.pages_per_cell;
  const pfn = cell * per;
  const last = Math.min(pfn + per, info.pages) - 1;
  const name = info.classes[code];
  const facts = [
    ["pfn", per === 1 ? `${pfn} (${hex(pfn)})` : `${pfn} to ${last} (${hex(pfn)} to ${hex(last)})`],
    [per === 1 ? "class" : "worst class", labelOf(panel, code)],
  ];
  const order = isFree(name) ? null : await frames.order(cell, frame);
  if (order !== null)
    facts.push(["order", `${order}: ${plural(2 ** order, "page")} in one allocation`]);
  facts.push(["age", ageText(panel, code, frame, await frames.lastChange(cell, frame))]);
  facts.push(["zone", zoneOf(panel, pfn)]);
  const block = Math.floor(pfn / data.block_pages);
  facts.push(["pageblock", `${block}, ${typeText(typeAt(panel, block, frame))}`]);
  facts.push(["claimed", claimText(panel, block, frame)]);
  return frame === state.frame ? facts : null;
}

// The last claim up to a frame; without one, when the first will be, as far as it is known.
function claimText(panel, block, frame) {
  const claims = eventsOf(panel, block).filter(({ kind }) => kind === "claim");
  const claim = claims.findLast(({ op }) => op < data.clock.ops[frame]);
  if (claim) return `${eventText(panel, claim)}, frame ${frameOfOp(claim.op)}`;
  const { claims_from_op: from, dropped, told } = data.panels[panel].left_out;
  if (!told) return "not told by the recording";
  if (dropped) return "no claim up to this frame is recorded, but events were dropped";
  if (claims.length) {
    const first = frameOfOp(claims[0].op);
    const seen = claims[0].op < data.clock.ops.at(-1);
    return `not up to this frame; first ${seen ? `at frame ${first}` : "after the last frame"}`;
  }
  if (from !== null) return `not before frame ${frameOfOp(from)}; later claims are not in this page`;
  return "never in this recording";
}

// Only the last wish counts: facts are looked up while the pointer goes on.
let asked = 0;

async function showFacts() {
  const mine = ++asked;
  const at = state.hover ?? (state.cell === null ? null : { panel: state.panel, cell: state.cell });
  byId("page-empty").hidden = at !== null;
  byId("page-facts").hidden = at === null;
  byId("brief").hidden = at === null;
  if (!at || at.cell >= data.panels[at.panel].cells) return;
  const facts = await factsOf(at.panel, at.cell);
  if (mine !== asked || !facts) return;
  const { title } = data.panels[at.panel];
  byId("page-panel").replaceChildren(chip(at.panel), ` ${title}`);
  byId("page-list").replaceChildren(
    ...facts.map(([name, text]) =>
      element("div", {}, element("dt", {}, name), element("dd", { "data-fact": name }, text)),
    ),
  );
  const others = maps.filter(({ number, info }) => number !== at.panel && at.cell < info.cells);
  byId("page-others").replaceChildren(...others.map(({ number }) => elsewhere(number, at.cell)));
  const told = new Map(facts);
  const order = told.has("order") ? `, order ${told.get("order").split(":")[0]}` : "";
  const name = told.get("class") ?? told.get("worst class");
  const [pfn, age] = [told.get("pfn").split(" (")[0], told.get("age").split(";")[0]];
  const words = ` pfn ${pfn}: ${name}${order}; ${age}`;
  byId("brief-text").replaceChildren(chip(at.panel), words);
  enlarged = at;
  drawCloseUp();
}

// The same page in another panel.
function elsewhere(panel, cell) {
  const known = atHandIn(panel);
  const code = known ? maps[panel].frames.at(state.frame)[cell] - 1 : null;
  return element("li", {}, chip(panel), ` ${known ? labelOf(panel, code) : "…"}`);
}

// The pageblock around a cell, large, with a sign for each class besides its colour.
let enlarged = null;

function drawCloseUp() {
  if (!enlarged) return;
  const { panel, cell } = enlarged;
  const canvas = byId("close-up");
  const { frames, info } = maps[panel];
  if (!frames.planes("classes", frames.groupOf(state.frame))) return;
  const [first, last] = blockRange(blockOf(cell), panel);
  const columns = 2 ** Math.ceil(Math.log2(data.block_cells) / 2);
  const rows = Math.max(Math.ceil(data.block_cells / columns), 1);
  const size = clamped(Math.floor(256 / columns), 1, CLOSE_UP * 4);
  const dpr = devicePixelRatio;
  canvas.width = Math.round(columns * size * dpr);
  canvas.height = Math.round(rows * size * dpr);
  canvas.style.width = `${columns * size}px`;
  const context = canvas.getContext("2d");
  context.scale(dpr, dpr);
  const cells = frames.at(state.frame);
  const colours = data.theme[themeNow()];
  for (let shown = first; shown <= last; shown++) {
    const name = info.classes[cells[shown] - 1];
    const x = ((shown - first) % columns) * size;
    const y = Math.floor((shown - first) / columns) * size;
    const fill = data.classes[name][themeNow()];
    context.fillStyle = fill;
    context.fillRect(x, y, size, size);
    if (GLYPHS[name] && size >= 6) sign(context, GLYPHS[name], x, y, size / 8, inkOn(fill));
  }
  const x = ((cell - first) % columns) * size;
  const y = Math.floor((cell - first) / columns) * size;
  context.lineWidth = 2;
  for (const [grow, colour] of [
    [2, colours.paper],
    [0, colours.ink],
  ]) {
    context.strokeStyle = colour;
    context.strokeRect(x - grow / 2, y - grow / 2, size + grow, size + grow);
  }
  canvas.setAttribute(
    "aria-label",
    `Pageblock ${blockOf(cell)} of panel ${letterOf(panel)}, enlarged`,
  );
}

function sign(context, path, x, y, scale, colour) {
  context.save();
  context.translate(x, y);
  context.scale(scale, scale);
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.stroke(new Path2D(path));
  context.restore();
}

// Black or white, whichever is seen better on a colour.
function inkOn(colour) {
  const value = parseInt(colour.slice(1), 16);
  const light = 0.3 * (value >> 16) + 0.59 * ((value >> 8) & 255) + 0.11 * (value & 255);
  return light > 128 ? "#000000b0" : "#ffffffc0";
}

const refreshCounts = throttled(showCounts, 300);
const refreshFacts = throttled(showFacts, 60);

function moveCell(by) {
  const most = data.panels[state.panel].cells - 1;
  set({ cell: clamped((state.cell ?? 0) + by, 0, most), hover: null });
}

function startInspect() {
  byId("brief-more").addEventListener("click", (event) => {
    event.preventDefault(); // the address is for the place in the recording
    byId("page-title").scrollIntoView({ block: "start" });
  });
  for (const [name, path] of Object.entries(GLYPHS)) {
    const both = ["under", "over"].map((kind) => drawn("path", { d: path, class: kind }));
    byId(`swatch-${name}`)?.append(...both);
  }
  listen(["frame"], () => {
    showFigures();
    refreshCounts();
  });
  listen(["frame", "hover", "cell", "panel"], refreshFacts);
  const closeUpCanvas = byId("close-up");
  closeUpCanvas.addEventListener("click", (event) => {
    if (state.cell === null) return;
    const box = closeUpCanvas.getBoundingClientRect();
    const columns = 2 ** Math.ceil(Math.log2(data.block_cells) / 2);
    const rows = Math.max(Math.ceil(data.block_cells / columns), 1);
    const x = Math.floor(((event.clientX - box.left) / box.width) * columns);
    const y = Math.floor(((event.clientY - box.top) / box.height) * rows);
    const [first, last] = blockRange(blockOf(state.cell), state.panel);
    set({ cell: clamped(first + y * columns + x, first, last) });
  });
  showFigures();
}
