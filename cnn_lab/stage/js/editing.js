// Cells edited on the stage: a field over a cell, painting, undo, and what is sent to Python.
//
// An edit shows at once. It is sent until the data says that it has been seen, so edits made while
// the numbers are being computed again do not get lost.

import { button, element } from "./kit.js";
import { shownMember } from "./ground.js";
import { PADDING } from "./wire.js";
import { nameOf } from "./words.js";

const KEYS =
  " E or Enter edits a cell: the arrow keys, Enter and Tab keep its number and go to the next " +
  "one, Page Down goes to the next grid, Escape leaves the number as it was. Ctrl+Z undoes an edit.";
const DECIMALS = 6; // of what Python keeps
const SENT_EVERY_MS = 120; // while painting
const SAID_MS = 5000;
const FIELD_PX = 64; // narrowest
const MINUS = "−";

/**
 * @typedef {Object} Place a cell that is shown and can be edited
 * @property {number} trace
 * @property {import("./wire.js").Grid} grid
 * @property {import("./layout.js").Panel} panel
 * @property {number} index of the cell in its grid
 * @property {number} row as Python counts them, without padding
 * @property {number} column
 * @property {{name: string, brush: number|null, refusal: string}} about
 */

/** What is wrong with the text of a number, or its value. */
export function readNumber(text, limit) {
  const plain = text.trim().replace(/[−–]/g, "-").replace(/^([+-]?\d*),(\d+)$/, "$1.$2");
  if (!plain) return { problem: "A cell needs a number." };
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain)) {
    return { problem: `“${text.trim().slice(0, 20)}” is not a number.` };
  }
  const value = Number(plain);
  if (!(Math.abs(value) <= limit)) {
    const most = limit.toLocaleString("en");
    return { problem: `Numbers must lie between ${MINUS}${most} and ${most}.` };
  }
  return { value: Number(value.toFixed(DECIMALS)) };
}

function written(value) {
  return String(value).replace("-", MINUS);
}

export class Editing {
  /**
   * @param {Object} player
   * @param {(state: Object) => void} keep sends the edits to Python
   */
  constructor(player, keep) {
    this.player = player;
    this.keep = keep;
    this.about = null;
    this.waiting = []; // edits that Python has not seen
    this.count = 0;
    this.field = null;
    this.stroke = null;
    this.painting = false;
    this.build();
  }

  build() {
    const { root, parts } = this.player;
    this.brush = button("brush", "Paint", () => this.setPainting(!this.painting));
    this.back = button("undo", "Undo the last edit (Ctrl+Z)", () => this.undo());
    this.again = button("redo", "Redo (Ctrl+Shift+Z)", () => this.redo());
    this.hint = element("span", { class: "hint" });
    this.said = element("span", { class: "hint", role: "status" });
    this.tools = element("div", { class: "controls tools", role: "group", "aria-label": "Editing" }, [
      this.brush,
      this.back,
      this.again,
      this.hint,
      this.said,
    ]);
    this.tools.hidden = true;
    root.querySelector(".controls").after(this.tools);
    this.keys = element("span", {}, [KEYS]);
    root.addEventListener("keydown", (event) => this.onKey(event), true);
    parts.picture.addEventListener("contextmenu", (event) => {
      if (this.held) event.preventDefault();
    });
  }

  get on() {
    return this.about !== null;
  }

  // Data

  /** Takes what Python says of the edits, and shows those that it has not seen yet. */
  load(about) {
    this.about = about ?? null;
    this.tools.hidden = !this.on;
    if (!this.on) {
      this.close();
      return;
    }
    if (about.session !== this.session) {
      this.session = about.session;
      this.waiting = [];
      this.count = 0;
    }
    this.count = Math.max(this.count, about.seen);
    this.waiting = this.waiting.filter(({ number }) => number > about.seen);
    for (const { grid, cells } of this.waiting) {
      for (const [row, column, value] of cells ?? []) this.put(grid, row, column, value);
    }
    for (const [row, column, value] of this.stroke?.cells.values() ?? []) {
      this.put(this.stroke.place.grid.key, row, column, value);
    }
  }

