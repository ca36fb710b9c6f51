// The cells as a grid for the keyboard and for screen readers: one grid of the picture at a time, of
// transparent elements that lie over its cells.
//
// A cell that has the focus is outlined like one under the pointer, and Enter does what a click does.

import LOOK from "../layout.json" with { type: "json" };
import { element } from "./kit.js";
import { shownMember } from "./ground.js";
import { totalsSoFar } from "./tables.js";
import { PADDING, UNREAD, WINNER, isHidden, isResult } from "./wire.js";
import { formatNumber, nameOf, signed } from "./words.js";

const KEYS =
  " G goes to the cells one by one: the arrow keys move, Page Down goes to the next grid, Enter " +
  "chooses a cell, Escape comes back.";

export class Looking {
  /** @param {Object} player */
  constructor(player) {
    this.player = player;
    this.here = null; // the grid that is looked at: its panel, trace, key and the cell in it
    this.start = element("button", { type: "button", class: "look" }, ["Look around the cells"]);
    this.start.onclick = () => this.open();
    this.box = element("div", { class: "looking", role: "grid" });
    this.box.hidden = true;
    this.box.onkeydown = (event) => this.onKey(event);
    this.box.addEventListener("focusin", ({ target }) => this.entered(target));
    this.box.addEventListener("focusout", () => player.point(null));
    player.parts.picture.after(this.start, this.box);
    player.root.querySelector("#stage-keys").append(KEYS);
  }

  get on() {
    return this.here !== null;
  }

  get hasFocus() {
    return this.box.contains(this.player.root.getRootNode().activeElement);
  }

  /** The grids that can be seen, each with its panel; a lens repeats cells and is left out. */
  grids() {
    const { places } = this.player;
    const filters = this.player.filtersNow();
    const panels = places ? places.panels.filter(({ members }) => members) : [];
    return panels.map((panel) => ({ panel, ...shownMember(panel, filters) }));
  }

  /** Begins at the cell that is singled out or asked for, or at the one that the step is about. */
  open() {
    const { target, asked, traces, step } = this.player;
    const now = { trace: 0, cell: traces[0].leads[step] };
    const { trace, cell } = target?.cells[0] ?? asked ?? now;
    this.goTo(trace, cell);
  }

  /** Goes to a cell by its id in a trace. */
  goTo(trace, cell) {
    const grids = this.grids();
    const holds = ({ grid }) => cell >= grid.firstId && cell < grid.firstId + grid.values.length;
    const found = grids.find((each) => each.trace === trace && holds(each)) ?? grids[0];
    if (!found) return;
    this.show(found, holds(found) ? cell - found.grid.firstId : 0);
    this.focus();
  }

  close() {
    if (!this.on) return;
    const had = this.hasFocus;
    this.here = null;
    this.box.hidden = true;
    this.box.replaceChildren();
    this.start.hidden = false;
    if (had) this.player.parts.picture.focus({ preventScroll: true });
  }

  focus() {
    this.cells[this.here.index].focus();
  }

  /** Builds the elements of a grid; one of its cells can be reached by Tab. */
  show({ panel, trace, grid }, index) {
    this.here = { panel, trace, grid, index, key: grid.key };
    const { rows, columns } = grid;
    this.cells = Array.from(grid.values, () =>
      element("div", { role: "gridcell", tabindex: "-1" }),
    );
    this.cells[index].tabIndex = 0;
    const lines = Array.from({ length: rows }, (_, row) =>
      element("div", { role: "row" }, this.cells.slice(row * columns, (row + 1) * columns)),
    );
    const size = `${rows} ${rows === 1 ? "row" : "rows"}, ${columns} ${columns === 1 ? "column" : "columns"}`;
    const lead = this.player.traces.length > 1 ? `${this.player.traces[trace].name}: ` : "";
    this.box.setAttribute("aria-label", `${lead}${nameOf(grid)}, ${size}`);
    this.box.replaceChildren(...lines);
    this.box.hidden = false;
    this.start.hidden = true;
    this.place();
    this.label();
  }

  /** Lays the elements over the cells of the picture. */
  place() {
    const { player, box } = this;
    const { x, y, cell } = this.here.panel;
    const { picture } = player.parts;
    box.style.left = `${picture.offsetLeft + x * player.zoom}px`;
    box.style.top = `${picture.offsetTop + y * player.zoom}px`;
    box.style.setProperty("--side", `${cell * player.zoom}px`);
  }

  /** The picture has been laid out again, perhaps with other numbers. */
  arrange() {
    if (!this.on) return;
    const { trace, key, grid: before, index } = this.here;
    const found = this.grids().find((each) => each.trace === trace && each.grid.key === key);
    if (!found) {
      this.close();
      return;
    }
    const row = Math.min(Math.floor(index / before.columns), found.grid.rows - 1);
    const column = Math.min(index % before.columns, found.grid.columns - 1);
    const had = this.hasFocus;
    this.show(found, row * found.grid.columns + column);
    if (had) this.focus();
  }

  /** A step later, cells say something else, and another filter may be shown. */
  refresh() {
    if (!this.on) return;
    const shown = this.grids().find(({ panel }) => panel === this.here.panel);
    if (shown?.grid !== this.here.grid) this.follow(shown);
    else if (this.labelled !== this.player.step) this.label();
  }

