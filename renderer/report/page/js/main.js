// Reads the page's data and starts its parts. `window.pagereel` is for tests and for the console.

let data = null;

async function readData() {
  const bytes = await inflated(linesOf("data")[0]);
  return JSON.parse(new TextDecoder().decode(bytes));
}

// While nothing else is to do: remember which cells change in which group.
function touchIdly() {
  const todo = maps.flatMap(({ frames }) =>
    frames.lines.classes.map((_, group) => ({ frames, group })),
  );
  const bytes = todo.reduce((sum, { frames }) => sum + frames.planeBytes, 0);
  if (bytes > TOUCHED_BYTES) return;
  const later = window.requestIdleCallback ?? ((work) => setTimeout(work, 50));
  const next = async () => {
    if (!todo.length) return;
    if (!state.playing) {
      const { frames, group } = todo.shift();
      await frames.touch(group);
    }
    later(next, { timeout: 5000 });
  };
  later(next, { timeout: 5000 });
}

async function start() {
  if (typeof DecompressionStream === "undefined") {
    notice(
      "This browser cannot unpack the frames (it has no DecompressionStream); Chrome 103, " +
        "Firefox 113 and Safari 16.4 can. The tables below are whole.",
    );
    return;
  }
  data = await readData();
  data.panels.forEach((info, number) => {
    const frames = new Frames(info, number, data.frames);
    maps.push(new PanelMap(number, frames));
  });
  Object.assign(state, { metric: data.metric, layout: data.layout });
  followLink();
  document.documentElement.dataset.theme = themeNow();
  byId("metric").value = state.metric;
  byId("layout").value = state.layout;
  startMaps();
  startClock();
  startChart();
  startInspect();
  startHistory();
  startSections();
  startOverview();
  startLink();
  startKeys();
  await layOut();
  await showFrame();
  showCounts();
  showHistory();
  showFacts();
  document.documentElement.classList.add("ready");
  touchIdly();
}

const ready = start().catch((error) => {
  notice(`The page's data cannot be read: ${error.message}`);
  throw error;
});

window.pagereel = {
  ready,
  // Moves to a frame; resolves when all panels show it.
  async show(frame) {
    seek(frame);
    await showFrame();
  },
  // The class codes of a panel's cells at a frame, as in the recording, u1[cells].
  async grid(panel, frame) {
    const { frames } = maps[panel];
    await frames.load("classes", frames.groupOf(frame));
    return frames
      .at(frame)
      .slice(0, frames.cells)
      .map((value) => value - 1);
  },
  // The order of the allocation that holds a page, or null; the frame of its last change.
  order: (panel, cell, frame) => maps[panel].frames.order(cell, frame),
  lastChange: (panel, cell, frame) => maps[panel].frames.lastChange(cell, frame),
  // Column and row of a cell in its panel's picture, units.
  placeOf(panel, cell) {
    const { at, size } = maps[panel].places;
    return [at[cell] % size[0], Math.floor(at[cell] / size[0])];
  },
  state: () => ({ ...state, theme: themeNow() }),
  drawn: () => drawnNow.frame,
  paces: () => paces.slice(),
  data: () => data,
};