  /** The picture has been laid out again. */
  arrange() {
    if (!this.on) return;
    this.describe();
    this.place();
  }

  describe() {
    const { player } = this;
    const keys = player.root.querySelector("#stage-keys");
    if (!this.keys.isConnected) keys.append(this.keys);
    const shown = this.shownGrids();
    const names = (test) => [...new Set(shown.filter(test).map(({ about }) => about.name))];
    const painted = names(({ about }) => about.brush !== null && !about.refusal);
    const clicked = names(
      (each) => each.about.brush === null && !each.about.refusal && !isSource(each),
    );
    const listed = (words) => words.map((word) => `the ${word}`).join(" and ");
    const coarse = window.matchMedia("(pointer: coarse)").matches;
    const moves = player.traces.some(({ targets }) => !targets) ? ", drag the window to move it" : "";
    const parts = coarse
      ? ["Hold a cell to change its number.", painted.length ? "The pencil paints." : ""]
      : [
          clicked.length ? `Click a cell of ${listed(clicked)} to change it.` : "",
          painted.length ? `Drag across ${listed(painted)} to paint${moves}.` : "",
          "Double-click a cell for its number.",
        ];
    this.hint.textContent = parts.join(" ").trim();
    this.brush.hidden = !painted.length;
    if (!painted.length) this.painting = false;
    this.showButtons();
  }

  showButtons() {
    this.player.root.dataset.unseen = String(this.waiting.length); // tests wait for it
    const edits = this.waiting.filter(({ cells }) => cells).length;
    this.brush.setAttribute("aria-pressed", String(this.painting));
    this.brush.classList.toggle("on", this.painting);
    this.back.disabled = !this.about.undo && !edits;
    this.again.disabled = !this.about.redo || edits > 0;
  }

  /** The player goes away, and with it a field that is open. */
  stop() {
    this.field = null;
    clearTimeout(this.silence);
  }

  setPainting(painting) {
    this.painting = painting;
    this.showButtons();
  }

  send(action) {
    this.count += 1;
    this.waiting.push({ number: this.count, ...action });
    this.player.touched = true;
    this.keep({ session: this.session, actions: [...this.waiting] });
    this.showButtons();
  }

  undo() {
    this.close();
    if (this.on && !this.back.disabled) this.send({ undo: true });
  }

  redo() {
    this.close();
    if (this.on && !this.again.disabled) this.send({ redo: true });
  }

  /** Changes a cell in every trace that has it. */
  put(key, row, column, value) {
    for (const { grids } of this.player.traces) {
      const grid = grids.find((each) => each.key === key);
      const index = grid ? indexOf(grid, row, column) : -1;
      if (index < 0) continue;
      grid.values[index] = value;
      const digits = (String(value).split(".")[1] ?? "").length;
      grid.decimals = Math.max(grid.decimals, Math.min(DECIMALS, digits));
    }
  }

  change(place, cells, joins = false) {
    for (const [row, column, value] of cells) this.put(place.grid.key, row, column, value);
    this.send({ grid: place.grid.key, cells, joins });
  }

  // Places

  /** The grids on screen that Python lets be edited, or says why not. */
  shownGrids() {
    const { player } = this;
    if (!player.places) return [];
    const filters = player.filtersNow();
    return player.places.panels.flatMap((panel) => {
      if (!panel.members) return [];
      const { trace, grid } = shownMember(panel, filters);
      const about = this.about.grids[grid.key];
      return about ? [{ trace: player.traces[trace], index: trace, panel, grid, about }] : [];
    });
  }

  /** @returns {Place|null} the cell of a grid by its index, if it is not padding */
  placeOf({ index: trace, panel, grid, about }, index) {
    const row = grid.rowLabels[Math.floor(index / grid.columns)];
    const column = grid.columnLabels[index % grid.columns];
    if (index < 0 || index >= grid.values.length) return null;
    if (row < 0 || row >= about.rows || column < 0 || column >= about.columns) return null;
    if (grid.mask && grid.mask[index] & PADDING) return null;
    return { trace, panel, grid, about, index, row, column };
  }

