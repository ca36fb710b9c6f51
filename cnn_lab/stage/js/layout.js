// Where everything goes: boxes in rows and columns, and the largest cells that fit.

import LOOK from "../layout.json" with { type: "json" };
import { box, place, sizeOf } from "./boxes.js";
import { fill } from "./words.js";

const { wide: WIDE, cells: CELLS, worth: WORTH, height: HEIGHT } = LOOK;
const TIGHT_GAP = LOOK.box.tight;

/**
 * @param {import("./wire.js").Trace[]} traces
 * @param {number} width
 * @param {number|null} height wanted at most; narrow stages may be taller
 * @param {(text: string, role: "title"|"subtitle"|"join") => number} measure
 */
export function layOut(traces, width, height, measure) {
  const limit = height ?? usualHeight(traces, width);
  const plain = best(arrangements(traces, false, width), width, limit, measure);
  const lensed =
    plain && plain.cell >= CELLS.readable
      ? null
      : best(arrangements(traces, true, width), width, limit, measure, CELLS.lens);
  const solution = lensed && lensed.cell > WORTH.lens * (plain?.cell ?? 0) ? lensed : plain;
  const { tree, cell, small } = solution ?? smallest(traces, width, measure);
  const context = { cell, small, measure };
  const size = sizeOf(tree, context);
  const panels = [];
  const texts = [];
  place(tree, Math.max(0, Math.floor((width - size.width) / 2)), 0, context, panels, texts);
  return { panels, texts, height: Math.ceil(size.height), width };
}

/** Pixels that suit a screen: figures above each other need more, and phones scroll anyway. */
function usualHeight(traces, width) {
  const apart = traces.length > 1 && !traces.every((trace) => sharesInput(traces[0], trace));
  const { phone, figures } = HEIGHT;
  if (width < WIDE) return apart ? phone.each * traces.length : phone.figure;
  if (stand(traces)) return HEIGHT.towers;
  if (apart) return Math.max(figures.least, figures.each * traces.length);
  const deep = traces.some((trace) => inputsOf(trace).length > 1);
  return deep ? HEIGHT.channels : HEIGHT.figure;
}

/** The best arrangement; a later one must have clearly larger cells to be preferred. */
function best(trees, width, height, measure, smallCells = null) {
  let found = null;
  for (const tree of trees) {
    for (let cell = CELLS.largest; cell >= CELLS.smallest; cell--) {
      const better = found?.tree.style === tree.style ? 1 : WORTH.style;
      if (found && cell <= found.cell * better) break;
      const small = (smallCells ?? kernelCells(cell)).find((candidate) => {
        if (candidate < cell) return false;
        const size = sizeOf(tree, { cell, small: candidate, measure });
        return size.width <= width && size.height <= height;
      });
      if (small) {
        found = { tree, cell, small };
        break;
      }
    }
  }
  return found;
}

function smallest(traces, width, measure) {
  const trees = arrangements(traces, false, width);
  const tree = trees[trees.length - 1];
  for (let cell = CELLS.readable; ; cell--) {
    const fits = sizeOf(tree, { cell, small: cell, measure }).width <= width;
    if (fits || cell <= CELLS.least) return { tree, cell, small: cell };
  }
}

/** Kernels may have somewhat larger cells than small images: there are few of them. */
function kernelCells(cell) {
  return cell < CELLS.kernel ? [CELLS.kernel, cell] : [cell];
}

