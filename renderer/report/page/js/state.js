// What is shown, in one place. A part of the page asks to be told of what it depends on.

const state = {
  frame: 0,
  panel: 0, // the one that the selection was made in
  cell: null, // selected: a page, or what a cell stands for
  hover: null, // {panel, cell} under the pointer
  marked: null, // {panel, ranges: [[first cell, last cell]]} that a finding or a failure tells of
  metric: "",
  layout: "",
  theme: "", // light, dark, or "" for what the system wants
  zoom: null, // the panel that has the whole width
  playing: false,
  speed: 1,
};
const listeners = [];

function listen(keys, told) {
  listeners.push({ keys, told });
}

// Set some of the state and tell those whom it concerns.
function set(changes) {
  const changed = Object.keys(changes).filter((key) => state[key] !== changes[key]);
  if (!changed.length) return;
  Object.assign(state, changes);
  for (const { keys, told } of listeners) {
    if (keys.some((key) => changed.includes(key))) told(changed);
  }
}

const clamped = (value, low, high) => Math.min(Math.max(value, low), high);

// Moves to a frame, from wherever it was asked for.
function seek(frame) {
  set({ frame: clamped(Math.round(frame), 0, data.frames - 1) });
}