  /** @returns {Place|null} the cell under a point of the picture */
  at(x, y) {
    const { player } = this;
    const hit = this.on && player.places.at(x / player.zoom, y / player.zoom);
    const shown = hit && this.shownGrids().find(({ panel }) => panel === hit.panel);
    return shown ? this.placeOf(shown, hit.index) : null;
  }

  /** Whether a click on a cell is free to edit it: no step, and not of a grid to paint. */
  opensAt(place) {
    const { trace, grid, index, about } = place;
    const step = this.player.traces[trace].stepOfCell[grid.firstId + index];
    return about.brush === null && step < 0;
  }

  // The field over a cell

  open(place, text = null) {
    if (place.about.refusal) {
      this.say(place.about.refusal);
      return;
    }
    this.close();
    const { parts } = this.player;
    if (this.player.playing) this.player.pause();
    const value = place.grid.values[place.index];
    const input = element("input", {
      type: "text",
      inputmode: "decimal",
      autocomplete: "off",
      spellcheck: "false",
      "aria-label": `${nameOf(place.grid)}, row ${place.row}, column ${place.column}`,
    });
    input.value = text ?? written(value);
    const sign = element("button", { type: "button", tabindex: "-1", title: "Change the sign" }, ["±"]);
    const problem = element("p", { role: "alert" });
    const box = element("div", { class: "cell-field" }, [input, sign, problem]);
    this.field = { place, input, problem, box, before: input.value, value };
    sign.onpointerdown = (event) => event.preventDefault(); // the field keeps the focus
    sign.onclick = () => {
      const plain = input.value.trim().replace(/^[-−]/, "");
      input.value = plain === input.value.trim() ? MINUS + plain : plain;
    };
    input.onkeydown = (event) => this.onFieldKey(event);
    input.oninput = () => this.complain("");
    input.onblur = () => this.leave();
    parts.picture.after(box);
    this.place();
    this.pin();
    input.focus({ preventScroll: true });
    if (text === null) input.select();
  }

  /** Puts the field over its cell, which may have moved or gone. */
  place() {
    if (!this.field) return;
    const { player, field } = this;
    const { place, box, input } = field;
    const shown = this.shownGrids().find(({ grid }) => grid.key === place.grid.key);
    const found = shown && this.placeOf(shown, indexOf(shown.grid, place.row, place.column));
    if (!found) {
      this.close();
      return;
    }
    field.place = found;
    const { panel, index, grid } = found;
    const side = panel.cell * player.zoom;
    const { picture } = player.parts;
    const width = Math.max(FIELD_PX, side);
    const centre = (panel.x + ((index % grid.columns) + 0.5) * panel.cell) * player.zoom;
    const middle = (panel.y + (Math.floor(index / grid.columns) + 0.5) * panel.cell) * player.zoom;
    input.style.width = `${width}px`;
    input.style.height = `${Math.max(30, side)}px`;
    const most = picture.clientWidth - box.offsetWidth; // with the button for the sign
    const left = Math.max(0, Math.min(most, centre - width / 2));
    box.style.left = `${picture.offsetLeft + left}px`;
    box.style.top = `${picture.offsetTop + middle}px`;
  }

  /** Keeps what the cell is linked to outlined while its field is open. */
  pin() {
    if (!this.field) return;
    const { trace, grid, index } = this.field.place;
    const cell = grid.firstId + index;
    this.player.pinned = { step: null, cells: [{ trace, cell }] };
    this.player.outlines = null;
    this.player.changed();
  }

  complain(sentence) {
    const { problem, input } = this.field;
    problem.textContent = sentence;
    input.setAttribute("aria-invalid", String(Boolean(sentence)));
  }

  /** Takes the number in the field; false, with the reason shown, if it is none. */
  commit() {
    const { place, input, before, value } = this.field;
    if (input.value === before) return true;
    const read = readNumber(input.value, this.about.limit);
    if (read.problem) {
      this.complain(`${read.problem} The cell keeps ${written(value)}.`);
      return false;
    }
    if (read.value !== value) {
      this.change(place, [[place.row, place.column, read.value]]);
      this.repaint(place);
    }
    this.field.before = input.value;
    return true;
  }

