// Play, step and scrub; what the clock says.

const SPEEDS = [0.25, 0.5, 1, 2, 4, 8];
const paces = []; // times between frames that were played, ms; for measuring

function play() {
  if (state.frame === data.frames - 1) seek(0);
  set({ playing: true });
}

const toggle = () => (state.playing ? set({ playing: false }) : play());

function step(by) {
  set({ playing: false });
  seek(state.frame + by);
}

// To the start of the next phase, or of this one, or of the one before when it has just begun.
function stepPhase(by) {
  const starts = [...new Set(data.phases.map((phase) => phase.first_frame))].sort((a, b) => a - b);
  const others = starts.filter((start) => (by > 0 ? start > state.frame : start < state.frame));
  set({ playing: false });
  seek(by > 0 ? (others[0] ?? data.frames - 1) : (others.at(-1) ?? 0));
}

function faster(by) {
  const at = SPEEDS.indexOf(state.speed) + by;
  set({ speed: SPEEDS[clamped(at, 0, SPEEDS.length - 1)] });
}

// Frames follow the clock: where the machine is too slow for all of them, some are left out.
let due = null; // when the next frame is
let before = null; // when the last one was

function tick(now) {
  if (!state.playing) return;
  const next = Math.min(state.frame + 1, data.frames - 1);
  const wait = 1000 / (data.fps * state.speed);
  due ??= now + wait;
  if (now >= due - 1 && atHand(next)) {
    const late = Math.floor(Math.max(now - due, 0) / wait);
    due += wait * (late + 1);
    if (before !== null) paces.push(now - before);
    before = now;
    seek(late && atHand(Math.min(next + late, data.frames - 1)) ? next + late : next);
    if (state.frame === data.frames - 1) set({ playing: false });
  }
  requestAnimationFrame(tick);
}

function statusText() {
  const { frame } = state;
  const phase = phaseAt(frame);
  const at = clockText(data.clock.times_us[frame]);
  return `frame ${frame} of ${data.frames - 1}, ${at}, ${phase.title}`;
}

function showClock() {
  const { frame } = state;
  const phase = phaseAt(frame);
  const { ops, times_us: times } = data.clock;
  byId("phase-title").textContent = phase.title;
  byId("phase-place").textContent =
    `${phase.name}: phase ${data.clock.phases[frame] + 1} of ${data.phases.length}`;
  byId("clock-frame").textContent = `frame ${frame} of ${data.frames - 1}`;
  byId("clock-time").textContent = `${clockText(times[frame])} of ${clockText(times.at(-1))}`;
  byId("clock-ops").textContent = `${plural(ops[frame], "request or free", "requests and frees")}`;
  const slider = byId("slider");
  slider.setAttribute("aria-valuenow", frame);
  slider.setAttribute("aria-valuetext", statusText());
}

// Told to screen readers: not each frame of a film, but where it stands every few seconds.
const tell = throttled(() => {
  byId("status").textContent =
    `${statusText()}. ${maps.map(({ number }) => figureLine(number)).join(". ")}`;
}, 2500);

const figureLine = (panel) => `${letterOf(panel)}: ${figureText(panel, state.frame)}`;

function startClock() {
  byId("play").addEventListener("click", toggle);
  byId("step-back").addEventListener("click", () => step(-1));
  byId("step-on").addEventListener("click", () => step(1));
  byId("phase-back").addEventListener("click", () => stepPhase(-1));
  byId("phase-on").addEventListener("click", () => stepPhase(1));
  byId("speed").addEventListener("change", (event) => set({ speed: Number(event.target.value) }));
  listen(["speed"], () => {
    byId("speed").value = String(state.speed);
  });
  listen(["playing"], () => {
    const button = byId("play");
    button.setAttribute("aria-label", state.playing ? "pause" : "play");
    button.dataset.playing = state.playing;
    due = before = null;
    if (state.playing) requestAnimationFrame(tick);
  });
  listen(["frame"], () => {
    showClock();
    tell();
  });
  showClock();
}
