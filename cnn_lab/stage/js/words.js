// A step in words and as arithmetic. The captions are identical to those from Python.

import LOOK from "../layout.json" with { type: "json" };
import { PADDING, locate, ofStep, stepsTouching, winnerOf } from "./wire.js";

const MINUS = "−";
export const HIDDEN = "?";
const FLOAT32_NOISE = 2e-7;

/** Whether this many decimals write a value exactly. */
function writes(value, { exact }, decimals) {
  const scaled = Math.abs(value) * 10 ** decimals;
  return exact || Math.abs(scaled - Math.round(scaled)) <= FLOAT32_NOISE * scaled;
}

function fineDecimals({ decimals, exact }) {
  return exact ? decimals : decimals + 1;
}

/**
 * @param {number} value
 * @param {{decimals: number, exact: boolean}} precision
 * @param {boolean} fine one digit more for rounded values, as in the arithmetic line
 */
export function formatNumber(value, precision, fine = true) {
  if (value === 0) return "0";
  const decimals = fine ? fineDecimals(precision) : precision.decimals;
  let digits = Math.abs(value).toFixed(decimals);
  if (digits.includes(".") && writes(value, precision, decimals)) {
    digits = digits.replace(/\.?0+$/, "");
  }
  return value < 0 && /[1-9]/.test(digits) ? MINUS + digits : digits;
}

/** The value of a cell as captions and the arithmetic line write it. */
function textOf({ value, grid, hidden }) {
  return hidden ? HIDDEN : formatNumber(value, grid);
}

/** Whether the digits shown for a step's terms and result are exact. */
function isExact(trace, step) {
  const whole = (cell) => {
    const { grid, value } = locate(trace, cell);
    return writes(value, grid, fineDecimals(grid));
  };
  const results = trace.targets ? ofStep(trace, trace.targets, step) : [trace.writes[step]];
  if (results.some((cell) => locate(trace, cell).hidden)) return true;
  if (results.every((cell) => locate(trace, cell).grid.exact)) return true;
  if (trace.writes && !whole(trace.writes[step])) return false;
  if (trace.biases && !whole(trace.biases[step])) return false;
  for (let i = trace.starts[step]; i < trace.starts[step + 1]; i++) {
    const weight = trace.weights ? trace.weights[i] : -1;
    if (weight >= 0) {
      const product = locate(trace, trace.reads[i]).value * locate(trace, weight).value;
      if (product !== 0 && !(whole(trace.reads[i]) && whole(weight))) return false;
    } else if (!whole(trace.reads[i])) {
      return false;
    }
    if (!trace.targets) continue;
    const { grid } = locate(trace, trace.targets[i]);
    const totals = [trace.befores[i], trace.totals[i]];
    if (!totals.every((total) => writes(total, grid, fineDecimals(grid)))) return false;
  }
  return true;
}

/**
 * Whether a step's result after the activation has the digits shown: where the activation passes
 * the result on, where it gives zero, and at zero itself.
 */
function activatesExactly(trace, step) {
  if (locate(trace, trace.activated[step]).hidden) return true;
  const before = locate(trace, trace.writes[step]).value;
  const after = locate(trace, trace.activated[step]).value;
  return before === after || before * after === 0;
}

/** A whole number with a typographic minus sign. */
export function signed(number) {
  return String(number).replace("-", MINUS);
}

function inParentheses(text) {
  return text.startsWith(MINUS) ? `(${text})` : text;
}

/** The title of a grid with the channel or filter it is of. */
export function nameOf(grid) {
  return grid.part ? `${grid.title}, ${grid.part}` : grid.title;
}

/**
 * A description of a step in words.
 * @param {import("./wire.js").Trace} trace
 * @param {number} step
 */
export function caption(trace, step) {
  const lead = locate(trace, trace.leads[step]);
  const reads = ofStep(trace, trace.reads, step);
  const span = ofStep(trace, trace[trace.span], step);
  let padding = 0;
  for (const cell of span) if (locate(trace, cell).mask & PADDING) padding++;
  const count = reads.length - (trace.skipPadding ? padding : 0);
  const slots = {
    output: nameOf(lead.grid),
    row: lead.grid.rowLabels[lead.row],
    column: lead.grid.columnLabels[lead.column],
    result: textOf(lead),
    about: isExact(trace, step) ? "" : "about ",
    count,
    padding,
  };
  if (span.length) {
    const first = locate(trace, span[0]);
    const last = locate(trace, span[span.length - 1]);
    slots.top = first.grid.rowLabels[first.row];
    slots.bottom = last.grid.rowLabels[last.row];
    slots.left = first.grid.columnLabels[first.column];
    slots.right = last.grid.columnLabels[last.column];
  }
  if (reads.length) {
    const share = locate(trace, reads[0]);
    slots.share = formatNumber(share.value, share.grid);
    slots.about_share = writes(share.value, share.grid, fineDecimals(share.grid)) ? "" : "about ";
  }
  if (trace.biases) {
    const bias = locate(trace, trace.biases[step]);
    slots.bias = formatNumber(bias.value, bias.grid);
  }
  if (trace.activated) {
    const after = locate(trace, trace.activated[step]);
    slots.activated = textOf(after);
    slots.about_activated = activatesExactly(trace, step) ? "" : "about ";
  }
  if (trace.winners && winnerOf(trace, step) === null) {
    slots.winner_row = slots.winner_column = HIDDEN;
  } else if (trace.winners) {
    const winner = locate(trace, trace.winners[step]);
    slots.winner_row = winner.grid.rowLabels[winner.row];
    slots.winner_column = winner.grid.columnLabels[winner.column];
  }
  const template = (trace.fewCaptions[count] ?? trace.caption) + (padding ? trace.paddingCaption : "");
  return fill(template, slots);
}