function arrangements(traces, withLens, width) {
  const shared = traces.length > 1 && traces.every((trace) => sharesInput(traces[0], trace));
  const parts = traces.map((trace, index) => partsOf(trace, index, traces, shared, withLens));
  const wide = [1, 2, 4].map((across) => ({
    one: (part) => wideTree(part, across),
    all: shared ? [box.column, box.figures] : [box.figures, box.column],
  }));
  const narrow = { one: (part) => narrowTree(part, 2), all: [box.figures, box.column] };
  const thin = { one: (part) => thinTree(part, 2), all: [box.figures, box.column] };
  const side = { one: (part) => sideTree(part), all: [box.figures, box.column] };
  if (withLens) wide.push({ ...wide[1], one: (part) => stackedTree(part, 2) });
  const styles = width < WIDE ? [...wide, ...(withLens ? [side] : []), narrow, thin] : wide;
  const trees = width >= WIDE && !withLens && stand(traces) ? [towers(traces, parts)] : [];
  for (const style of styles) {
    if (traces.length === 1) {
      trees.push({ ...style.one(parts[0]), style: wide.includes(style) ? wide : style });
      continue;
    }
    for (const together of style.all) {
      const each = parts.map((part) => labelled(part, style.one(part)));
      if (!shared) {
        trees.push(together(each));
        continue;
      }
      const [input, lens] = [parts[0].inputs[0], parts[0].sharedLens];
      trees.push(box.row([input, lens, together(each)].filter(Boolean), ["→", "→"]));
      if (width < WIDE) trees.push(box.column([box.row([input, lens]), together(each)]));
    }
  }
  return trees;
}

/** Three figures or more with one kernel among them are too many to lie above each other. */
function stand(traces) {
  const kernels = traces.map(({ grids }) => grids.filter(({ role }) => role === "kernel"));
  const alike = kernels.every(
    (own) =>
      own.length === 1 &&
      own[0].columns === kernels[0][0].columns &&
      equal(own[0].values, kernels[0][0].values),
  );
  return traces.length > 2 && alike && traces.every((trace) => inputsOf(trace).length === 1);
}

/** Figures side by side, each output below its input, and the kernel drawn once. */
function towers(traces, parts) {
  const kernel = {
    ...parts[0].kernels[0],
    members: parts.flatMap((part) => part.kernels[0].members),
    subtitle: fill(LOOK.words.shared, { note: parts[0].kernels[0].subtitle }),
  };
  const each = parts.map((part, index) => {
    const grids = [part.inputs[0], index ? null : kernel, part.bias, ...part.outputs];
    return box.column([{ kind: "label", text: part.name }, box.column(grids)], 0);
  });
  return { ...box.figures(each), style: "towers" };
}

/** Whether what a step reads is one window of each input, which may be shown enlarged. */
function hasWindow(trace) {
  return !trace.targets && trace.term !== "sum" && inputsOf(trace).length === trace.channels;
}

function inputsOf({ grids }) {
  return grids.filter(({ role }) => role === "input");
}

/** Two traces read the very same picture, so it is drawn once. */
function sharesInput(a, b) {
  if (a.channels > 1 || b.channels > 1 || a.weights || b.weights) return false;
  const [left, right] = [a.grids[0], b.grids[0]];
  return (
    left.rows === right.rows &&
    left.columns === right.columns &&
    equal(left.values, right.values) &&
    equal(left.mask ?? [], right.mask ?? [])
  );
}

function equal(a, b) {
  return a.length === b.length && a.every((item, i) => item === b[i]);
}

/** The panels of one trace by role. */
function partsOf(trace, index, traces, shared, withLens) {
  const of = (role) => trace.grids.filter((grid) => grid.role === role);
  const byChannel = (role) =>
    Array.from({ length: of("input").length }, (_, channel) => {
      const grids = of(role).filter((grid) => grid.channel === channel);
      return grids.length ? leaf(index, grids, channel === 0) : null;
    });
  const lens = (channel) => {
    const reads = trace.starts[1] / trace.channels;
    if (!hasWindow(trace)) return null;
    return {
      kind: "lens",
      trace: index,
      winners: shared ? traces.map((_, i) => i) : [index],
      channel,
      title: channel === 0 ? LOOK.words.window : "",
      subtitle: trace.channels > 1 ? of("input")[channel].part : "",
      rows: Math.ceil(reads / trace.windowColumns),
      columns: trace.windowColumns,
    };
  };
  const inputs = byChannel("input");
  const sameReads = traces.every(({ reads }) => equal(reads, trace.reads));
  if (shared && index === 0) {
    inputs[0].members = traces.map((other, i) => ({ trace: i, grid: other.grids[0] }));
  }
  return {
    name: traces.length > 1 && of("output")[0].title !== trace.name ? trace.name : "",
    weighs: Boolean(trace.weights),
    inputs,
    ownInputs: shared ? [null] : inputs,
    sharedLens: withLens && shared && sameReads ? lens(0) : null,
    lenses: inputs.map((_, c) => (withLens && !(shared && sameReads) ? lens(c) : null)),
    kernels: byChannel("kernel"),
    partials: byChannel("partial"),
    bias: of("bias").length ? leaf(index, of("bias"), true) : null,
    outputs: of("output").map((grid, i) => leaf(index, [grid], i === 0)),
  };
}

