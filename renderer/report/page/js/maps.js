// The panels: canvases with a unit a cell, enlarged by whole device pixels, and marks above them.

const FIT = 1.1; // a page that is a little higher than the window is better than smaller cells
const LEAST_CELL_PX = 0.66;

// Where the cells of one text of places stand, read when first asked for.
class Places {
  constructor(text, width, height, cells) {
    this.text = text;
    this.size = [width, height];
    this.cells = cells;
  }

  async load() {
    if (!this.loading) this.loading = this.read();
    return this.loading;
  }

  async read() {
    const bytes = await inflated(this.text);
    const [width, height] = this.size;
    const steps = new Uint16Array(bytes.buffer, 0, this.cells * 2);
    this.at = new Int32Array(this.cells); // place in the picture
    this.cellAt = new Int32Array(width * height).fill(-1);
    for (let cell = 0, x = 0, y = 0; cell < this.cells; cell++) {
      x = (x + steps[cell]) & 0xffff;
      y = (y + steps[this.cells + cell]) & 0xffff;
      this.at[cell] = y * width + x;
      this.cellAt[y * width + x] = cell;
    }
    this.here = bytes.subarray(this.cells * 4);
  }
}

// A colour "#rrggbb" as it stands in the memory of a canvas.
function pixel(colour) {
  const value = parseInt(colour.slice(1), 16);
  const bytes = new Uint8Array([value >> 16, value >> 8, value, 255]);
  return new Uint32Array(bytes.buffer)[0];
}

class PanelMap {
  constructor(number, frames) {
    this.number = number;
    this.frames = frames;
    this.info = data.panels[number];
    this.canvas = byId(`map-${number}`);
    this.marks = byId(`marks-${number}`);
    this.context = this.canvas.getContext("2d", { alpha: true });
    this.drawnFrame = -1;
  }

  // Take a place (one of data.places); a unit is `scale` device pixels wide and, times `stretch`,
  // high.
  async place({ place, scale, stretch }) {
    const { number } = this;
    const places = placesOf(place, number);
    await places.load();
    const [width, height] = places.size;
    this.places = places;
    this.canvas.width = width;
    this.canvas.height = height;
    this.image = this.context.createImageData(width, height);
    this.pixels = new Uint32Array(this.image.data.buffer);
    for (const shown of [this.canvas, this.marks]) {
      shown.style.width = `${(width * scale) / devicePixelRatio}px`;
      shown.style.height = `${(height * scale * stretch) / devicePixelRatio}px`;
    }
    this.marks.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.marks.setAttribute("preserveAspectRatio", "none");
    this.labels(place.labels[number], scale / devicePixelRatio, stretch);
    this.colour();
  }

  // What stands around the cells, and the colours of the cells.
  colour() {
    const theme = themeNow();
    // Of a unit with nothing, with a gap, with a zone's boundary, and with a cell.
    const beside = [0, pixel(data.theme[theme].rule), pixel(data.theme[theme].zone), 0];
    const { here } = this.places;
    for (let unit = 0; unit < here.length; unit++) this.pixels[unit] = beside[here[unit]];
    this.colours = new Uint32Array(256);
    this.info.classes.forEach((name, code) => {
      this.colours[code + 1] = pixel(data.classes[name][theme]);
    });
    this.drawnFrame = -1;
  }

  // Names of zones in their boxes. They grow less than the cells, and aren't stretched with them.
  labels(labels, cellPx, stretch) {
    const grown = 1 / Math.sqrt(Math.max(cellPx, 1));
    const names = labels.flatMap(({ name, x, y, width, height }) => {
      const shift = `translate(${x + 2.5} ${y + height / 2}) scale(${grown} ${grown / stretch})`;
      return [
        drawn("rect", { class: "zone-box", x, y, width, height }),
        drawn("text", { class: "zone-name", transform: shift, y: 4 }, name),
      ];
    });
    this.outlines = drawn("g");
    this.marks.replaceChildren(...names, this.outlines);
  }

  // Draw a frame that is at hand.
  draw(frame) {
    if (!this.pixels || this.drawnFrame === frame) return;
    const { pixels, colours } = this;
    const { at } = this.places;
    const cells = this.frames.at(frame);
    for (let cell = 0; cell < at.length; cell++) pixels[at[cell]] = colours[cells[cell]];
    this.context.putImageData(this.image, 0, 0);
    this.drawnFrame = frame;
  }

  // Outlines of ranges of cells: [{first, last, kind}].
  outline(ranges) {
    if (!this.places?.at) return;
    const shapes = ranges.flatMap(({ first, last, kind }) =>
      this.boxes(first, last).flatMap(([x, y, width, height]) =>
        ["under", "over"].map((layer) =>
          drawn("rect", { class: `mark ${kind} ${layer}`, x, y, width, height }),
        ),
      ),
    );
    this.outlines.replaceChildren(...shapes);
  }

