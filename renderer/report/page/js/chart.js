// The chart of a metric over the frames, the strip of phases, and the slider that both belong to.

const CHIP = 18; // height of a panel's letter at the end of its curve, and the least distance
const [LEFT, TOP, BOTTOM] = [46, 8, 4];

const chart = { width: 0, height: 0, right: 26 };
const frameX = (frame) =>
  LEFT + (frame / Math.max(data.frames - 1, 1)) * (chart.width - LEFT - chart.right);

function frameAt(clientX) {
  const box = byId("chart").getBoundingClientRect();
  const share = (clientX - box.left - LEFT) / (chart.width - LEFT - chart.right);
  return Math.round(clamped(share, 0, 1) * (data.frames - 1));
}

// Round numbers around `least` to `most`, about `count` steps.
function ticksOf(least, most, count) {
  const rough = (most - least) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const size = [1, 2, 5, 10].map((part) => part * power).find((part) => part >= rough);
  const ticks = [];
  for (let n = Math.floor(least / size); (n - 1) * size < most - size * 1e-9; n++)
    ticks.push(n * size);
  return ticks;
}

function drawChart() {
  const box = byId("chart");
  if (box.clientWidth < 2 * (LEFT + chart.right)) return; // it is being printed, or isn't shown
  chart.width = box.clientWidth;
  chart.height = box.clientHeight;
  chart.right = twoColumns() ? 46 : 26;
  const metric = data.metrics[state.metric];
  const known = metric.values.flat().filter((value) => value !== null);
  const lowest = Math.min(0, ...minMax(known));
  const highest = Math.max(lowest + (known.length ? 1e-9 : 1), ...minMax(known));
  const ticks = ticksOf(lowest, highest, chart.height > 80 ? 4 : 2);
  const [least, most] = [ticks[0], ticks.at(-1)];
  const y = (value) =>
    chart.height - BOTTOM - ((value - least) / (most - least)) * (chart.height - TOP - BOTTOM);
  const lines = metric.values.map((values) => pathOf(values, y));
  box.setAttribute("viewBox", `0 0 ${chart.width} ${chart.height}`);
  box.replaceChildren(
    drawn(
      "clipPath",
      { id: "past" },
      drawn("rect", { x: 0, y: 0, height: chart.height, width: 0 }),
    ),
    ...bands(),
    ...ticks.flatMap((tick) => tickMarks(tick, y(tick))),
    ...curves(lines, "curve to-come", {}),
    ...curves(lines, "curve", { "clip-path": "url(#past)" }),
    ...endChips(metric.values, y),
    drawn("line", { class: "cursor", y1: 0, y2: chart.height }),
    ...metric.values.map((_, panel) => drawn("circle", { class: `dot line-${panel}`, r: 4 })),
  );
  chart.y = y;
  byId("metric-title").textContent = metric.title;
  byId("metric-better").textContent = betterText(metric);
  byId("about").title = byId("about").textContent; // it may be cut
  drawPhases();
  drawTimes();
  moveCursor();
}

const betterText = ({ better, unit }) =>
  `· ${unit === "1" ? "share" : unit}${better === "-" ? "" : `, ${better} is better`}`;

function minMax(values) {
  let [least, most] = [Infinity, -Infinity];
  for (const value of values) [least, most] = [Math.min(least, value), Math.max(most, value)];
  return values.length ? [least, most] : [];
}

