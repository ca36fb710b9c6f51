// A step in words and as arithmetic. The captions equal Python's, letter for letter.

import { PADDING, locate, stepsTouching } from "./wire.js";

const MINUS = "−";
const FLOAT32_NOISE = 2e-7;

/** Whether so many decimals are the whole of a value. */
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

/** Whether the digits shown for a step's terms and result are all there are. */
function isExact(trace, step) {
  const whole = (cell) => {
    const { grid, value } = locate(trace, cell);
    return writes(value, grid, fineDecimals(grid));
  };
  const result = locate(trace, trace.writes[step]);
  if (result.grid.exact) return true;
  if (!whole(trace.writes[step]) || (trace.biases && !whole(trace.biases[step]))) return false;
  for (let i = trace.starts[step]; i < trace.starts[step + 1]; i++) {
    const weight = trace.weights ? trace.weights[i] : -1;
    if (weight >= 0) {
      const product = locate(trace, trace.reads[i]).value * locate(trace, weight).value;
      if (product !== 0 && !(whole(trace.reads[i]) && whole(weight))) return false;
    } else if (!whole(trace.reads[i])) {
      return false;
    }
  }
  return true;
}

function signed(number) {
  return String(number).replace("-", MINUS);
}

function inParentheses(text) {
  return text.startsWith(MINUS) ? `(${text})` : text;
}

function nameOf(grid) {
  return grid.part ? `${grid.title}, ${grid.part}` : grid.title;
}

/**
 * What happens in a step, in words.
 * @param {import("./wire.js").Trace} trace
 * @param {number} step
 */
export function caption(trace, step) {
  const result = locate(trace, trace.writes[step]);
  const start = trace.starts[step];
  const end = trace.starts[step + 1];
  let padding = 0;
  for (let i = start; i < end; i++) {
    if (locate(trace, trace.reads[i]).mask & PADDING) padding++;
  }
  const first = locate(trace, trace.reads[start]);
  const last = locate(trace, trace.reads[end - 1]);
  const slots = {
    output: nameOf(result.grid),
    row: result.grid.rowLabels[result.row],
    column: result.grid.columnLabels[result.column],
    result: formatNumber(result.value, result.grid),
    about: isExact(trace, step) ? "" : "about ",
    top: first.grid.rowLabels[first.row],
    bottom: last.grid.rowLabels[last.row],
    left: first.grid.columnLabels[first.column],
    right: last.grid.columnLabels[last.column],
    count: end - start - (trace.skipPadding ? padding : 0),
    padding,
  };
  if (trace.biases) {
    const bias = locate(trace, trace.biases[step]);
    slots.bias = formatNumber(bias.value, bias.grid);
  }
  if (trace.winners) {
    const winner = locate(trace, trace.winners[step]);
    slots.winner_row = winner.grid.rowLabels[winner.row];
    slots.winner_column = winner.grid.columnLabels[winner.column];
  }
  const template = trace.caption + (padding ? trace.paddingCaption : "");
  return template.replace(/\{(\w+)\}/g, (_, slot) => signed(slots[slot]));
}

/** What a pointed-at input, kernel or bias cell is, and what it touches. */
export function cellCaption(trace, cell) {
  const { grid, row, column, value, mask } = locate(trace, cell);
  const place =
    grid.role === "bias"
      ? nameOf(grid)
      : `${nameOf(grid)}, row ${signed(grid.rowLabels[row])}, ` +
        `column ${signed(grid.columnLabels[column])}`;
  const uses = stepsTouching(trace, cell).length;
  const what = mask & PADDING ? "padding" : "";
  const number = what && trace.skipPadding ? "" : formatNumber(value, grid);
  const reach =
    uses === 0
      ? "no window reads it"
      : `${uses} result ${uses === 1 ? "cell uses" : "cells use"} it`;
  return `${place}: ${[what, number].filter(Boolean).join(", ")}; ${reach}.`;
}

/**
 * @typedef {Object} TermText one product or one value
 * @property {string} text
 * @property {number} cell
 * @property {number} weight -1 where there is none
 * @property {boolean} faint adds nothing
 * @property {boolean} strong the winner
 */

/**
 * @typedef {Object} Arithmetic
 * @property {string} open before the terms
 * @property {string} operator between them
 * @property {string} close after them
 * @property {boolean} inRows whether the terms stand in rows as wide as the window
 * @property {{title: string, terms: TermText[], total: string}[]} blocks one per channel
 * @property {string} finish what is done with the blocks, up to the equals sign
 * @property {string} equals "=" or, where digits are cut, "≈"
 * @property {string} result
 */

/**
 * The arithmetic of a step, ready to be written.
 * @param {import("./wire.js").Trace} trace
 * @param {number} step
 * @returns {Arithmetic}
 */
export function arithmetic(trace, step) {
  const result = locate(trace, trace.writes[step]);
  const end = trace.starts[step + 1];
  const size = (end - trace.starts[step]) / trace.channels;
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
  const input = locate(trace, trace.reads[trace.starts[step]]).grid;
  const exact = isExact(trace, step);
  const line = {
    inRows: trace.term === "product_sum",
    open: "",
    operator: "+",
    close: "",
    blocks,
    finish: "",
    equals: exact ? "=" : "≈",
    result: formatNumber(result.value, result.grid),
  };
  if (trace.term === "maximum") {
    return { ...line, open: "max(", operator: ",", close: ")" };
  }
  if (trace.term === "mean") {
    const total = formatNumber(sum, input);
    const equals = exact || input.exact ? "=" : "≈";
    return { ...line, open: "(", close: ")", finish: `÷ ${count} ${equals} ${total} ÷ ${count}` };
  }
  const finish = [];
  if (trace.partials) {
    blocks.forEach((block, channel) => {
      const part = locate(trace, trace.partials[step * trace.channels + channel]);
      block.title = part.grid.part;
      block.total = formatNumber(part.value, part.grid);
      finish.push(inParentheses(block.total));
    });
  }
  if (trace.biases) {
    const bias = locate(trace, trace.biases[step]);
    finish.push(`bias ${inParentheses(formatNumber(bias.value, bias.grid))}`);
  }
  const lead = trace.partials || !finish.length ? "" : "+ ";
  return { ...line, finish: lead + finish.join(" + ") };
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
  term.strong = Boolean(trace.winners) && trace.winners[step] === cell;
  return term;
}