  // Boxes around a range of cells, one for each tile that it touches.
  boxes(first, last) {
    const [width] = this.places.size;
    const boxes = [];
    const tile = Math.max(data.block_cells, 1);
    for (let start = first; start <= last && boxes.length < 64;) {
      const end = Math.min(last, start - (start % tile) + tile - 1, this.places.cells - 1);
      let [left, top, right, bottom] = [Infinity, Infinity, 0, 0];
      for (let cell = start; cell <= end; cell++) {
        const x = this.places.at[cell] % width;
        const y = (this.places.at[cell] - x) / width;
        [left, top] = [Math.min(left, x), Math.min(top, y)];
        [right, bottom] = [Math.max(right, x), Math.max(bottom, y)];
      }
      if (end >= start) boxes.push([left, top, right - left + 1, bottom - top + 1]);
      start = Math.max(end, start) + 1;
    }
    return boxes;
  }

  // The cell at a point of the window, or null.
  cellUnder(event) {
    if (!this.places?.at) return null;
    const box = this.canvas.getBoundingClientRect();
    const [width, height] = this.places.size;
    const x = Math.floor(((event.clientX - box.left) / box.width) * width);
    const y = Math.floor(((event.clientY - box.top) / box.height) * height);
    if (x < 0 || y < 0 || x >= width || y >= height) return null;
    const cell = this.places.cellAt[y * width + x];
    return cell < 0 ? null : cell;
  }
}

const placesMade = new Map();

function placesOf(place, panel) {
  const text = place.text[panel];
  if (!placesMade.has(text)) {
    const line = linesOf("places")[text];
    const cells = data.panels[panel].cells;
    placesMade.set(text, new Places(line, place.width[panel], place.height[panel], cells));
  }
  return placesMade.get(text);
}

const darkWanted = matchMedia("(prefers-color-scheme: dark)");
let printing = false; // on paper it is light

function themeNow() {
  if (printing) return "light";
  return state.theme || (darkWanted.matches ? "dark" : "light");
}

// Columns, place and scale that show the panels largest in a room, without much scrolling. Cells
// may be twice as high as wide: then tiles are squares, and both sides of the room are used.
function bestFit(places, panels, room, head) {
  const fits = [];
  for (let columns = 1; columns <= Math.min(panels.length, 4); columns++) {
    const across = Math.floor((room.width - (columns - 1) * room.gap) / columns);
    for (const place of places) {
      const width = Math.max(...panels.map((panel) => place.width[panel]));
      const scale = Math.floor((across * devicePixelRatio) / width);
      for (const stretch of scale < 1 ? [] : [1, 2]) {
        const fit = { columns, place, scale, stretch };
        fits.push({ ...fit, value: worth(fit, panels, room, head) });
      }
    }
  }
  return fits.reduce((best, fit) => (best && best.value >= fit.value ? best : fit), null);
}

// Large cells, as long as little is to be scrolled and no place in the grid stays empty.
function worth({ columns, place, scale, stretch }, panels, room, head) {
  const cellPx = scale / devicePixelRatio;
  const rows = Math.ceil(panels.length / columns);
  const height = Math.max(...panels.map((panel) => place.height[panel]));
  const total = rows * (height * cellPx * stretch + head);
  const readable = Math.min(cellPx / LEAST_CELL_PX, 1) ** 4;
  const seen = Math.min(1, (room.height * FIT) / total) ** 2;
  const filled = (panels.length / (rows * columns)) ** 0.5;
  const width = Math.max(...panels.map((panel) => place.width[panel]));
  const wide = (columns * width * cellPx) / room.width;
  return cellPx * Math.sqrt(stretch) * readable * seen * filled + wide / 1000;
}

const maps = [];
let fitting = Promise.resolve();

// Give every panel its place for the window as it is.
function layOut() {
  fitting = fitting.then(async () => {
    const area = byId("panels");
    const shown = state.zoom === null ? maps : [maps[state.zoom]];
    const captions = shown.map(({ canvas }) => canvas.closest("figure").firstElementChild);
    const head = Math.max(...captions.map((caption) => caption.offsetHeight)) + 18;
    const room = { width: area.clientWidth, height: roomBelow(area), gap: 20 };
    const places = data.places.filter(({ layout }) => layout === state.layout);
    const panels = shown.map(({ number }) => number);
    const narrow = [...places].sort((a, b) => a.width[panels[0]] - b.width[panels[0]])[0];
    const fit = bestFit(places, panels, room, head);
    // A cell has one device pixel at least: where even that is too much, the map is scrolled.
    const best = fit ?? { columns: 1, place: narrow, scale: 1, stretch: 1 };
    area.dataset.columns = best.columns;
    area.classList.toggle("too-wide", !fit);
    maps.forEach(({ canvas, number }) => {
      canvas.closest("figure").hidden = !panels.includes(number);
    });
    await Promise.all(shown.map((map) => map.place(best)));
    outlineAll();
    showFrame();
  });
  return fitting;
}

function roomBelow(area) {
  const dock = byId("dock").offsetHeight;
  const above = Math.min(area.getBoundingClientRect().top + scrollY, innerHeight / 4);
  return Math.max(innerHeight - dock - above, 240);
}