/** The value that a step is about, and where it is. */
export function stepValue(trace, step) {
  const { grid, row, column } = locate(trace, trace.leads[step]);
  const cell = trace.activated ? trace.activated[step] : trace.leads[step];
  const shown = locate(trace, cell);
  const text = shown.hidden ? LOOK.words.hidden : textOf(shown);
  return `${text}, ${placeOf({ grid, row, column })}`;
}

/** A sentence with its named slots filled. */
export function fill(template, slots) {
  return template.replace(/\{(\w+)\}/g, (_, slot) => signed(slots[slot]));
}

/** A description of the cell under the pointer and its use, if it is not the cell of a step. */
export function cellCaption(trace, cell) {
  const place = locate(trace, cell);
  const { grid, row, column, mask } = place;
  const what = mask & PADDING ? [trace.paddingName.toLowerCase()] : [];
  const origin = grid.origins ? grid.origins[cell - grid.firstId] + grid.firstId : cell;
  if (origin !== cell) what.push(`a copy of ${placeOf(locate(trace, origin))}`);
  if (!(mask & PADDING && trace.skipPadding)) what.push(textOf(place));
  const where = grid.rows * grid.columns === 1 ? "" : `, ${placeOf({ grid, row, column })}`;
  return `${nameOf(grid)}${where}: ${what.join(", ")}; ${reach(trace, grid, cell)}.`;
}

function placeOf({ grid, row, column }) {
  return `row ${signed(grid.rowLabels[row])}, column ${signed(grid.columnLabels[column])}`;
}

/** How often a cell is used, as itself and through its copies in the padding. */
function reach(trace, grid, cell) {
  const uses = stepsTouching(trace, cell).length;
  const many = uses !== 1;
  if (trace.targets && grid.role === "output") {
    if (!uses) return "nothing is added to it";
    return many ? `total after ${uses} steps` : "total after one step";
  }
  const copied = usesOfCopies(trace, grid, cell);
  const copies = copied ? `${copied === 1 ? "uses" : "use"} a copy of it in the padding` : "";
  const outputs = (n) => `output ${n === 1 ? "cell" : "cells"}`;
  if (!uses && copied) return `no window reads it, but ${copied} ${outputs(copied)} ${copies}`;
  if (!uses) {
    if (trace.windows && grid.role === "input") return "no step uses it";
    return trace.excerpt ? "no window shown here reads it" : "no window reads it";
  }
  if (trace.targets) return `${uses} ${many ? "steps use" : "step uses"} it`;
  const these = trace.excerpt ? "of the output cells shown here" : outputs(uses);
  return `${uses} ${these} ${many ? "use" : "uses"} it${copied ? `, ${copied} ${copies}` : ""}`;
}

/** The number of steps that use copies of a cell in the padding. */
function usesOfCopies(trace, { origins, firstId }, cell) {
  if (!origins) return 0;
  const steps = new Set();
  origins.forEach((origin, index) => {
    if (firstId + origin !== cell || firstId + index === cell) return;
    for (const step of stepsTouching(trace, firstId + index)) steps.add(step);
  });
  return steps.size;
}

/**
 * @typedef {Object} TermText one product or one value
 * @property {string} text
 * @property {number} cell
 * @property {number} weight -1 if there is none
 * @property {number} [target] the target that a scatter step adds it to
 * @property {boolean} faint adds nothing
 * @property {boolean} strong the winner
 */

/**
 * @typedef {Object} Arithmetic
 * @property {string} open before the terms
 * @property {string} operator between them
 * @property {string} close after them
 * @property {boolean} inRows whether the terms are written in rows as wide as the window
 * @property {{title: string, terms: TermText[], total: string}[]} blocks one per channel
 * @property {string} finish how the blocks are combined, up to the equals sign
 * @property {string} equals "=" or, if digits are cut off, "≈"
 * @property {number} count for a mean: the number of cells,
 * @property {string} total their sum,
 * @property {string} totalEquals and whether that is rounded
 * @property {string} result "" if a step has several, each after its own term
 * @property {string} activated "ReLU(−4) = 0": what the activation makes of the result, or ""
 */

