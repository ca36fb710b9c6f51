// Boxes in rows and columns, their sizes, and the places of their panels.

import LOOK from "../layout.json" with { type: "json" };

/**
 * @typedef {Object} Panel one grid, or the window enlarged, at its place on the canvas
 * @property {"grid"|"lens"} kind
 * @property {{trace: number, grid: import("./wire.js").Grid}[]} members the grids drawn here, one
 *   per filter for kernels and partial results, one per trace for an input they share
 * @property {string} title
 * @property {string} subtitle
 * @property {number} rows
 * @property {number} columns
 * @property {number} cell size in pixels
 * @property {number} x left edge of the cells
 * @property {number} y top edge of the cells
 * @property {number} left edge of row numbers
 * @property {number} right edge of whatever is widest
 * @property {number} headY where the heading begins
 */

const { title: TITLE, subtitle: SUBTITLE, gap: GAP, ...BOX } = LOOK.box;

/** The three ways of combining boxes; their sizes depend on the sizes of the cells. */
export const box = {
  row: (children, joins = []) => ({ kind: "row", children: children.filter(Boolean), joins }),
  /** Panels of one kind, with their cells aligned. */
  shelf: (children, prefix = "") => ({
    kind: "row",
    children: children.filter(Boolean),
    joins: [],
    prefix,
    lean: 1,
  }),
  /** Whole figures side by side, with their headings aligned. */
  figures: (children) => ({ kind: "row", children, joins: [], lean: 0 }),
  column: (children, gap = GAP) => ({ kind: "column", children: children.filter(Boolean), gap }),
};

function headHeight(node) {
  return (node.title ? TITLE : 0) + (node.subtitle ? SUBTITLE : 0);
}

/** Outputs have the same cells before and after the activation. */
function isOutput({ role }) {
  return role === "output" || role === "activated";
}

function cellOf(node, context) {
  if (isOutput(node)) return Math.max(context.cell, context.result ?? 0);
  const small = node.kind === "lens" || node.role === "kernel" || node.role === "bias";
  return small ? context.small : context.cell;
}

/** Which sides are numbered; of several channels only the first has column numbers. */
export function axesOf(node) {
  const rows = node.kind !== "lens" && node.role !== "bias";
  return { rows, columns: rows && Boolean(node.title || isOutput(node)) };
}

/** Space for the row and column numbers. */
function marginOf(node) {
  const { rows, columns } = axesOf(node);
  return { top: columns ? BOX.above : BOX.bare, left: rows ? BOX.left : 0 };
}

/** Width and height of a box at given cell sizes. */
export function sizeOf(node, context) {
  const { measure } = context;
  if (node.kind === "label") return { width: measure(node.text, "title"), height: BOX.label };
  if (node.kind === "row") {
    const sizes = node.children.map((child) => sizeOf(child, context));
    const joins = node.children.slice(1).map((_, i) => joinWidth(node.joins[i], measure));
    const lead = node.prefix ? joinWidth(node.prefix, measure) : 0;
    return {
      width: sum(sizes.map((size) => size.width)) + sum(joins) + lead,
      height: Math.max(...sizes.map((size) => size.height)),
    };
  }
  if (node.kind === "column") {
    const sizes = node.children.map((child) => sizeOf(child, context));
    return {
      width: Math.max(...sizes.map((size) => size.width)),
      height: sum(sizes.map((size) => size.height)) + node.gap * (sizes.length - 1),
    };
  }
  const { top } = marginOf(node);
  return {
    width: Math.max(...[node, ...(node.peers ?? [])].map((peer) => panelWidth(peer, context))),
    height: headHeight(node) + top + node.rows * cellOf(node, context) + 2,
  };
}

function panelWidth(node, context) {
  const { left } = marginOf(node);
  return (
    left +
    Math.max(
      node.columns * cellOf(node, context) + 2,
      context.measure(node.title, "title"),
      context.measure(node.subtitle, "subtitle"),
    )
  );
}

function joinWidth(text, measure) {
  return text ? Math.max(BOX.join, measure(text, "join") + BOX.around) : GAP;
}

/** Puts a box at a place: its panels into `panels`, its headings into `texts`. */
export function place(node, x, y, context, panels, texts) {
  const size = sizeOf(node, context);
  if (node.kind === "label") {
    texts.push({ text: node.text, role: "title", x, y: y + LOOK.baseline.title });
  } else if (node.kind === "row") {
    let at = x;
    const middle = y + size.height / 2 + TITLE / 2;
    const join = (text) => {
      const width = joinWidth(text, context.measure);
      if (text) texts.push({ text, role: "join", x: at + width / 2, y: middle });
      at += width;
    };
    if (node.prefix) join(node.prefix);
    node.children.forEach((child, i) => {
      if (i) join(node.joins[i - 1]);
      const inner = sizeOf(child, context);
      const above = (size.height - inner.height) * (node.lean ?? 0.5);
      place(child, at, y + Math.floor(above), context, panels, texts);
      at += inner.width;
    });
  } else if (node.kind === "column") {
    let at = y;
    for (const child of node.children) {
      place(child, x, at, context, panels, texts);
      at += sizeOf(child, context).height + node.gap;
    }
  } else {
    const { top, left } = marginOf(node);
    panels.push({
      ...node,
      cell: cellOf(node, context),
      left: x,
      right: x + size.width,
      headY: y,
      x: x + left,
      y: y + headHeight(node) + top,
    });
  }
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}