  /** The focus has gone elsewhere: the number counts, unless it is none. */
  leave() {
    if (!this.field) return;
    if (!this.commit()) this.say(this.field.problem.textContent);
    this.close();
  }

  close() {
    if (!this.field) return;
    const { box } = this.field;
    this.field = null;
    box.remove();
    this.player.pinned = null;
    this.player.outlines = null;
    this.player.changed();
  }

  /** Closes the field and gives the keys back to the picture, or to the cell as one of a grid. */
  finish() {
    const { looking, parts } = this.player;
    const { trace, grid, index } = this.field.place;
    this.close();
    if (looking.on) looking.goTo(trace, grid.firstId + index);
    else parts.picture.focus({ preventScroll: true });
  }

  goTo(place) {
    if (place) this.open(place);
    else this.finish();
  }

  onFieldKey(event) {
    event.stopPropagation(); // neither the player's keys nor Streamlit's
    const { key, shiftKey } = event;
    const { place, input, before } = this.field;
    const { grid } = place;
    const move = (find) => {
      event.preventDefault();
      if (this.commit()) this.goTo(find());
    };
    const [start, end] = [input.selectionStart, input.selectionEnd];
    const all = start === 0 && end === input.value.length;
    if (key === "Escape") {
      event.preventDefault();
      this.finish();
    } else if (key === "Enter" || key === "Tab") {
      move(() => this.follow(shiftKey ? -1 : 1));
    } else if (key === "ArrowUp" || key === "ArrowDown") {
      move(() => this.beside(0, key === "ArrowUp" ? -1 : 1));
    } else if (key === "ArrowLeft" && (all || (start === 0 && end === 0))) {
      move(() => this.beside(-1, 0));
    } else if (key === "ArrowRight" && (all || start === input.value.length)) {
      move(() => this.beside(1, 0));
    } else if (key === "PageDown" || key === "PageUp") {
      move(() => this.firstOf(grid, key === "PageDown" ? 1 : -1));
    } else if (event.ctrlKey || event.metaKey) {
      if (input.value === before && this.shortcut(event)) this.player.parts.picture.focus();
    }
  }

  /** The next cell of the grid, row by row; null after the last. */
  follow(by) {
    const { grid, index } = this.field.place;
    const shown = this.shownGrids().find((each) => each.grid.key === grid.key);
    for (let next = index + by; shown && next >= 0 && next < grid.values.length; next += by) {
      const place = this.placeOf(shown, next);
      if (place) return place;
    }
    return null;
  }

  /** The neighbour of a cell, or the cell itself at the edge. */
  beside(across, down) {
    const { grid, index } = this.field.place;
    const column = (index % grid.columns) + across;
    const row = Math.floor(index / grid.columns) + down;
    const shown = this.shownGrids().find((each) => each.grid.key === grid.key);
    const inside = column >= 0 && column < grid.columns && row >= 0 && row < grid.rows;
    const place = shown && inside ? this.placeOf(shown, row * grid.columns + column) : null;
    return place ?? this.field.place;
  }

  /** The first cell of the next grid that can be edited; without `after`, of the first one. */
  firstOf(after = null, by = 1) {
    const firsts = new Map();
    for (const shown of this.shownGrids()) {
      if (shown.about.refusal || firsts.has(shown.grid.key)) continue;
      for (let index = 0; index < shown.grid.values.length; index++) {
        const place = this.placeOf(shown, index);
        if (!place) continue;
        firsts.set(shown.grid.key, place);
        break;
      }
    }
    const places = [...firsts.values()];
    if (after) {
      const at = places.findIndex(({ grid }) => grid.key === after.key);
      return places[(at + by + places.length) % places.length] ?? null;
    }
    return places.find(({ about }) => about.brush === null) ?? places[0] ?? null;
  }

  // Keys