function leaf(trace, grids, first) {
  const [grid] = grids;
  const details = [grid.part, grid.role === "partial" ? "" : grid.note];
  return {
    kind: "grid",
    members: grids.map((each) => ({ trace, grid: each })),
    role: grid.role,
    title: first ? grid.title : "",
    subtitle: (first ? details : [grid.part]).filter(Boolean).join(" · "),
    rows: grid.rows,
    columns: grid.columns,
  };
}

function labelled(part, tree) {
  return part.name ? box.column([{ kind: "label", text: part.name }, tree]) : tree;
}

/** A row per channel; what stands in one column is equally wide. */
function channelRows(part, withPartials) {
  for (const peers of [part.inputs, part.kernels, part.partials]) {
    for (const node of peers) if (node) node.peers = peers;
  }
  return part.ownInputs.map((input, channel) => {
    const children = [];
    const joins = [];
    const add = (child, join) => {
      if (!child) return;
      if (children.length) joins.push(join);
      children.push(child);
    };
    add(input, "");
    add(part.lenses[channel], "→");
    add(part.kernels[channel], part.weighs ? (part.lenses[channel] ? "·" : "∗") : "");
    if (withPartials) add(part.partials[channel], "=");
    return children.length ? box.row(children, joins) : null;
  });
}

/** How the outputs hang on: through the sum over channels, the bias, or straight. */
function results(part, across, lead) {
  const outputs = [];
  for (let i = 0; i < part.outputs.length; i += across) {
    outputs.push(box.shelf(part.outputs.slice(i, i + across)));
  }
  const sum = part.partials.some(Boolean) ? "Σ" : "";
  const equals = part.weighs ? "=" : "→";
  const joins = part.bias ? [`${sum} +`.trim(), "="] : [sum ? "Σ =" : equals];
  return {
    children: [part.bias, box.column(outputs)],
    joins: lead ? joins : joins.slice(1),
    prefix: lead ? "" : joins[0],
  };
}

function wideTree(part, across) {
  const rows = channelRows(part, true).filter(Boolean);
  const tail = results(part, across, rows.length > 0);
  return box.row([rows.length ? box.column(rows, TIGHT_GAP) : null, ...tail.children], tail.joins);
}

function narrowTree(part, across) {
  const tail = results(part, across, false);
  return box.column([
    ...channelRows(part, true),
    { ...box.row(tail.children, tail.joins), prefix: tail.prefix },
  ]);
}

/** A row per channel with the window and the kernel one above the other. */
function stackedRows(part) {
  const rows = part.inputs.map((_, channel) => {
    const details = [part.lenses[channel], part.kernels[channel]].filter(Boolean);
    const children = [
      part.ownInputs[channel],
      details.length ? box.column(details, TIGHT_GAP) : null,
      part.partials[channel],
    ].filter(Boolean);
    return box.row(children, part.ownInputs[channel] ? ["→", "="] : ["="]);
  });
  return rows.filter((row) => row.children.length);
}

function stackedTree(part, across) {
  const rows = stackedRows(part);
  const tail = results(part, across, rows.length > 0);
  return box.row([rows.length ? box.column(rows, TIGHT_GAP) : null, ...tail.children], tail.joins);
}

function sideTree(part) {
  const tail = results(part, 2, false);
  return box.column([
    ...stackedRows(part).map((row) => ({ ...row, joins: [] })),
    { ...box.row(tail.children, tail.joins), prefix: tail.prefix },
  ]);
}

/** A panel that need not be as wide as others of its kind. */
function alone({ peers: _, ...leaf }) {
  return leaf;
}

function thinTree(part, across) {
  const tail = results(part, across, false);
  return box.column([
    ...channelRows(part, false),
    part.partials[0] ? box.shelf(part.partials.map(alone), "=") : null,
    { ...box.row(tail.children, tail.joins), prefix: tail.prefix },
  ]);
}
