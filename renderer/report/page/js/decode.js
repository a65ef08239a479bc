// The frames as they are embedded: text -> bytes -> runs -> planes -> classes and orders of cells.
// The coding is described in renderer/report/pack.py. In memory a plane has two cells in a byte,
// the first in the low half, where the classes allow it.

const SAME = 255; // in a class plane: the class is the same, the holder isn't
const CACHE_BYTES = 128 << 20; // of unpacked groups; the least recently used go first
const TOUCHED_BYTES = 32 << 20; // of what is remembered to find a page's last change quickly

const DIGITS =
  "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%.()*+-;,=/?@^_`{|}~";
const DIGIT_OF = new Uint8Array(128);
for (let digit = 0; digit < 85; digit++) DIGIT_OF[DIGITS.charCodeAt(digit)] = digit;

// Five characters are four bytes; the last ones are fewer by what a whole five would have more.
function bytesOf(text) {
  const whole = Math.ceil(text.length / 5);
  const missing = whole * 5 - text.length;
  const bytes = new Uint8Array(whole * 4);
  for (let part = 0; part < whole; part++) {
    let value = 0;
    for (let place = part * 5; place < part * 5 + 5; place++) {
      value = value * 85 + (place < text.length ? DIGIT_OF[text.charCodeAt(place)] : 84);
    }
    bytes[part * 4] = value >>> 24;
    bytes[part * 4 + 1] = value >>> 16;
    bytes[part * 4 + 2] = value >>> 8;
    bytes[part * 4 + 3] = value;
  }
  return bytes.subarray(0, whole * 4 - missing);
}

async function inflated(text) {
  const packed = new Blob([bytesOf(text)]).stream();
  const unpacked = packed.pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(unpacked).arrayBuffer());
}

function readVarints(bytes, from, count) {
  const numbers = new Uint32Array(count);
  let at = from;
  for (let number = 0; number < count; number++) {
    let value = bytes[at] & 127;
    for (let shift = 7; bytes[at++] & 128; shift += 7) value |= (bytes[at] & 127) << shift;
    numbers[number] = value;
  }
  return numbers;
}

// Unpacked groups of all panels by key, within CACHE_BYTES.
class GroupCache {
  constructor() {
    this.groups = new Map();
    this.bytes = 0;
  }

  get(key) {
    const group = this.groups.get(key);
    if (group) {
      this.groups.delete(key);
      this.groups.set(key, group);
    }
    return group;
  }

  put(key, group) {
    this.groups.set(key, group);
    this.bytes += group.length;
    for (const [oldest, old] of this.groups) {
      if (this.bytes <= CACHE_BYTES || oldest === key) break;
      this.groups.delete(oldest);
      this.bytes -= old.length;
    }
  }
}

const cache = new GroupCache();

// The frames of one panel. Cells hold class + 1, as in the planes.
class Frames {
  constructor(info, number, frames) {
    this.number = number;
    this.frames = frames;
    this.cells = info.cells;
    this.bits = info.classes.length <= 14 ? 4 : 8;
    this.groupFrames = info.group_frames;
    this.planeBytes = Math.ceil(Math.ceil((this.cells * this.bits) / 8) / 4) * 4;
    this.same = (1 << this.bits) - 1; // SAME in a plane
    this.lines = { classes: linesOf(`classes-${number}`), orders: linesOf(`orders-${number}`) };
    this.hasOrders = this.lines.orders.length > 0;
    this.pending = new Map();
    this.touched = [];
    this.now = new Uint8Array((this.planeBytes * 8) / this.bits);
    this.nowFrame = -1;
  }

  groupOf(frame) {
    return Math.floor(frame / this.groupFrames);
  }

  // The planes of a group: at hand, or undefined.
  planes(kind, group) {
    return cache.get(`${this.number} ${kind} ${group}`);
  }

  // The planes of a group, unpacked where they aren't at hand.
  async load(kind, group) {
    const key = `${this.number} ${kind} ${group}`;
    const found = cache.get(key);
    if (found) return found;
    if (!this.pending.has(key)) {
      const loading = inflated(this.lines[kind][group]).then((runs) => {
        const planes = this.unpacked(runs, group);
        cache.put(key, planes);
        this.pending.delete(key);
        return planes;
      });
      this.pending.set(key, loading);
    }
    return this.pending.get(key);
  }

  // The same for who looks through all groups: what is shown stays in the cache.
  async scan(kind, group) {
    const found = this.planes(kind, group);
    return found ?? this.unpacked(await inflated(this.lines[kind][group]), group);
  }

