// The same numbers as HTML tables, for screen readers and for copying.

import LOOK from "../layout.json" with { type: "json" };
import { element } from "./kit.js";
import { resultCells } from "./overlay.js";
import { PADDING, UNREAD, isHidden, isResult, ofStep, windowOf } from "./wire.js";
import { HIDDEN, formatNumber, signed } from "./words.js";

function tag(name, text, attributes) {
  return element(name, attributes, [text]);
}

/**
 * Fills a box with one table per grid, up to the current steps.
 * @param {HTMLElement} box
 * @param {import("./wire.js").Trace[]} traces
 * @param {number[]} steps the current step of each trace
 */
export function writeTables(box, traces, steps) {
  box.replaceChildren(
    ...traces.flatMap((trace, index) => {
      const step = steps[index];
      const now = new Set([
        ...ofStep(trace, trace.reads, step),
        ...(trace.weights ? ofStep(trace, trace.weights, step) : []),
        ...windowOf(trace, step),
        ...resultCells(trace, step),
        trace.leads[step],
      ]);
      const known = totalsSoFar(trace, step);
      const lead = traces.length > 1 ? `${trace.name}: ` : "";
      return trace.grids.map((grid) => table(trace, grid, step, { now, known, lead }));
    }),
  );
}

/** The totals of the cells that steps have added to so far. */
export function totalsSoFar(trace, step) {
  const totals = new Map();
  if (!trace.targets) return totals;
  for (let i = 0; i < trace.starts[step + 1]; i++) totals.set(trace.targets[i], trace.totals[i]);
  return totals;
}

function table(trace, grid, step, { now, known, lead }) {
  const node = element("table");
  const title = [grid.title, grid.part, grid.note].filter(Boolean).join(", ");
  node.append(tag("caption", lead + title));
  const head = node.createTHead().insertRow();
  head.append(tag("td", ""));
  for (const label of grid.columnLabels) head.append(tag("th", signed(label), { scope: "col" }));
  const body = node.createTBody();
  for (let row = 0; row < grid.rows; row++) {
    const line = body.insertRow();
    line.append(tag("th", signed(grid.rowLabels[row]), { scope: "row" }));
    for (let column = 0; column < grid.columns; column++) {
      const index = row * grid.columns + column;
      const cell = grid.firstId + index;
      const mask = grid.mask ? grid.mask[index] : 0;
      const data = tag("td", textOf(trace, grid, index, step, known));
      if (now.has(cell)) data.className = "now";
      if (mask & PADDING) data.title = trace.paddingName;
      else if (mask & UNREAD) data.title = LOOK.words.unread;
      line.append(data);
    }
  }
  return node;
}

function textOf(trace, grid, index, step, known) {
  const cell = grid.firstId + index;
  if (isHidden(grid, index)) return HIDDEN;
  if (grid.role === "output" && trace.targets) {
    return known.has(cell) ? formatNumber(known.get(cell), grid) : "";
  }
  if (isResult(grid) && trace.stepOfCell[cell] > step) return "";
  const mask = grid.mask ? grid.mask[index] : 0;
  return mask & PADDING && trace.skipPadding ? "" : formatNumber(grid.values[index], grid);
}