// A line through the values; where there is none it breaks.
function pathOf(values, y) {
  let path = "";
  let pen = "M";
  values.forEach((value, frame) => {
    if (value === null) pen = "M";
    else {
      path += `${pen}${frameX(frame).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = "L";
    }
  });
  return path;
}

const curves = (lines, kind, more) =>
  lines.map((d, panel) => drawn("path", { class: `${kind} line-${panel}`, d, ...more }));

function bands() {
  return data.phases.flatMap((phase, number) => {
    if (number % 2 === 0) return [];
    const x = frameX(phase.first_frame);
    return drawn("rect", {
      class: "band",
      x,
      y: 0,
      width: phaseEndX(number) - x,
      height: chart.height,
    });
  });
}

const phaseEndX = (number) =>
  number + 1 < data.phases.length
    ? frameX(data.phases[number + 1].first_frame)
    : frameX(data.frames - 1);

function tickMarks(tick, y) {
  return [
    drawn("line", { class: "rule", x1: LEFT, x2: chart.width - chart.right, y1: y, y2: y }),
    drawn(
      "text",
      { class: "tick", x: LEFT - 6, y: clamped(y + 4, 11, chart.height) },
      numberText(tick),
    ),
  ];
}

// Letters at the curves' ends; those that would touch are moved apart, many into two columns.
function endChips(series, y) {
  const ends = series.flatMap((values, panel) => {
    const last = values.findLast((value) => value !== null);
    return last === undefined ? [] : [{ panel, wanted: y(last) }];
  });
  ends.sort((a, b) => a.wanted - b.wanted || a.panel - b.panel);
  const pitch = Math.min(CHIP, (chart.height - CHIP) / Math.max(ends.length - 1, 1));
  let least = CHIP / 2;
  ends.forEach((end, number) => {
    const most = chart.height - CHIP / 2 - (ends.length - 1 - number) * pitch;
    end.at = clamped(Math.max(end.wanted, least), 0, most);
    least = end.at + pitch;
  });
  return ends.map(({ panel, at }, number) => {
    const x = chart.width - chart.right + 6 + (twoColumns() && number % 2 ? 20 : 0);
    return drawn(
      "g",
      { class: `end line-${panel}` },
      drawn("rect", { x, y: at - 8, width: 16, height: 16, rx: 2 }),
      drawn("text", { x: x + 8, y: at + 4.5 }, letterOf(panel)),
    );
  });
}

const twoColumns = () => data.panels.length * CHIP > chart.height + 2;

function drawPhases() {
  const strip = byId("phases");
  const parts = data.phases.map((phase, number) => {
    const x = frameX(phase.first_frame);
    const width = Math.max(phaseEndX(number) - x, 0);
    const letters = Math.floor((width - 8) / 6.6);
    const fits = phase.name.length <= letters ? phase.name : "";
    return drawn(
      "g",
      { class: "phase", "data-phase": number },
      drawn("title", {}, `${phase.name}: ${phase.title}`),
      drawn("rect", { x, y: 0, width, height: 20 }),
      drawn("text", { x: x + 4, y: 14 }, fits),
    );
  });
  strip.setAttribute("viewBox", `0 0 ${chart.width} 20`);
  strip.replaceChildren(...parts, drawn("path", { class: "thumb", d: "M-7 -5H7V-1L0 6L-7 -1Z" }));
}

function moveCursor() {
  const x = frameX(state.frame);
  const box = byId("chart");
  const cursor = box.querySelector(".cursor");
  cursor.setAttribute("x1", x);
  cursor.setAttribute("x2", x);
  box.querySelector("#past rect").setAttribute("width", x);
  byId("phases").querySelector(".thumb").setAttribute("transform", `translate(${x} 0)`);
  const metric = data.metrics[state.metric];
  metric.values.forEach((values, panel) => {
    const value = values[state.frame];
    const dot = box.querySelector(`.dot.line-${panel}`);
    dot.setAttribute("visibility", value === null ? "hidden" : "visible");
    if (value !== null) {
      dot.setAttribute("cx", x);
      dot.setAttribute("cy", chart.y(value));
    }
    byId(`value-${panel}`).textContent = withUnit(value, metric.unit === "%" ? "%" : "1");
  });
  for (const phase of byId("phases").querySelectorAll(".phase")) {
    const now = Number(phase.dataset.phase) === data.clock.phases[state.frame];
    phase.classList.toggle("now", now);
  }
}

// Dragging on the chart or on the strip moves the panels.
function scrubbing(target) {
  const move = (event) => {
    set({ playing: false });
    seek(frameAt(event.clientX));
  };
  target.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    target.setPointerCapture(event.pointerId);
    move(event);
  });
  target.addEventListener("pointermove", (event) => {
    if (target.hasPointerCapture(event.pointerId)) move(event);
  });
}

function startChart() {
  const choice = byId("metric");
  choice.addEventListener("change", () => set({ metric: choice.value }));
  scrubbing(byId("chart-box"));
  scrubbing(byId("slider"));
  listen(["metric"], () => {
    choice.value = state.metric;
    drawChart();
  });
  listen(["frame"], moveCursor);
  byId("chart-tall").addEventListener("click", () => {
    const tall = byId("dock").classList.toggle("tall");
    byId("chart-tall").setAttribute("aria-pressed", String(tall));
  });
  new ResizeObserver(drawChart).observe(byId("chart-box"));
  // The dock lies over the end of the page, which makes room for it.
  new ResizeObserver(() => {
    const height = `${byId("dock").offsetHeight}px`;
    document.documentElement.style.setProperty("--dock", height);
  }).observe(byId("dock"));
}
