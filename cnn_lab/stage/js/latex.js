// The arithmetic of a step as LaTeX, identical to the text from Python.

import { arithmetic } from "./words.js";

const TERMS_PER_LINE = 12;
const SIGNS = { "−": "-", "·": " \\cdot ", "≈": "\\approx", "bias ": "", "rest ": "" };
const LETTERS = { "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}" };

/**
 * One line, or an aligned block (which needs amsmath) for several channels, many terms or
 * additions to several cells.
 * @param {import("./wire.js").Trace} trace
 * @param {number} step
 */
export function arithmeticLatex(trace, step) {
  const line = arithmetic(trace, step);
  const [equals, result] = [latex(line.equals), latex(line.result)];
  if (trace.targets) {
    const additions = line.blocks[0].terms.map(({ text }) => latex(text));
    return aligned(additions.map((text) => text.replace(` ${equals} `, ` &${equals} `)));
  }
  const blocks = line.blocks.length ? line.blocks : [{ title: "", terms: [], total: "" }];
  const rows = blocks.map((block) => rowsOf(block, line.operator, trace.windowColumns));
  if (trace.term === "maximum") {
    return aligned(enclosed("\\max(", rows[0], `) ${equals} ${result}`));
  }
  if (trace.term === "mean") {
    const end = `${latex(line.totalEquals)} \\frac{${latex(line.total)}}{${line.count}} ${equals} ${result}`;
    if (rows[0].length === 1) return `\\frac{${rows[0][0]}}{${line.count}} ${end}`;
    return aligned(enclosed(`\\frac{1}{${line.count}} (`, rows[0], `) ${end}`));
  }
  const end = `${equals} ${result}${activated(line.activated)}`;
  const finish = line.finish ? `${latex(line.finish)} ${end}` : end;
  if (!trace.partials) return aligned(enclosed("", rows[0], ` ${finish}`));
  const lines = blocks.flatMap((block, i) => {
    const title = [...block.title].map(escaped).join("");
    const [first, ...others] = enclosed("", rows[i], ` ${equals} ${latex(block.total)}`);
    return [`\\text{${title}: } & ${first}`, ...others.map((other) => `& ${other}`)];
  });
  return aligned([...lines, `& ${finish}`]);
}

/** "ReLU(−4) = 0" after the result. */
function activated(text) {
  if (!text) return "";
  const at = text.indexOf("(");
  return `, \\quad \\operatorname{${text.slice(0, at)}}${latex(text.slice(at))}`;
}

function latex(text) {
  return Object.entries(SIGNS).reduce((done, [sign, word]) => done.replaceAll(sign, word), text);
}

function escaped(letter) {
  return LETTERS[letter] ?? ("&%$#_{}".includes(letter) ? `\\${letter}` : letter);
}

/** The terms in lines: a single one, or if there are many, whole window rows in each. */
function rowsOf({ terms }, operator, columns) {
  const texts = terms.length ? terms.map(({ text }) => latex(text)) : ["0"];
  let perLine = TERMS_PER_LINE;
  if (texts.length > perLine && columns < perLine) perLine -= perLine % columns;
  const lines = [];
  for (let i = 0; i < texts.length; i += perLine) lines.push(texts.slice(i, i + perLine));
  if (operator === ",") {
    const bare = lines.map((line) => line.map((text) => text.replace(/^[()]+|[()]+$/g, "")));
    return bare.map((line, i) => line.join(", ") + (i < bare.length - 1 ? "," : ""));
  }
  return lines.map((line, i) => (i ? "{} + " : "") + line.join(" + "));
}

/** The rows with text before the first and after the last. */
function enclosed(before, rows, after) {
  const lines = [before + rows[0], ...rows.slice(1)];
  lines[lines.length - 1] += after;
  return lines;
}

function aligned(lines) {
  if (lines.length === 1) return lines[0].replaceAll("&", "");
  const body = lines.map((line) => (line.includes("&") ? line : `& ${line}`)).join(" \\\\\n");
  return `\\begin{aligned}\n${body}\n\\end{aligned}`;
}
