// The layout: boxes in rows and columns with the largest cells that fit.

import LOOK from "../layout.json" with { type: "json" };
import { box, place, sizeOf } from "./boxes.js";
import { fill } from "./words.js";

const { wide: WIDE, cells: CELLS, worth: WORTH, height: HEIGHT, number: NUMBER } = LOOK;
const TIGHT_GAP = LOOK.box.tight;

/**
 * @param {import("./wire.js").Trace[]} traces
 * @param {number} width
 * @param {(text: string, role: "title"|"subtitle"|"join") => number} measure
 * @param {Object} [room]
 * @param {number} [room.height] maximum height
 * @param {boolean} [room.narrow] whether to try arrangements for phones too, as pictures do
 */
export function layOut(traces, width, measure, room = {}) {
  const { height = usualHeight(traces, width), narrow = width < WIDE } = room;
  const fit = (trees, smallCells) => best(trees, width, height, measure, smallCells);
  const plain = fit(arrangements(traces, width, narrow));
  const lensed =
    plain && plain.cell >= CELLS.readable
      ? null
      : fit(arrangements(traces, width, narrow, true), CELLS.lens);
  const solution = lensed && lensed.cell > WORTH.lens * (plain?.cell ?? 0) ? lensed : plain;
  const { tree, cell, small } = solution ?? squeezed(traces, width, fit, measure);
  const plainly = { cell, small, measure };
  const context = { ...plainly, result: resultCell(traces, tree, plainly, width, height) };
  const size = sizeOf(tree, context);
  const panels = [];
  const texts = [];
  place(tree, Math.max(0, Math.floor((width - size.width) / 2)), 0, context, panels, texts);
  return { panels, texts, height: Math.ceil(size.height), width };
}

/** Height for a screen: stacked figures need more, and phones scroll anyway. */
function usualHeight(traces, width) {
  const apart = traces.length > 1 && !shareInput(traces);
  const { phone, figures } = HEIGHT;
  if (width < WIDE) return apart ? phone.each * traces.length : phone.figure;
  if (stand(traces)) return HEIGHT.towers;
  if (apart) return Math.max(figures.least, figures.each * traces.length);
  const deep = traces.some((trace) => inputsOf(trace).length > 1);
  return deep ? HEIGHT.channels : HEIGHT.figure;
}

