// The arithmetic line as elements: terms in rows as wide as the window, a block per channel.

import LOOK from "../layout.json" with { type: "json" };
import { element } from "./kit.js";

function block({ title, terms, total }, line, columns, trace) {
  const { open, operator, close, equals } = line;
  const widest = Math.max(...terms.map((term) => term.text.length), 1);
  const grid = element("div", {
    class: line.inRows ? "terms" : "terms flowing",
    style: `--columns: ${columns}; --term: ${widest + 2}ch`,
  });
  terms.forEach((term, i) => {
    const before = i === 0 ? open : operator === "+" ? "+ " : "";
    const after = i === terms.length - 1 ? close : operator === "," ? "," : "";
    const shown = element(
      "span",
      {
        class: ["term", term.faint && "faint", term.strong && "strong"].filter(Boolean).join(" "),
        "data-trace": trace,
        "data-cell": term.cell,
        "data-weight": term.weight,
        "data-target": term.target ?? -1,
      },
      [term.text],
    );
    grid.append(element("span", {}, [before, shown, after]), " ");
  });
  return element("div", { class: "block" }, [
    ...(title ? [element("span", { class: "title" }, [`${title}: `])] : []),
    grid,
    ...(total ? [element("span", { class: "total" }, [`${equals} ${total}`])] : []),
  ]);
}

/**
 * @param {HTMLElement} box
 * @param {{name: string, columns: number, line: import("./words.js").Arithmetic}[]} lines one per
 *   trace
 */
export function writeArithmetic(box, lines) {
  box.replaceChildren(
    ...lines.map(({ name, columns, line }, trace) => {
      const blocks = line.blocks.map((each) => block(each, line, columns, trace));
      const end = element("div", { class: "end" });
      if (line.result) {
        end.append(
          `${line.finish} ${line.equals} `.trimStart(),
          element("span", { class: "result" }, [line.result]),
        );
      }
      if (line.activated) {
        end.append(element("span", { class: "activated" }, [` ${line.activated}`]));
      }
      if (line.equals === "≈") {
        end.append(element("span", { class: "rounded" }, [` ${LOOK.words.rounded}`]));
      }
      return element("div", { class: line.inRows ? "line" : "line flowing" }, [
        ...(name ? [element("span", { class: "name" }, [`${name}: `])] : []),
        element("div", { class: "blocks" }, blocks),
        " ",
        end,
      ]);
    }),
  );
}
