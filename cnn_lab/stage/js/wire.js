// The trace as it is sent, and as the stage uses it.

import LOOK from "../layout.json" with { type: "json" };

/**
 * One matrix of a trace. Cell (row, column) has the id firstId + row * columns + column.
 * @typedef {Object} Grid
 * @property {string} key
 * @property {string} title
 * @property {string} part
 * @property {string} note
 * @property {"input"|"kernel"|"bias"|"partial"|"output"|"activated"} role
 * @property {number} rows
 * @property {number} columns
 * @property {Float64Array} values
 * @property {Float64Array} [shown] the running totals of an output that steps add to
 * @property {Float64Array} [extent] all of its totals, so that numbers fit
 * @property {Uint8Array|null} mask bits: 1 padding, 2 never read, 4 largest of a window
 * @property {number} firstId
 * @property {number[]} rowLabels
 * @property {number[]} columnLabels
 * @property {{kind: "grey"|"signed", limit: number}} scale
 * @property {number} decimals
 * @property {boolean} exact
 * @property {string} family what the legend calls the grids that share its scale
 * @property {number} filter
 * @property {number} channel
 * @property {ArrayLike<number>|null} origins the index of the pixel that each cell copies
 * @property {Uint8Array|null} hidden cells whose values have not been sent
 */

/**
 * @typedef {Object} Trace
 * @property {string} name
 * @property {"product_sum"|"sum"|"maximum"|"mean"|"scatter_add"} term
 * @property {Grid[]} grids
 * @property {number} nSteps
 * @property {number} nCells
 * @property {Int32Array} starts step i reads cells starts[i] to starts[i + 1]
 * @property {Int32Array} reads
 * @property {Int32Array|null} weights paired with the reads
 * @property {ArrayLike<number>|null} writes
 * @property {ArrayLike<number>|null} sources the cell that a scatter step hands out
 * @property {ArrayLike<number>} leads the leading cell of each step: written or handed out
 * @property {Int32Array|null} targets paired with the reads: what each adds to
 * @property {Float64Array|null} totals what is in the target after that
 * @property {Float64Array|null} befores and before it
 * @property {ArrayLike<number>|null} biases
 * @property {ArrayLike<number>|null} partials channels per step
 * @property {ArrayLike<number>|null} activated the result of each step after the activation
 * @property {string} activation its name, "" without one
 * @property {ArrayLike<number>|null} winners -1 where it is hidden
 * @property {ArrayLike<number>|null} windows cells that explain a step, equally many for each
 * @property {number} channels
 * @property {number} windowColumns
 * @property {boolean} skipPadding
 * @property {string} paddingName
 * @property {boolean} excerpt whether the steps are only some of those of the operation
 * @property {"reads"|"targets"} span
 * @property {string} caption
 * @property {string} paddingCaption
 * @property {string[]} fewCaptions
 * @property {Int32Array} stepOfCell the step that is about a cell, -1 for other cells
 */

const ARRAYS = {
  u1: Uint8Array,
  i1: Int8Array,
  u2: Uint16Array,
  i2: Int16Array,
  u4: Uint32Array,
  i4: Int32Array,
  f4: Float32Array,
  f8: Float64Array,
};

export const PADDING = 1;
export const UNREAD = 2;
export const WINNER = 4;

