// Numbers and facts in words, and elements that hold them. Names come from files: text only.

const plain = new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 });
const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 3 });

function numberText(value) {
  if (value === null || !Number.isFinite(value)) return "none";
  if (Number.isInteger(value)) return whole.format(value);
  return Math.abs(value) < 1 ? fine.format(value) : plain.format(value);
}

function withUnit(value, unit) {
  const text = numberText(value);
  if (text === "none" || unit === "1") return text;
  return unit === "%" ? `${text} %` : `${text} ${unit}`;
}

const plural = (count, one, many = `${one}s`) =>
  `${whole.format(count)} ${count === 1 ? one : many}`;

function clockText(timeUs) {
  const seconds = Math.floor(timeUs / 1e6);
  const two = (value) => String(value).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const rest = two(seconds % 60);
  return hours ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}

function durationText(timeUs) {
  const seconds = timeUs / 1e6;
  if (seconds < 1) return "less than a second";
  if (seconds < 120) return `${Math.floor(seconds)} s`;
  return `${clockText(timeUs)} ${seconds < 3600 ? "min" : "h"}`;
}

const hex = (number) => `0x${number.toString(16)}`;
const letterOf = (panel) => "ABCDEFGH"[panel];
const phaseAt = (frame) => data.phases[data.clock.phases[frame]];
const labelOf = (panel, code) => data.classes[data.panels[panel].classes[code]].label;
const typeText = (code) => data.migratetypes[code] ?? `type ${code}`;

// The first frame that shows what a request did; the last one for a request after it.
function frameOfOp(op) {
  let low = 0;
  let high = data.frames - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (data.clock.ops[middle] > op) high = middle;
    else low = middle + 1;
  }
  return low;
}

const byId = (id) => document.getElementById(id);

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== false && value !== null) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

function drawn(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const chip = (panel) =>
  element("span", { class: `chip line-${panel}`, "aria-hidden": "true" }, letterOf(panel));

// A button that leads to a frame, and may select a cell there.
function jump(text, frame, more = {}) {
  const go = () => {
    set({ playing: false, ...more });
    seek(frame);
  };
  return element("button", { type: "button", class: "jump", onclick: go }, text);
}

// Calls `work` at most once in `wait` ms, the last time with what holds then.
function throttled(work, wait) {
  let timer = null;
  let last = -Infinity;
  return () => {
    if (timer !== null) return;
    const due = Math.max(0, last + wait - performance.now());
    timer = setTimeout(() => {
      timer = null;
      last = performance.now();
      work();
    }, due);
  };
}

function notice(text) {
  byId("notice-text").textContent = text;
  byId("notice").hidden = !text;
}