// The frame of the state, drawn as soon as its groups are at hand; a later wish goes before.
let wish = 0;
const drawnNow = { frame: -1, promise: Promise.resolve() };

function showFrame() {
  const mine = ++wish;
  const { frame } = state;
  const shown = maps.filter(({ number }) => state.zoom === null || state.zoom === number);
  const missing = shown.filter(({ frames }) => !frames.planes("classes", frames.groupOf(frame)));
  const draw = () => {
    if (mine !== wish) return;
    for (const map of shown) map.draw(frame);
    drawnNow.frame = frame;
  };
  if (!missing.length) {
    draw();
    return drawnNow.promise;
  }
  const loads = missing.map(({ frames }) => frames.load("classes", frames.groupOf(frame)));
  drawnNow.promise = Promise.all(loads).then(draw);
  return drawnNow.promise;
}

// Whether a frame can be shown without waiting; asks for what is missing, and for what comes next.
function atHand(frame) {
  let ready = true;
  for (const { frames, number } of maps) {
    if (state.zoom !== null && state.zoom !== number) continue;
    const group = frames.groupOf(frame);
    if (!frames.planes("classes", group)) ready = false;
    frames.load("classes", group);
    const ahead = frames.groupOf(Math.min(frame + frames.groupFrames / 2, data.frames - 1));
    if (ahead !== group) frames.load("classes", ahead);
  }
  return ready;
}

const blockOf = (cell) => Math.floor(cell / data.block_cells);

function blockRange(block, panel) {
  const first = block * data.block_cells;
  return [first, Math.min(first + data.block_cells, data.panels[panel].cells) - 1];
}

// The page under the pointer or selected, and its pageblock, in every panel; marked ranges in one.
function outlineAll() {
  for (const map of maps) {
    const ranges = [];
    if (state.marked && state.marked.panel === map.number) {
      for (const [first, last] of state.marked.ranges) ranges.push({ first, last, kind: "range" });
    }
    const selected = state.cell !== null && state.cell < map.info.cells ? state.cell : null;
    const hover = state.hover?.cell;
    if (selected !== null) {
      const [first, last] = blockRange(blockOf(selected), map.number);
      ranges.push({ first, last, kind: "block" });
      ranges.push({ first: selected, last: selected, kind: "page" });
    }
    if (hover != null && hover < map.info.cells) {
      const [first, last] = blockRange(blockOf(hover), map.number);
      ranges.push({ first, last, kind: "block hover" });
      ranges.push({ first: hover, last: hover, kind: "page hover" });
    }
    map.outline(ranges);
  }
}

function startMaps() {
  const area = byId("panels");
  for (const map of maps) {
    const { canvas, number } = map;
    const box = canvas.parentElement;
    box.addEventListener("pointermove", (event) => {
      if (event.pointerType === "touch") return;
      const cell = map.cellUnder(event);
      set({ hover: cell === null ? null : { panel: number, cell } });
    });
    box.addEventListener("pointerleave", () => set({ hover: null }));
    box.addEventListener("click", (event) => {
      const cell = map.cellUnder(event);
      if (cell !== null) set({ panel: number, cell });
    });
    box.addEventListener("focus", () => {
      if (box.matches(":focus-visible")) set({ panel: number, cell: state.cell ?? 0 });
    });
    byId(`zoom-${number}`).addEventListener("click", () =>
      set({ zoom: state.zoom === number ? null : number }),
    );
  }
  listen(["frame"], showFrame);
  listen(["hover", "cell", "marked"], outlineAll);
  listen(["layout", "zoom"], () => {
    maps.forEach(({ number }) =>
      byId(`zoom-${number}`).setAttribute("aria-pressed", String(state.zoom === number)),
    );
    layOut();
  });
  listen(["theme"], recolour);
  darkWanted.addEventListener("change", recolour);
  addEventListener("beforeprint", () => onPaper(true));
  addEventListener("afterprint", () => onPaper(false));
  matchMedia("print").addEventListener("change", (event) => onPaper(event.matches));
  watchRoom(area);
}

// A new place for other widths, heights and densities; not for the bars of a phone's browser.
function watchRoom(area) {
  const room = () => [area.clientWidth, devicePixelRatio, innerHeight];
  let before = room();
  const look = throttled(() => {
    const now = room();
    const same = now[0] === before[0] && now[1] === before[1];
    if (printing || (same && Math.abs(now[2] - before[2]) < 120)) return;
    before = now;
    layOut();
  }, 100);
  new ResizeObserver(look).observe(area);
  addEventListener("resize", look);
}

function recolour() {
  document.documentElement.dataset.theme = themeNow();
  for (const map of maps) if (map.places?.at) map.colour();
  showFrame();
  drawCloseUp();
  drawStrip();
  for (const overview of overviews) overview.draw();
}

function onPaper(now) {
  if (printing === now) return;
  printing = now;
  recolour();
}