/** The best arrangement; a later one needs clearly larger cells to be preferred. */
function best(trees, width, height, measure, smallCells) {
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

/** If nothing fits the width: the narrowest arrangement, however high. */
function squeezed(traces, width, fit, measure) {
  const trees = arrangements(traces, width, true);
  const found = fit(trees);
  if (found) return found;
  const widthOf = (tree, cell) => sizeOf(tree, { cell, small: cell, measure }).width;
  const widths = trees.map((tree) => widthOf(tree, CELLS.least));
  const tree = trees[widths.indexOf(Math.min(...widths))];
  let cell = CELLS.readable;
  while (cell > CELLS.least && widthOf(tree, cell) > width) cell--;
  return { tree, cell, small: cell };
}

/** Larger cells for the outputs, if their numbers need them and there is room; otherwise 0. */
function resultCell(traces, tree, context, width, height) {
  const outputs = traces.flatMap(({ grids }) => grids.filter(({ role }) => role === "output"));
  const letters = Math.max(...outputs.map(lettersOf));
  const room = context.measure("0".repeat(letters), "subtitle") / LOOK.font.subtitle;
  const cellFor = (size) => Math.ceil(NUMBER.margin + room * size);
  if (cellFor(NUMBER.smallest) <= context.cell) return 0;
  const fitting = [NUMBER.usual, NUMBER.smallest].map(cellFor).find((result) => {
    const size = sizeOf(tree, { ...context, result });
    return size.width <= width && size.height <= height;
  });
  return fitting ?? 0;
}

/** About how many letters the longest number of a grid has, with one decimal at most. */
function lettersOf(grid) {
  let [least, most] = [0, 0];
  for (const value of grid.extent ?? grid.values) {
    if (!Number.isFinite(value)) continue;
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  const digits = String(Math.trunc(Math.max(-least, most))).length;
  return digits + (least < 0 ? 1 : 0) + (grid.decimals ? 2 : 0);
}

/** Kernels may have somewhat larger cells than small images, because they have few. */
function kernelCells(cell) {
  return cell < CELLS.kernel ? [CELLS.kernel, cell] : [cell];
}

/** The ways of arranging all panels, the most natural first. */
function arrangements(traces, width, narrow, withLens = false) {
  const shared = shareInput(traces);
  const parts = traces.map((trace, index) => partsOf(trace, index, traces, shared, withLens));
  const rectifies = traces.some((trace) => trace.activated);
  const ways = [
    ...[1, 2, 4].map((across) => ["wide", (part) => beside(part, channelRows(part), across)]),
    withLens && ["wide", (part) => beside(part, stackedRows(part), 2)],
    withLens && narrow && ["side", (part) => below(part, stackedRows(part).map(unsigned))],
    narrow && ["narrow", (part) => below(part, channelRows(part))],
    narrow && rectifies && ["narrow", (part) => below(part, channelRows(part), true)],
    narrow && ["thin", thin],
  ].filter(Boolean);
  const trees = width >= WIDE && !withLens && stand(traces) ? [towers(traces, parts)] : [];
  for (const [style, arrange] of ways) {
    if (traces.length === 1) {
      trees.push({ ...arrange(parts[0]), style });
      continue;
    }
    const each = parts.map((part) => labelled(part, arrange(part)));
    const together = [box.figures(each), box.column(each)];
    if (!shared) {
      trees.push(...together);
      continue;
    }
    const head = [parts[0].inputs[0], parts[0].sharedLens].filter(Boolean);
    for (const several of together.reverse()) {
      trees.push(box.row([...head, several], ["→", "→"]));
      if (narrow) trees.push(box.column([box.row(head), several]));
    }
  }
  return trees;
}

/** Three or more figures with one kernel are too many to stack. */
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

/** Figures side by side, each output below its input, with one kernel. */
function towers(traces, parts) {
  const kernel = {
    ...parts[0].kernels[0],
    members: parts.flatMap((part) => part.kernels[0].members),
    subtitle: fill(LOOK.words.shared, { note: parts[0].kernels[0].subtitle }),
  };
  const each = parts.map((part, index) => {
    const results = [part.bias, ...part.outputs, ...part.activated];
    const grids = [part.inputs[0], index ? null : kernel, ...results];
    return box.column([{ kind: "label", text: part.name }, box.column(grids)], 0);
  });
  return { ...box.figures(each), style: "towers" };
}

/** Whether a step reads one window of each input, which may be shown enlarged. */
function hasWindow(trace) {
  return !trace.targets && trace.term !== "sum" && inputsOf(trace).length === trace.channels;
}

function inputsOf({ grids }) {
  return grids.filter(({ role }) => role === "input");
}

/** Whether several traces read the same picture, so that it is drawn once. */
function shareInput(traces) {
  const [first] = traces[0].grids;
  const shares = ({ channels, weights, grids: [grid] }) =>
    channels === 1 &&
    !weights &&
    grid.rows === first.rows &&
    grid.columns === first.columns &&
    equal(grid.values, first.values) &&
    equal(grid.mask ?? [], first.mask ?? []);
  return traces.length > 1 && traces.every(shares);
}

function equal(a, b) {
  return a.length === b.length && a.every((item, i) => item === b[i]);
}

/** The panels of one trace by role. */
function partsOf(trace, index, traces, shared, withLens) {
  const of = (role) => trace.grids.filter((grid) => grid.role === role);
  const byChannel = (role) => {
    const panels = of("input").map((_, channel) => {
      const grids = of(role).filter((grid) => grid.channel === channel);
      return grids.length ? leaf(index, grids, channel === 0) : null;
    });
    const peers = panels.filter(Boolean); // panels of one column are equally wide
    return panels.map((panel) => panel && { ...panel, peers });
  };
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
    activated: of("activated").map((grid, i) => leaf(index, [grid], i === 0)),
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

function unsigned(row) {
  return { ...row, joins: [] };
}

/** The existing boxes in a row, with a sign before each except the first. */
function joined(signed) {
  const present = signed.filter(([, node]) => node);
  return box.row(
    present.map(([, node]) => node),
    present.slice(1).map(([sign]) => sign),
  );
}

/** A row per channel. */
function channelRows(part, withPartials = true) {
  const rows = part.ownInputs.map((input, channel) => {
    const lens = part.lenses[channel];
    const times = lens ? "·" : "∗";
    return joined([
      ["", input],
      ["→", lens],
      [part.weighs ? times : "", part.kernels[channel]],
      ["=", withPartials && part.partials[channel]],
    ]);
  });
  return rows.filter((row) => row.children.length);
}

/** A row per channel with the window and the kernel one above the other. */
function stackedRows(part) {
  const rows = part.ownInputs.map((input, channel) => {
    const details = [part.lenses[channel], part.kernels[channel]].filter(Boolean);
    return joined([
      ["", input],
      ["→", details.length && box.column(details, TIGHT_GAP)],
      ["=", part.partials[channel]],
    ]);
  });
  return rows.filter((row) => row.children.length);
}

/** How the outputs are joined: through the sum over channels, the bias, or directly. */
function results(part, across) {
  const sum = part.partials.some(Boolean) ? "Σ" : "";
  const equals = sum || part.weighs ? `${sum} =`.trim() : "→";
  return [
    [`${sum} +`.trim(), part.bias],
    [part.bias ? "=" : equals, shelves(part.outputs, across)],
  ];
}

/** The outputs after the activation, joined to those before it. */
function activated(part, across) {
  return part.activated.length ? [["→", shelves(part.activated, across)]] : [];
}

function shelves(panels, across) {
  const rows = [];
  for (let i = 0; i < panels.length; i += across) rows.push(box.shelf(panels.slice(i, i + across)));
  return box.column(rows);
}

function beside(part, rows, across) {
  const tail = [...results(part, across), ...activated(part, across)];
  return joined([["", rows.length && box.column(rows, TIGHT_GAP)], ...tail]);
}

/** The results below the rows; with `apart`, those after the activation below the others. */
function below(part, rows, apart = false) {
  const [before, after] = [results(part, 2), activated(part, 2)];
  const ends = apart ? [before, after] : [[...before, ...after]];
  const tails = ends.map((end) => end.filter(([, node]) => node)).filter((end) => end.length);
  return box.column([...rows, ...tails.map((tail) => ({ ...joined(tail), prefix: tail[0][0] }))]);
}

/** The partial result of each channel below the rows, at its own width. */
function thin(part) {
  const shares = part.partials.map((panel) => panel && { ...panel, peers: [] });
  return below(part, [
    ...channelRows(part, false),
    shares[0] && box.shelf(shares, "="),
  ]);
}
