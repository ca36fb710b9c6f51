// The target under the pointer, and all cells linked to it.

import { shownMember } from "./ground.js";
import { filterOf, resultCells } from "./overlay.js";
import { gridOf, ofStep, stepsTouching, windowOf } from "./wire.js";

/**
 * @typedef {Object} Target the target of the pointer
 * @property {number|null} step the step of an output cell; null for any other cell
 * @property {{trace: number, cell: number}[]} cells
 * @property {boolean} [term] only these cells, without linked ones: a product of the arithmetic
 * @property {boolean} [lit] whether the text lights it, so that all else is dimmed
 * @property {boolean} [window] whether it is what the current step reads
 */

/** @returns {Target} one product of the arithmetic line */
export function termTarget(trace, cell, weight, target = -1) {
  const cells = [cell, weight, target].filter((id) => id >= 0).map((id) => ({ trace, cell: id }));
  return { step: null, cells, term: true };
}

/** Whether two targets are the same. */
export function sameTarget(a, b) {
  if (!a || !b) return a === b;
  return (
    a.term === b.term &&
    a.cells.length === b.cells.length &&
    a.cells.every(({ trace, cell }, i) => b.cells[i].trace === trace && b.cells[i].cell === cell)
  );
}

/**
 * The target under a point of the picture.
 * @param {import("./overlay.js").Places} places
 * @param {import("./wire.js").Trace[]} traces
 * @param {number[]} steps the current step of each trace
 * @returns {Target|null}
 */
export function targetAt(places, traces, steps, x, y) {
  const hit = places.at(x, y);
  if (!hit) return null;
  const { panel, index } = hit;
  if (panel.kind === "lens") {
    const trace = traces[panel.trace];
    const start = trace.starts[steps[panel.trace]];
    const size = (trace.starts[steps[panel.trace] + 1] - start) / trace.channels;
    const i = start + panel.channel * size + index;
    return termTarget(panel.trace, trace.reads[i], trace.weights ? trace.weights[i] : -1);
  }
  if (isShared(panel) && !panel.members.some(({ trace }) => isSource(traces[trace], panel))) {
    return {
      step: null,
      cells: panel.members.map(({ trace, grid }) => ({ trace, cell: grid.firstId + index })),
    };
  }
  const filters = traces.map((trace, i) => filterOf(trace, steps[i]));
  const { trace, grid } = shownMember(panel, filters);
  const cell = grid.firstId + index;
  const step = traces[trace].stepOfCell[cell];
  return { step: step < 0 ? null : step, cells: [{ trace, cell }] };
}

/** Whether all members of a panel are shown at once, not one at a time. */
function isShared({ role, members }) {
  return role === "input" || members.some(({ trace }) => trace !== members[0].trace);
}

/** Whether the steps scatter the cells of a panel. */
function isSource({ sources }, { members }) {
  return Boolean(sources) && members.some(({ grid }) => sources[0] === grid.firstId);
}

/**
 * Outlines of a target and of all linked cells, outputs to show ahead of time, and what to dim.
 * @param {import("./overlay.js").Places} places
 * @param {import("./wire.js").Trace[]} traces
 * @param {number[]} steps the current step of each trace
 * @param {Target|null} target
 */
export function findOutlines(places, traces, steps, target) {
  const pointing = [];
  const preview = [];
  const bright = [];
  const spare = (index, cells) => bright.push({ index, trace: traces[index], cells });
  const outline = (index, cells) => {
    pointing.push(...places.outline(index, traces[index], cells));
    spare(index, cells);
  };
  const found = () => ({ pointing, preview, veil: target?.lit && places.veil(bright, target) });
  if (!target) return found();
  if (target.step !== null) {
    traces.forEach((trace, index) => {
      const step = Math.min(target.step, trace.nSteps - 1);
      const results = resultCells(trace, step);
      const reads = [ofStep(trace, trace.reads, step), windowOf(trace, step), results];
      if (trace.weights) spare(index, ofStep(trace, trace.weights, step));
      if (trace.biases) spare(index, [trace.biases[step]]);
      if (step === steps[index]) {
        for (const cells of reads) spare(index, cells);
        return;
      }
      for (const cells of reads) outline(index, cells);
      if (trace.sources) outline(index, [trace.sources[step]]);
      else if (step > steps[index]) preview.push(...results.map((cell) => ({ trace: index, cell })));
    });
    return found();
  }
  if (target.term) {
    traces.forEach((_, index) => {
      const own = target.cells.filter(({ trace }) => trace === index).map(({ cell }) => cell);
      (target.window ? spare : outline)(index, own); // the window has its outline already
    });
    return found();
  }
  for (const { trace: index, cell } of target.cells) {
    const trace = traces[index];
    outline(index, [cell]);
    const touched = stepsTouching(trace, cell);
    outline(
      index,
      Array.from(touched, (step) => trace.leads[step]),
    );
    const { role } = gridOf(trace, cell);
    if (trace.targets) outline(index, handedOn(trace, cell, touched));
    else if (role === "kernel" && trace.weights) outline(index, readsWith(trace, cell, touched));
    else if (role === "input") outline(index, partners(trace, steps[index], cell));
  }
  return found();
}

/** The cells that a cell of a scatter step adds to, or that are added to it. */
function handedOn(trace, cell, steps) {
  const cells = [];
  for (const step of steps) {
    for (let i = trace.starts[step]; i < trace.starts[step + 1]; i++) {
      if (trace.reads[i] === cell) cells.push(trace.targets[i]);
      if (trace.targets[i] === cell) cells.push(trace.reads[i]);
    }
  }
  return cells;
}

/** Every input cell that a weight is multiplied with. */
function readsWith(trace, weight, steps) {
  const cells = [];
  for (const step of steps) {
    for (let i = trace.starts[step]; i < trace.starts[step + 1]; i++) {
      if (trace.weights[i] === weight) cells.push(trace.reads[i]);
    }
  }
  return cells;
}

/** The weight that an input cell is multiplied with in a step. */
function partners(trace, step, cell) {
  if (!trace.weights) return [];
  const links = trace.reads.subarray(trace.starts[step], trace.starts[step + 1]);
  const i = links.indexOf(cell);
  return i < 0 ? [] : [trace.weights[trace.starts[step] + i]];
}
