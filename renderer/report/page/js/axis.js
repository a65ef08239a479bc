// The time axis below the chart: round times where the frames stand that show them.

const TIME_PX = 70; // between two times at least
const TIMES_S = [3600, 1800, 600, 300, 60, 30, 10, 5, 1, 0.5, 0.1, 0.05, 0.01]; // roundest first
const TIMES_TRIED = 200; // of a step; finer ones are for shorter recordings

// Where a time stands among the frames: between two of them it is a fraction.
function frameOfTime(timeUs) {
  const times = data.clock.times_us;
  let [low, high] = [0, times.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (times[middle] <= timeUs) low = middle;
    else high = middle;
  }
  const step = times[high] - times[low];
  return step > 0 ? low + (timeUs - times[low]) / step : low;
}

// Times in seconds with their places: the roundest first, then others where there is room. Frames
// aren't evenly spaced in time, so neither are these.
function timeMarks() {
  const [first, last] = [data.clock.times_us[0] / 1e6, data.clock.times_us.at(-1) / 1e6];
  const marks = [];
  for (const step of TIMES_S) {
    if ((last - first) / step > TIMES_TRIED) break;
    for (let n = Math.ceil(first / step); n * step <= last; n++) {
      const x = frameX(frameOfTime(n * step * 1e6));
      if (marks.every((mark) => Math.abs(mark.x - x) >= TIME_PX)) marks.push({ x, at: n * step });
    }
  }
  return marks.sort((a, b) => a.x - b.x);
}

const timeText = (seconds) =>
  Number.isInteger(seconds) ? clockText(seconds * 1e6) : `${fine.format(seconds)} s`;

function drawTimes() {
  const marks = timeMarks().map(({ x, at }) =>
    drawn(
      "g",
      { class: "time", "data-time": at },
      drawn("path", { class: "rule", d: `M${x} 0V4` }),
      drawn("text", { x, y: 14 }, timeText(at)),
    ),
  );
  byId("times").setAttribute("viewBox", `0 0 ${chart.width} 16`);
  byId("times").replaceChildren(
    drawn("text", { x: 0, y: 14 }, "time"),
    ...marks,
  );
}