  // Planes out of their runs.
  unpacked(runs, group) {
    const first = group * this.groupFrames;
    const count = Math.min(this.groupFrames, this.frames - first) + 1;
    const planes = new Uint8Array(count * this.planeBytes);
    const counts = new Uint32Array(runs.buffer, 0, count);
    const all = counts.reduce((sum, runsOfPlane) => sum + runsOfPlane, 0);
    const places = readVarints(runs, count * 4, all * 2); // gaps, then lengths
    const values = runs.subarray(runs.length - all);
    for (let plane = 0, run = 0; plane < count; plane++) {
      const start = plane * this.planeBytes;
      let cell = 0;
      for (const end = run + counts[plane]; run < end; run++) {
        cell += places[run];
        const value = values[run] === SAME ? this.same : values[run];
        for (const next = cell + places[all + run] + 1; cell < next; cell++) {
          if (this.bits === 8) planes[start + cell] = value;
          else planes[start + (cell >> 1)] |= cell & 1 ? value << 4 : value;
        }
      }
    }
    return planes;
  }

  // The cells at a frame whose group is at hand; valid until the next call.
  at(frame) {
    const group = this.groupOf(frame);
    const planes = this.planes("classes", group);
    const first = group * this.groupFrames;
    let next = this.nowFrame + 1;
    if (this.nowFrame > frame || next <= first) {
      this.now.fill(0);
      this.apply(planes, 0);
      next = first;
    }
    for (; next <= frame; next++) this.apply(planes, next - first + 1);
    this.nowFrame = frame;
    return this.now;
  }

  apply(planes, number) {
    const { now } = this;
    this.changes(planes, number, (cell, value) => {
      now[cell] = value;
    });
  }

  // Calls `told(cell, class + 1)` for each cell whose class a plane changes.
  changes(planes, number, told) {
    const { bits, same } = this;
    const start = number * this.planeBytes;
    const words = new Uint32Array(planes.buffer, planes.byteOffset + start, this.planeBytes / 4);
    for (let word = 0; word < words.length; word++) {
      if (!words[word]) continue; // most of a plane
      for (let place = word * 4; place < word * 4 + 4; place++) {
        const value = planes[start + place];
        if (!value) continue;
        if (bits === 8) {
          if (value !== same) told(place, value);
          continue;
        }
        const low = value & 15;
        const high = value >> 4;
        if (low && low !== same) told(place * 2, low);
        if (high && high !== same) told(place * 2 + 1, high);
      }
    }
  }

  // What a plane says of a cell.
  value(planes, number, cell) {
    const start = number * this.planeBytes;
    if (this.bits === 8) return planes[start + cell];
    return (planes[start + (cell >> 1)] >> (cell & 1 ? 4 : 0)) & 15;
  }

  // The order of the allocation that holds a cell's page at a frame, or null.
  async order(cell, frame) {
    if (!this.hasOrders) return null;
    const group = this.groupOf(frame);
    const planes = await this.load("orders", group);
    for (let plane = (frame % this.groupFrames) + 1; plane >= 0; plane--) {
      const value = this.value(planes, plane, cell);
      if (value) return value - 1;
    }
    return null;
  }

  // The last frame up to `frame` at which a cell's class or holder changed.
  async lastChange(cell, frame) {
    for (let group = this.groupOf(frame); group >= 0; group--) {
      const touched = this.touched[group];
      if (touched && !this.value(touched, 0, cell)) continue;
      const planes = await this.load("classes", group);
      const first = group * this.groupFrames;
      for (let shown = Math.min(frame, first + this.groupFrames - 1); shown >= first; shown--) {
        if (this.value(planes, shown - first + 1, cell)) return shown;
      }
    }
    return 0;
  }

  // Remembers which cells change at all in a group, so that lastChange can pass over it.
  async touch(group) {
    const planes = await this.scan("classes", group);
    const touched = new Uint8Array(this.planeBytes);
    const into = new Uint32Array(touched.buffer);
    const words = new Uint32Array(planes.buffer, planes.byteOffset, planes.length / 4);
    for (let word = into.length; word < words.length; word++) {
      if (words[word]) into[word % into.length] |= words[word];
    }
    this.touched[group] = touched;
  }

  // How many cells of a range have which class at every frame: counts[frame][class].
  async counts(first, end, classes) {
    const counts = [];
    const cells = new Uint8Array(end - first);
    for (let group = 0; group < this.lines.classes.length; group++) {
      const planes = await this.scan("classes", group);
      for (let plane = 0; plane < planes.length / this.planeBytes; plane++) {
        for (let cell = first; cell < end; cell++) {
          const value = this.value(planes, plane, cell);
          if (value && value !== this.same) cells[cell - first] = value;
        }
        if (!plane) continue; // the state before the group
        const count = new Array(classes).fill(0);
        for (const value of cells) count[value - 1]++;
        counts.push(count);
      }
    }
    return counts;
  }
}

function linesOf(id) {
  const text = document.getElementById(id)?.textContent.trim();
  return text ? text.split("\n") : [];
}