/**
 * The arithmetic of a step, ready to be written.
 * @param {import("./wire.js").Trace} trace
 * @param {number} step
 * @returns {Arithmetic}
 */
export function arithmetic(trace, step) {
  if (trace.targets) return additions(trace, step);
  const result = locate(trace, trace.writes[step]);
  const end = trace.starts[step + 1];
  const size = Math.max(1, (end - trace.starts[step]) / trace.channels);
  const blocks = [];
  let sum = 0;
  let count = 0;
  for (let from = trace.starts[step]; from < end; from += size) {
    const terms = [];
    for (let i = from; i < from + size; i++) {
      const term = termText(trace, step, i);
      if (!term) continue;
      terms.push(term);
      sum += locate(trace, term.cell).value;
      count++;
    }
    blocks.push({ title: "", terms, total: "" });
  }
  const exact = isExact(trace, step);
  const line = {
    inRows: trace.term === "product_sum",
    open: "",
    operator: "+",
    close: "",
    blocks,
    finish: "",
    equals: exact ? "=" : "≈",
    result: textOf(result),
    activated: activatedText(trace, step),
  };
  if (trace.term === "maximum") {
    return { ...line, open: "max(", operator: ",", close: ")" };
  }
  if (trace.term === "mean" && result.hidden) {
    return { ...line, open: "(", close: ")", finish: `÷ ${count}`, count, total: HIDDEN, totalEquals: "=" };
  }
  if (trace.term === "mean") {
    const input = locate(trace, trace.reads[trace.starts[step]]).grid;
    const total = formatNumber(sum, input);
    const totalEquals = exact || input.exact ? "=" : "≈";
    const finish = `÷ ${count} ${totalEquals} ${total} ÷ ${count}`;
    return { ...line, open: "(", close: ")", finish, count, total, totalEquals };
  }
  const finish = [];
  if (trace.partials) {
    blocks.forEach((block, channel) => {
      const part = locate(trace, trace.partials[step * trace.channels + channel]);
      block.title = part.grid.part;
      block.total = textOf(part);
      finish.push(inParentheses(block.total));
    });
  }
  if (trace.biases) {
    const bias = locate(trace, trace.biases[step]);
    const name = bias.grid.title.toLowerCase();
    finish.push(`${name} ${inParentheses(formatNumber(bias.value, bias.grid))}`);
  }
  const lead = trace.partials || !finish.length ? "" : "+ ";
  return { ...line, finish: lead + finish.join(" + ") };
}

function activatedText(trace, step) {
  if (!trace.activated) return "";
  const [before, after] = [trace.writes, trace.activated].map((cells) => {
    return textOf(locate(trace, cells[step]));
  });
  return `${trace.activation}(${before}) ${activatesExactly(trace, step) ? "=" : "≈"} ${after}`;
}

/** The additions of a scatter step to each of its targets. */
function additions(trace, step) {
  const terms = [];
  const equals = isExact(trace, step) ? "=" : "≈";
  for (let i = trace.starts[step]; i < trace.starts[step + 1]; i++) {
    const term = termText(trace, step, i);
    const { grid, hidden } = locate(trace, trace.targets[i]);
    const [before, after] = [trace.befores[i], trace.totals[i]].map((total) =>
      hidden ? HIDDEN : formatNumber(total, grid),
    );
    const weight = term.weight < 0 ? 1 : locate(trace, term.weight).value;
    term.faint = locate(trace, term.cell).value * weight === 0;
    term.text = `${before} + ${term.text} ${equals} ${after}`;
    term.target = trace.targets[i];
    terms.push(term);
  }
  const blocks = [{ title: "", terms, total: "" }];
  const inRows = true;
  const bare = { open: "", operator: "", close: "", finish: "", result: "", activated: "" };
  return { ...bare, inRows, blocks, equals };
}

function termText(trace, step, i) {
  const cell = trace.reads[i];
  const read = locate(trace, cell);
  if (trace.skipPadding && read.mask & PADDING) return null;
  const value = inParentheses(formatNumber(read.value, read.grid));
  const term = { text: value, cell, weight: -1, faint: false, strong: false };
  if (trace.weights) {
    const weight = locate(trace, trace.weights[i]);
    term.text = `${value}·${inParentheses(formatNumber(weight.value, weight.grid))}`;
    term.weight = trace.weights[i];
    term.faint = read.value === 0 || weight.value === 0;
  }
  term.strong = winnerOf(trace, step) === cell;
  return term;
}