/** @param {{type: keyof typeof ARRAYS, base64: string}} packed */
function unpack(packed) {
  const text = atob(packed.base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return new ARRAYS[packed.type](bytes.buffer);
}

function unpackValues(packed) {
  const numbers = unpack(packed);
  const unit = 10 ** (packed.decimals ?? 0);
  return Float64Array.from(numbers, (number) => number / unit);
}

/** The cells of all steps, one after the other, and where each step starts. */
function unpackTable(packed, nSteps) {
  const starts = new Int32Array(nSteps + 1);
  if (packed.cells) {
    const sizes = unpack(packed.sizes);
    for (let i = 0; i < nSteps; i++) starts[i + 1] = starts[i] + sizes[i];
    return { starts, cells: Int32Array.from(unpack(packed.cells)) };
  }
  const firsts = unpack(packed.firsts);
  const offsets = unpack(packed.offsets);
  const cells = new Int32Array(nSteps * offsets.length);
  for (let step = 0, at = 0; step < nSteps; step++) {
    for (const offset of offsets) cells[at++] = firsts[step] + offset;
    starts[step + 1] = at;
  }
  return { starts, cells };
}

/**
 * @param {Object} wire result of Trace.to_wire
 * @returns {Trace}
 */
export function decodeTrace(wire) {
  const grids = wire.grids.map((grid) => ({
    ...grid,
    values: unpackValues(grid.values),
    mask: grid.mask && unpack(grid.mask),
    origins: grid.origins && unpack(grid.origins),
    hidden: grid.hidden ? unpack(grid.hidden) : null,
  }));
  const { starts, cells } = unpackTable(wire.reads, wire.nSteps);
  const last = grids[grids.length - 1];
  const trace = {
    ...wire,
    grids,
    nCells: last.firstId + last.values.length,
    starts,
    reads: cells,
    weights: wire.weights && unpackTable(wire.weights, wire.nSteps).cells,
    writes: wire.writes && unpack(wire.writes),
    sources: wire.sources && unpack(wire.sources),
    targets: wire.targets && unpackTable(wire.targets, wire.nSteps).cells,
    totals: wire.totals && unpackValues(wire.totals),
    biases: wire.biases && unpack(wire.biases),
    partials: wire.partials && unpack(wire.partials),
    activated: wire.activated && unpack(wire.activated),
    winners: wire.winners && unpack(wire.winners),
    windows: wire.windows && unpack(wire.windows),
  };
  trace.leads = trace.sources ?? trace.writes;
  trace.befores = trace.targets && totalsBefore(trace);
  trace.stepOfCell = new Int32Array(trace.nCells).fill(-1);
  for (let step = 0; step < trace.nSteps; step++) {
    trace.stepOfCell[trace.leads[step]] = step;
    if (trace.activated) trace.stepOfCell[trace.activated[step]] = step;
    for (let c = 0; trace.partials && c < trace.channels; c++) {
      trace.stepOfCell[trace.partials[step * trace.channels + c]] = step;
    }
  }
  return trace;
}

/** The value of each target before a step adds to it, and space for what the stage shows. */
function totalsBefore({ grids, nCells, targets, totals }) {
  const now = new Float64Array(nCells);
  const befores = new Float64Array(targets.length);
  targets.forEach((target, i) => {
    befores[i] = now[target];
    now[target] = totals[i];
  });
  for (const grid of grids) {
    if (grid.role !== "output") continue;
    grid.shown = new Float64Array(grid.values.length);
    grid.extent = totals;
  }
  return befores;
}

/** Whether the steps fill a grid with results. */
export function isResult({ role }) {
  return role === "output" || role === "partial" || role === "activated";
}

/** The cells of one step in a table that is paired with its reads. */
export function ofStep(trace, table, step) {
  return table.subarray(trace.starts[step], trace.starts[step + 1]);
}

/** The cells that explain a step in addition to its arithmetic. */
export function windowOf(trace, step) {
  const size = trace.windows ? trace.windows.length / trace.nSteps : 0;
  return Array.from({ length: size }, (_, i) => trace.windows[step * size + i]);
}

/** Shares a scale between what is compared: the inputs, kernels and outputs of all traces. */
export function shareScales(traces) {
  const groups = new Map();
  for (const grid of traces.flatMap((trace) => trace.grids)) {
    const key = `${familyOf(grid)} ${grid.scale.kind}`;
    groups.set(key, [...(groups.get(key) ?? []), grid]);
  }
  for (const group of groups.values()) {
    const limit = Math.max(...group.map((grid) => grid.scale.limit));
    for (const grid of group) grid.scale = { ...grid.scale, limit };
  }
}

/** The legend name of the grids that share a scale. */
export function familyOf({ family, role }) {
  return family || LOOK.words.families[role];
}

/**
 * @param {Trace} trace
 * @param {number} cell
 * @returns {Grid}
 */
export function gridOf(trace, cell) {
  const { grids } = trace;
  let low = 0;
  for (let high = grids.length - 1; low < high; ) {
    const middle = (low + high + 1) >> 1;
    if (grids[middle].firstId <= cell) low = middle;
    else high = middle - 1;
  }
  return grids[low];
}

/** The position of a cell: its grid, row and column, with its value and mask bits. */
export function locate(trace, cell) {
  const grid = gridOf(trace, cell);
  const index = cell - grid.firstId;
  const row = Math.floor(index / grid.columns);
  return {
    grid,
    row,
    column: index - row * grid.columns,
    value: grid.values[index],
    mask: grid.mask ? grid.mask[index] : 0,
    hidden: isHidden(grid, index),
  };
}

/** Whether the value of a cell has not been sent: a question asks for it, or for others like it. */
export function isHidden({ hidden }, index) {
  return Boolean(hidden && hidden[index]);
}

/** The cell with the maximum of a step; null if there is none, or if it is not known yet. */
export function winnerOf({ winners }, step) {
  return winners && winners[step] >= 0 ? winners[step] : null;
}

const inverses = new WeakMap();

/**
 * The steps that read a cell, multiply by it or add to it, in order. The links are inverted once,
 * when the pointer is first over a cell.
 * @param {Trace} trace
 * @param {number} cell
 * @returns {Int32Array}
 */
export function stepsTouching(trace, cell) {
  let inverse = inverses.get(trace);
  if (!inverse) inverses.set(trace, (inverse = invertLinks(trace)));
  return inverse.steps.subarray(inverse.starts[cell], inverse.starts[cell + 1]);
}

function invertLinks(trace) {
  const starts = new Int32Array(trace.nCells + 1);
  forEachTouch(trace, (cell) => starts[cell + 1]++);
  for (let i = 0; i < trace.nCells; i++) starts[i + 1] += starts[i];
  const steps = new Int32Array(starts[trace.nCells]);
  const next = starts.slice();
  forEachTouch(trace, (cell, step) => {
    steps[next[cell]++] = step;
  });
  return { starts, steps };
}

/** Each step with each cell that it reads, multiplies by or adds to, once. */
function forEachTouch(trace, visit) {
  const lists = [trace.reads, trace.weights, trace.targets].filter(Boolean);
  const seen = new Int32Array(trace.nCells).fill(-1);
  const touch = (cell, step) => {
    if (seen[cell] === step) return;
    seen[cell] = step;
    visit(cell, step);
  };
  for (let step = 0; step < trace.nSteps; step++) {
    for (const list of lists) for (const cell of ofStep(trace, list, step)) touch(cell, step);
    if (trace.biases) touch(trace.biases[step], step);
  }
}