  onKey(event) {
    if (!this.on || this.field?.input === event.composedPath()[0]) return;
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey) {
      if (!(target instanceof HTMLTextAreaElement)) this.shortcut(event);
      return;
    }
    if (target !== this.player.parts.picture || event.altKey) return;
    const { pinned, pointing } = this.player;
    const cell = (pointing ?? pinned)?.cells[0];
    const chosen = cell && this.placeOfCell(cell);
    const types = pinned && chosen && /^[0-9]$/.test(key);
    if (key !== "e" && key !== "Enter" && !types) return;
    event.preventDefault();
    event.stopPropagation();
    const place = chosen || this.firstOf();
    if (place) this.open(place, types ? key : null);
  }

  /** Ctrl+Z and Ctrl+Shift+Z or Ctrl+Y; whether it was one of them. */
  shortcut(event) {
    const key = event.key.toLowerCase();
    const redo = key === "y" || (key === "z" && event.shiftKey);
    if (key !== "z" && !redo) return false;
    event.preventDefault();
    event.stopPropagation();
    if (redo) this.redo();
    else this.undo();
    return true;
  }

  placeOfCell({ trace, cell }) {
    const shown = this.shownGrids().find(
      ({ index, grid }) => index === trace && cell >= grid.firstId && cell < grid.firstId + grid.values.length,
    );
    return shown ? this.placeOf(shown, cell - shown.grid.firstId) : null;
  }

  // Painting

  /** Begins a stroke; a cell that already has the brush's value is cleared. */
  startStroke(place) {
    const { brush } = place.about;
    const value = place.grid.values[place.index] === brush ? 0 : brush;
    this.stroke = { place, value, cells: new Map(), last: null, sent: 0, joins: false };
    this.extendStroke(place);
  }

  /** Paints on to a cell of the same grid; `null` is outside of it. */
  extendStroke(place) {
    const { stroke } = this;
    if (!place || place.grid.key !== stroke.place.grid.key) {
      stroke.last = null;
      return;
    }
    for (const [row, column] of between(stroke.last ?? place, place)) {
      const key = `${row} ${column}`;
      if (stroke.cells.has(key)) continue;
      stroke.cells.set(key, [row, column, stroke.value]);
      this.put(place.grid.key, row, column, stroke.value);
    }
    stroke.last = place;
    this.repaint(place);
    if (performance.now() - (stroke.at ?? performance.now()) >= SENT_EVERY_MS) this.sendStroke();
    stroke.at ??= performance.now();
  }

  sendStroke() {
    const { stroke } = this;
    const cells = [...stroke.cells.values()].slice(stroke.sent);
    if (!cells.length) return;
    this.send({ grid: stroke.place.grid.key, cells, joins: stroke.joins });
    Object.assign(stroke, { sent: stroke.cells.size, joins: true, at: performance.now() });
  }

  endStroke() {
    if (!this.stroke) return;
    this.sendStroke();
    this.stroke = null;
  }

  // Drawing

  /** Draws the grids with a key again, in all figures. */
  repaint({ grid: { key } }) {
    const { ground, overlay, places } = this.player;
    for (const panel of places.panels) {
      const members = panel.members?.filter(({ grid }) => grid.key === key) ?? [];
      for (const { grid } of members) {
        ground.painter.styles.delete(grid);
        overlay.painter.styles.delete(grid);
      }
      if (members.length) ground.paintPanel(panel);
    }
    this.player.requestFrame();
  }

  /** Says something beside the buttons for a moment. */
  say(sentence) {
    this.said.textContent = sentence;
    this.hint.hidden = Boolean(sentence);
    clearTimeout(this.silence);
    if (sentence) this.silence = setTimeout(() => this.say(""), SAID_MS);
  }
}

function isSource({ trace, grid }) {
  return Boolean(trace.sources) && trace.sources[0] === grid.firstId;
}

/** The index of a cell in its grid by its labels, -1 if there is none. */
function indexOf(grid, row, column) {
  const [down, across] = [grid.rowLabels.indexOf(row), grid.columnLabels.indexOf(column)];
  return down < 0 || across < 0 ? -1 : down * grid.columns + across;
}

/** The cells on a straight line from one to another, with both. */
function between(from, to) {
  const [down, across] = [to.row - from.row, to.column - from.column];
  const steps = Math.max(Math.abs(down), Math.abs(across), 1);
  return Array.from({ length: steps + 1 }, (_, i) => [
    from.row + Math.round((down * i) / steps),
    from.column + Math.round((across * i) / steps),
  ]);
}
