// Every pageblock over all frames: a line a pageblock, a column a frame, the worst class wins.

const OVERVIEW_LINES = 512; // above it, pageblocks share a line

// The worst class in each line at each frame, u1[frames * lines], as class + 1.
async function worstClasses(map, lines, cellsALine) {
  const { frames, info } = map;
  const order = data.legend.filter((name) => info.classes.includes(name));
  const ranked = order.map((name) => info.classes.indexOf(name) + 1);
  const counts = new Uint32Array(lines * 256);
  const now = new Uint8Array(frames.cells);
  const worst = new Uint8Array(data.frames * lines);
  let frame = 0;
  for (let group = 0; group < frames.lines.classes.length; group++) {
    const planes = await frames.scan("classes", group);
    for (let plane = 0; plane < planes.length / frames.planeBytes; plane++) {
      frames.changes(planes, plane, (cell, value) => {
        const line = Math.floor(cell / cellsALine) * 256;
        if (now[cell]) counts[line + now[cell]]--;
        counts[line + value]++;
        now[cell] = value;
      });
      if (!plane) continue; // the state before the group
      for (let line = 0; line < lines; line++) {
        worst[frame * lines + line] = ranked.find((value) => counts[line * 256 + value]);
      }
      frame++;
    }
  }
  return worst;
}

class Overview {
  constructor(map) {
    this.map = map;
    this.canvas = byId(`overview-${map.number}`);
    const blocks = Math.ceil(map.info.cells / data.block_cells);
    this.blocksALine = Math.ceil(blocks / OVERVIEW_LINES);
    this.lines = Math.ceil(blocks / this.blocksALine);
    this.canvas.width = data.frames;
    this.canvas.height = this.lines;
    this.canvas.addEventListener("click", (event) => this.clicked(event));
  }

  async load() {
    const cells = this.blocksALine * data.block_cells;
    this.worst ??= await worstClasses(this.map, this.lines, cells);
    this.draw();
  }

  draw() {
    if (!this.worst) return;
    const theme = themeNow();
    const colours = [0, ...this.map.info.classes.map((name) => pixel(data.classes[name][theme]))];
    const context = this.canvas.getContext("2d");
    const image = context.createImageData(data.frames, this.lines);
    const pixels = new Uint32Array(image.data.buffer);
    for (let frame = 0; frame < data.frames; frame++) {
      for (let line = 0; line < this.lines; line++) {
        pixels[line * data.frames + frame] = colours[this.worst[frame * this.lines + line]];
      }
    }
    context.putImageData(image, 0, 0);
  }

  clicked(event) {
    const box = this.canvas.getBoundingClientRect();
    const frame = Math.floor(((event.clientX - box.left) / box.width) * data.frames);
    const line = Math.floor(((event.clientY - box.top) / box.height) * this.lines);
    const cell = line * this.blocksALine * data.block_cells;
    set({ playing: false, panel: this.map.number, cell: Math.min(cell, this.map.info.cells - 1) });
    seek(frame);
  }

  // Where the clock stands, and the selected pageblock.
  mark() {
    const [frame, block] = ["frame", "block"].map((kind) =>
      byId(`overview-${kind}-${this.map.number}`),
    );
    frame.style.left = `${((state.frame + 0.5) / data.frames) * 100}%`;
    block.hidden = state.cell === null || state.cell >= this.map.info.cells;
    if (block.hidden) return;
    const line = Math.floor(blockOf(state.cell) / this.blocksALine);
    block.style.top = `${((line + 0.5) / this.lines) * 100}%`;
  }
}

const overviews = [];

// Made when it is scrolled to: all frames of all panels have to be read for it.
function startOverview() {
  overviews.push(...maps.map((map) => new Overview(map)));
  const mark = () => overviews.forEach((overview) => overview.mark());
  listen(["frame", "cell"], mark);
  mark();
  const section = byId("overview");
  const seen = new IntersectionObserver(async (entries) => {
    if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
    seen.disconnect();
    for (const overview of overviews) await overview.load();
    section.dataset.made = "true";
  });
  seen.observe(section);
  addEventListener("beforeprint", () => {
    section.hidden = !section.dataset.made;
  });
  addEventListener("afterprint", () => {
    section.hidden = false;
  });
}
