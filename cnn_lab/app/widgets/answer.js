// Makes the fields of an answer easy to fill: the keyboard that fits them, which Streamlit's fields
// cannot ask for, and where the answer is a grid or cells of one, that grid to type in or to tap.
// What is typed or tapped there is written into Streamlit's field, and the other way round.

import { component, element } from "../../stage/js/kit.js";

const MOST_FRAMES = 300; // in which the fields may appear after this
const write = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set;
const MOVES = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

export default component((root) => {
  let data;
  let frame = 0;
  let cells = [];
  let built = "";
  let told = ""; // what this has written into the field

  function fields() {
    return [...document.querySelectorAll(`[class*="st-key-${CSS.escape(data.fields)}"] input`)];
  }

  function fit() {
    const found = fields();
    for (const field of found) {
      field.inputMode = data.grid ? "text" : data.keyboard; // a row of numbers needs spaces
      field.enterKeyHint = "done";
      field.autocapitalize = "off";
      field.spellcheck = false;
    }
    if (found.length && data.grid) read(found[0].value);
    return found.length;
  }

  function fitSoon(left) {
    if (!fit() && left) frame = requestAnimationFrame(() => fitSoon(left - 1));
  }

  // The grid

  function build() {
    const { grid } = data;
    const now = JSON.stringify(grid ?? null);
    if (now === built) return;
    built = now;
    told = "";
    cells = [];
    root.replaceChildren();
    if (!grid) return;
    const label = grid.points ? "Tap the cells" : "Fill in the cells";
    const head = ["", ...Array(grid.columns).keys()].map((text) => element("th", {}, [String(text)]));
    const rows = Array.from({ length: grid.rows }, (_, row) => {
      const line = Array.from({ length: grid.columns }, (_, column) => {
        const cell = grid.points ? point(row, column) : number(row, column);
        cells.push(cell);
        return element("td", {}, [cell]);
      });
      return element("tr", {}, [element("th", {}, [String(row)]), ...line]);
    });
    if (grid.points) cells[0].tabIndex = 0;
    const table = element("table", { role: "group", "aria-label": label }, [
      element("tbody", {}, [element("tr", {}, head), ...rows]),
    ]);
    table.onkeydown = onKey;
    root.append(element("p", {}, [label]), element("div", { class: "scroll" }, [table]));
  }

  function point(row, column) {
    const text = data.grid.texts[row]?.[column] ?? "";
    const cell = element("button", { type: "button", tabindex: "-1", "aria-pressed": "false" }, [text]);
    const value = text ? `${text}, ` : "";
    cell.setAttribute("aria-label", `${value}row ${row}, column ${column}`);
    cell.onclick = () => {
      cell.setAttribute("aria-pressed", String(cell.getAttribute("aria-pressed") !== "true"));
      tell();
    };
    return cell;
  }

  function number(row, column) {
    const cell = element("input", {
      type: "text",
      inputmode: data.keyboard,
      enterkeyhint: "next",
      autocomplete: "off",
      "aria-label": `row ${row}, column ${column}`,
    });
    cell.oninput = tell;
    return cell;
  }

  /** The arrow keys move; Enter in a cell with a number goes on, and in the last one checks. */
  function onKey(event) {
    const at = cells.indexOf(event.target);
    const { rows, columns, points, check } = data.grid;
    if (at < 0) return;
    if (event.key === "Enter" && !points) {
      event.preventDefault();
      const next = cells[at + 1];
      if (next) next.focus();
      else document.querySelector(`.st-key-${CSS.escape(check)} button`)?.click();
      return;
    }
    const move = MOVES[event.key];
    if (!move || (!points && move[1] && event.target.value)) return;
    const row = Math.max(0, Math.min(rows - 1, Math.floor(at / columns) + move[0]));
    const column = Math.max(0, Math.min(columns - 1, (at % columns) + move[1]));
    event.preventDefault();
    if (points) {
      cells[at].tabIndex = -1;
      cells[row * columns + column].tabIndex = 0;
    }
    cells[row * columns + column].focus();
  }

  /** Writes the grid into Streamlit's field. */
  function tell() {
    const { columns, points } = data.grid;
    const texts = points
      ? cells.flatMap((cell, i) =>
          cell.getAttribute("aria-pressed") === "true" ? [`${Math.floor(i / columns)} ${i % columns}`] : [],
        )
      : cells.map((cell) => cell.value.trim()).filter(Boolean);
    told = texts.join(points ? "; " : " ");
    const [field] = fields();
    if (!field) return;
    write.call(field, told);
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  /** Shows what is in Streamlit's field. */
  function read(text) {
    if (text === told) return;
    told = text;
    const numbers = text.split(/[\s;,()]+/).filter(Boolean);
    const { columns, points } = data.grid;
    if (!points) {
      cells.forEach((cell, i) => (cell.value = numbers[i] ?? ""));
      return;
    }
    const chosen = new Set();
    for (let i = 0; i + 1 < numbers.length; i += 2) {
      chosen.add(Number(numbers[i]) * columns + Number(numbers[i + 1]));
    }
    cells.forEach((cell, i) => cell.setAttribute("aria-pressed", String(chosen.has(i))));
  }

  function onInput({ target }) {
    if (data?.grid && fields()[0] === target) read(target.value);
  }

  /** A field may have been made again since. */
  function onFocus() {
    if (data) fit();
  }

  document.addEventListener("focusin", onFocus);
  document.addEventListener("input", onInput);
  return {
    update(now) {
      data = now;
      cancelAnimationFrame(frame);
      build();
      fitSoon(MOST_FRAMES);
    },
    stop() {
      cancelAnimationFrame(frame);
      document.removeEventListener("focusin", onFocus);
      document.removeEventListener("input", onInput);
    },
  };
});
