// The keyboard. On a map the arrows move the selected page, elsewhere they move through the frames.

const KEYS = {
  " ": toggle,
  k: toggle,
  ArrowLeft: (event) => step(event.shiftKey ? -10 : -1),
  ArrowRight: (event) => step(event.shiftKey ? 10 : 1),
  ",": () => step(-1),
  ".": () => step(1),
  PageUp: () => step(-50),
  PageDown: () => step(50),
  Home: () => step(-data.frames),
  End: () => step(data.frames),
  "[": () => stepPhase(-1),
  "]": () => stepPhase(1),
  "+": () => faster(1),
  "=": () => faster(1),
  "-": () => faster(-1),
  "?": () => byId("help").showModal(),
  h: () => byId("help").showModal(),
  t: () => switchTheme(),
  0: () => set({ zoom: null }),
  Escape: () => set(state.zoom === null ? { cell: null, marked: null } : { zoom: null }),
};

const ON_MAP = {
  ArrowLeft: (event) => moveOnMap(event, -1, 0),
  ArrowRight: (event) => moveOnMap(event, 1, 0),
  ArrowUp: (event) => moveOnMap(event, 0, -1),
  ArrowDown: (event) => moveOnMap(event, 0, 1),
};

const ON_SLIDER = { ArrowUp: () => step(1), ArrowDown: () => step(-1) };

// To the next cell in a direction as the panel shows it; with shift to the next pageblock in order.
function moveOnMap(event, right, down) {
  if (event.shiftKey) {
    moveCell((right + down) * data.block_cells);
    return;
  }
  const { places } = maps[state.panel];
  const [width, height] = places.size;
  const at = places.at[state.cell ?? 0];
  let x = at % width;
  let y = (at - x) / width;
  for (let steps = 0; steps < 64; steps++) {
    x += right;
    y += down;
    if (x < 0 || y < 0 || x >= width || y >= height) return;
    const cell = places.cellAt[y * width + x];
    if (cell >= 0) {
      set({ cell, hover: null });
      return;
    }
  }
}

// Native controls keep their own keys.
function hasOwnKeys(target, key) {
  if (target.closest("dialog")) return true;
  if (target.closest("select, input, textarea")) return key !== "Escape";
  return target.closest("button, summary, a") !== null && (key === " " || key === "Enter");
}

function switchTheme() {
  set({ theme: themeNow() === "dark" ? "light" : "dark" });
}

function startKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (hasOwnKeys(event.target, event.key)) return;
    const panel = Number(event.key) - 1;
    const onMap = event.target.closest(".map") && ON_MAP[event.key];
    const onSlider = event.target.id === "slider" && ON_SLIDER[event.key];
    if (onMap || onSlider) (onMap || onSlider)(event);
    else if (data.panels[panel]) set({ zoom: state.zoom === panel ? null : panel });
    else if (Object.hasOwn(KEYS, event.key)) KEYS[event.key](event);
    else return;
    event.preventDefault();
  });
  byId("help-open").addEventListener("click", () => byId("help").showModal());
  byId("help-close").addEventListener("click", () => byId("help").close());
  byId("theme").addEventListener("click", switchTheme);
  byId("layout").addEventListener("change", (event) => set({ layout: event.target.value }));
  listen(["layout"], () => {
    byId("layout").value = state.layout;
  });
}