  follow(shown) {
    const had = this.hasFocus;
    if (shown) this.show(shown, Math.min(this.here.index, shown.grid.values.length - 1));
    else this.close();
    if (had && this.on) this.focus();
  }

  label() {
    const { player } = this;
    const trace = player.traces[this.here.trace];
    const totals = totalsSoFar(trace, player.stepOf(this.here.trace));
    this.labelled = player.step;
    this.cells.forEach((cell, index) => {
      const text = this.textOf(trace, index, totals);
      if (cell.getAttribute("aria-label") !== text) cell.setAttribute("aria-label", text);
    });
  }

  /** The value first, then where it is, then what is special about it. */
  textOf(trace, index, totals) {
    const { grid } = this.here;
    const mask = grid.mask ? grid.mask[index] : 0;
    const row = signed(grid.rowLabels[Math.floor(index / grid.columns)]);
    const column = signed(grid.columnLabels[index % grid.columns]);
    const parts = [this.valueOf(trace, index, totals), `row ${row}, column ${column}`];
    if (mask & PADDING) parts.push(trace.paddingName.toLowerCase());
    if (mask & UNREAD) parts.push(LOOK.words.unread.toLowerCase());
    if (mask & WINNER) parts.push(LOOK.words.winner.toLowerCase());
    const step = trace.stepOfCell[grid.firstId + index];
    if (isResult(grid) && step > this.player.step) parts.push(`at step ${step + 1}`);
    const { asked } = this.player;
    const isAsked = asked?.trace === this.here.trace && asked.cell === grid.firstId + index;
    if (isAsked) parts.push(LOOK.words.asked.toLowerCase());
    return parts.filter(Boolean).join(", ");
  }

  valueOf(trace, index, totals) {
    const { grid } = this.here;
    const cell = grid.firstId + index;
    if (isHidden(grid, index)) return LOOK.words.hidden;
    if (grid.role === "output" && trace.targets) {
      return totals.has(cell) ? formatNumber(totals.get(cell), grid) : "nothing added yet";
    }
    const pads = Boolean(grid.mask) && grid.mask[index] & PADDING;
    return pads && trace.skipPadding ? "" : formatNumber(grid.values[index], grid);
  }

  // Keys

  entered(target) {
    const index = this.cells.indexOf(target);
    if (index < 0) return;
    this.cells[this.here.index].tabIndex = -1;
    target.tabIndex = 0;
    this.here.index = index;
    this.player.point(this.target());
  }

  /** What a pointer on this cell would single out. */
  target() {
    const { player } = this;
    const { panel, grid, index } = this.here;
    const across = panel.x + ((index % grid.columns) + 0.5) * panel.cell;
    const down = panel.y + (Math.floor(index / grid.columns) + 0.5) * panel.cell;
    return player.targetAt(across * player.zoom, down * player.zoom);
  }

  onKey(event) {
    const { key, ctrlKey, metaKey, altKey } = event;
    if (altKey) return;
    const { grid, index } = this.here;
    const [row, column] = [Math.floor(index / grid.columns), index % grid.columns];
    const whole = ctrlKey || metaKey;
    const to = (down, across) => {
      const inRow = Math.max(0, Math.min(grid.columns - 1, across));
      const next = Math.max(0, Math.min(grid.rows - 1, down)) * grid.columns + inRow;
      this.cells[next].focus();
    };
    const corners = {
      Home: () => to(0, 0),
      End: () => to(grid.rows - 1, grid.columns - 1),
    };
    const moves = {
      ArrowLeft: () => to(row, column - 1),
      ArrowRight: () => to(row, column + 1),
      ArrowUp: () => to(row - 1, column),
      ArrowDown: () => to(row + 1, column),
      Home: () => to(row, 0),
      End: () => to(row, grid.columns - 1),
      PageDown: () => this.turn(1),
      PageUp: () => this.turn(-1),
      Enter: () => this.choose(),
      Escape: () => this.close(),
      g: () => this.close(),
    };
    const act = whole ? corners[key] : (moves[key] ?? this.edit(key));
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  /** What a key does to the number of a cell that can be edited. */
  edit(key) {
    const isDigit = /^[0-9]$/.test(key);
    const place = isDigit || key === "e" ? this.editable() : null;
    return place && (() => this.player.editing.open(place, isDigit ? key : null));
  }

  /** Goes to another grid. */
  turn(by) {
    const grids = this.grids();
    const at = grids.findIndex(({ panel }) => panel === this.here.panel);
    this.show(grids[(at + by + grids.length) % grids.length], 0);
    this.focus();
  }

  /** What a click does: a result sets the step, a weight is edited, another cell stays outlined. */
  choose() {
    const { editing } = this.player;
    const place = this.editable();
    if (place && editing.opensAt(place)) editing.open(place);
    else this.player.choose(this.target());
  }

  editable() {
    const { trace, grid, index } = this.here;
    const { editing } = this.player;
    return editing.on ? editing.placeOfCell({ trace, cell: grid.firstId + index }) : null;
  }
}
