// The arithmetic line as elements: terms in rows as wide as the window, a block per channel.

import LOOK from "../layout.json" with { type: "json" };

function span(className, text, data = {}) {
  const node = document.createElement("span");
  if (className) node.className = className;
  node.textContent = text;
  Object.assign(node.dataset, data);
  return node;
}

function block({ title, terms, total }, line, columns, trace) {
  const { open, operator, close, equals } = line;
  const node = document.createElement("div");
  node.className = "block";
  if (title) node.append(span("title", `${title}: `));
  const grid = document.createElement("div");
  grid.className = line.inRows ? "terms" : "terms flowing";
  const widest = Math.max(...terms.map((term) => term.text.length), 1);
  grid.style.setProperty("--columns", String(columns));
  grid.style.setProperty("--term", `${widest + 2}ch`);
  terms.forEach((term, i) => {
    const before = i === 0 ? open : operator === "+" ? "+ " : "";
    const after = i === terms.length - 1 ? close : operator === "," ? "," : "";
    const place = span("", before);
    const name = ["term", term.faint && "faint", term.strong && "strong"].filter(Boolean).join(" ");
    place.append(
      span(name, term.text, {
        trace: String(trace),
        cell: String(term.cell),
        weight: String(term.weight),
        target: String(term.target ?? -1),
      }),
      after,
    );
    grid.append(place, " ");
  });
  node.append(grid);
  if (total) node.append(span("total", `${equals} ${total}`));
  return node;
}

/**
 * @param {HTMLElement} box
 * @param {{name: string, columns: number, line: import("./words.js").Arithmetic}[]} lines one per
 *   trace
 */
export function writeArithmetic(box, lines) {
  box.replaceChildren(
    ...lines.map(({ name, columns, line }, trace) => {
      const node = document.createElement("div");
      node.className = line.inRows ? "line" : "line flowing";
      if (name) node.append(span("name", `${name}: `));
      const blocks = document.createElement("div");
      blocks.className = "blocks";
      blocks.append(...line.blocks.map((each) => block(each, line, columns, trace)));
      const end = document.createElement("div");
      end.className = "end";
      if (line.result) {
        end.append(
          span("", `${line.finish} ${line.equals} `.trimStart()),
          span("result", line.result),
        );
      }
      if (line.equals === "≈") end.append(span("rounded", ` ${LOOK.words.rounded}`));
      node.append(blocks, " ", end);
      return node;
    }),
  );
}
