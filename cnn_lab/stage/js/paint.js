// Painting of the static layer: cells, numbers, hatching, axes, headings and the legend.

import LOOK from "../layout.json" with { type: "json" };
import { axesOf } from "./boxes.js";
import { css, isLight, mix } from "./theme.js";
import { PADDING, UNREAD, WINNER, isHidden } from "./wire.js";
import { HIDDEN, formatNumber } from "./words.js";

const { font: FONT, number: NUMBER, axis: AXIS, ring: RING } = LOOK;
const SAMPLE = 2000;

/** @param {import("./theme.js").Theme} theme */
export function fontOf(theme, role) {
  const family = role === "title" || role === "join" ? theme.headingFont : theme.font;
  return `${role === "title" ? "600 " : ""}${FONT[role]}px ${family}`;
}

/** Two hatchings in opposite directions, one for padding and one for unread cells. */
function makeHatches(context, theme, ratio) {
  const draw = (rising) => {
    const tile = document.createElement("canvas");
    const size = Math.round(LOOK.hatch * ratio);
    tile.width = tile.height = size;
    const pen = tile.getContext("2d");
    pen.strokeStyle = css(theme.tint(LOOK.shade.hatch));
    pen.lineWidth = ratio;
    pen.beginPath();
    for (const shift of [-size, 0, size]) {
      pen.moveTo(shift, rising ? size : 0);
      pen.lineTo(shift + size, rising ? 0 : size);
    }
    pen.stroke();
    const pattern = context.createPattern(tile, "repeat");
    pattern.setTransform(new DOMMatrix().scale(1 / ratio));
    return pattern;
  };
  return { padding: draw(true), unread: draw(false) };
}

/** Draws panels on one canvas context whose unit is the CSS pixel. */
export class Painter {
  /**
   * @param {CanvasRenderingContext2D} context
   * @param {import("./theme.js").Theme} theme
   * @param {number} ratio device pixels per CSS pixel
   */
  constructor(context, theme, ratio) {
    this.context = context;
    this.theme = theme;
    this.hatches = makeHatches(context, theme, ratio);
    this.styles = new WeakMap();
  }

  /** The style of a grid's numbers at a cell size; null if they do not fit. */
  numberStyle(grid, cell) {
    if (!this.styles.has(grid)) this.styles.set(grid, new Map());
    const sizes = this.styles.get(grid);
    if (!sizes.has(cell)) sizes.set(cell, this.fitNumbers(grid, cell));
    return sizes.get(cell);
  }

  fitNumbers(grid, cell) {
    const { context, theme } = this;
    const values = grid.extent ?? grid.values;
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const digits = [grid.decimals, 2, 1].filter(
      (decimals, i) => i === 0 || (decimals < grid.decimals && largest * 10 ** decimals >= 10),
    );
    for (const decimals of digits) {
      const precision = { decimals, exact: grid.exact && decimals === grid.decimals };
      context.font = `100px ${theme.font}`;
      const widest = longest(values, precision).reduce(
        (most, text) => Math.max(most, context.measureText(text).width),
        1,
      );
      const { share, margin } = NUMBER;
      const roomy = cell * (cell < share.from ? share.small : share.large);
      const size = Math.min(NUMBER.largest, roomy, ((cell - margin) / widest) * 100);
      if (size >= NUMBER.smallest) return { precision, font: `${size}px ${theme.font}` };
    }
    return null;
  }

  /** Colour of a cell as numbers; padding is fainter. */
  cellColour(grid, index, hasNumber) {
    const mask = grid.mask ? grid.mask[index] : 0;
    const neutral = this.theme.tint(LOOK.shade.padding);
    if (!hasNumber) return neutral;
    const value = (grid.shown ?? grid.values)[index];
    const colour = this.theme.colour(value, grid.scale);
    if (mask & PADDING) return value === 0 ? neutral : mix(colour, neutral, LOOK.fade.padding);
    return mask & UNREAD ? mix(colour, this.theme.backgroundRgb, LOOK.fade.unread) : colour;
  }

  /** One cell at any place: colour, hatching, number (raised by `lift` pixels). */
  drawCell(grid, index, x, y, size, trace, lift = 0) {
    if (isHidden(grid, index)) {
      this.drawHidden(x, y, size);
      return;
    }
    const { context } = this;
    const mask = grid.mask ? grid.mask[index] : 0;
    const inner = innerOf(size);
    context.fillStyle = css(this.cellColour(grid, index, hasNumber(mask, trace)));
    context.fillRect(x, y, inner, inner);
    if (mask & PADDING) this.fillHatch("padding", x, y, inner);
    if (mask & UNREAD) this.fillHatch("unread", x, y, inner);
    if (mask & WINNER) this.drawRing(x, y, size, "done");
    this.drawNumber(grid, index, x, y - lift, size, trace);
  }

  /** The number of a cell, if it has one and it fits. */
  drawNumber(grid, index, x, y, size, trace) {
    const { context } = this;
    const mask = grid.mask ? grid.mask[index] : 0;
    const style = hasNumber(mask, trace) ? this.numberStyle(grid, size) : null;
    if (!style) return;
    const colour = this.cellColour(grid, index, true);
    const text = formatNumber((grid.shown ?? grid.values)[index], style.precision, false);
    const middle = innerOf(size) / 2;
    context.font = style.font;
    context.textAlign = "center";
    context.textBaseline = "middle";
    if (mask & ~WINNER) {
      context.strokeStyle = css(colour);
      context.lineWidth = 2 * NUMBER.halo;
      context.lineJoin = "round";
      context.strokeText(text, x + middle, y + middle + 0.5);
    }
    context.fillStyle = css(isLight(colour) ? LOOK.text.dark : LOOK.text.light);
    context.fillText(text, x + middle, y + middle + 0.5);
  }

  fillHatch(name, x, y, size) {
    this.context.fillStyle = this.hatches[name];
    this.context.fillRect(x, y, size, size);
  }

  /** An output cell that has not been reached. */
  drawEmpty(x, y, size) {
    const inner = innerOf(size);
    this.context.clearRect(x, y, inner, inner);
    this.context.fillStyle = this.theme.empty;
    this.context.fillRect(x, y, inner, inner);
  }

  /** A cell whose value a question has taken away: a question mark in a dashed frame. */
  drawHidden(x, y, size) {
    const { context, theme } = this;
    this.drawEmpty(x, y, size);
    const inner = innerOf(size);
    context.save();
    context.strokeStyle = theme.muted;
    context.lineWidth = 1;
    context.setLineDash(LOOK.hidden.dash);
    const inset = Math.max(1, inner * LOOK.hidden.inset);
    context.strokeRect(x + inset, y + inset, inner - 2 * inset, inner - 2 * inset);
    context.restore();
    const font = Math.min(NUMBER.largest, inner * LOOK.hidden.share);
    if (font < NUMBER.smallest) return;
    context.font = `${font}px ${theme.font}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillStyle = theme.text;
    context.fillText(HIDDEN, x + inner / 2, y + inner / 2 + 0.5);
  }

  /**
   * A whole panel.
   * @param {import("./layout.js").Panel} panel
   * @param {import("./wire.js").Grid} grid the member to show
   * @param {import("./wire.js").Trace} trace
   * @param {(index: number) => boolean} isFilled whether an output cell has been reached
   */
  drawPanel(panel, grid, trace, isFilled) {
    const { cell } = panel;
    for (let index = 0; index < grid.values.length; index++) {
      const x = panel.x + (index % panel.columns) * cell;
      const y = panel.y + Math.floor(index / panel.columns) * cell;
      if (isFilled(index) || isHidden(grid, index)) this.drawCell(grid, index, x, y, cell, trace);
      else this.drawEmpty(x, y, cell);
    }
    this.drawFrame(panel);
    this.drawAxes(panel, grid);
  }

  drawFrame({ x, y, columns, rows, cell }) {
    const trim = cell - innerOf(cell);
    this.context.strokeStyle = this.theme.line;
    this.context.lineWidth = 1;
    this.context.strokeRect(
      x - 0.5 - trim,
      y - 0.5 - trim,
      columns * cell + 1 + trim,
      rows * cell + 1 + trim,
    );
  }

  drawAxes(panel, grid) {
    const { context } = this;
    const { rows, columns } = axesOf(panel);
    context.font = fontOf(this.theme, "axis");
    context.fillStyle = this.theme.muted;
    context.textBaseline = "alphabetic";
    const every = (space, labels) => {
      const step = AXIS.every.find((n) => n * panel.cell >= space) ?? AXIS.every.at(-1);
      return labels.map((label, i) => ({ label, i })).filter(({ label }) => label % step === 0);
    };
    context.textAlign = "center";
    for (const { label, i } of columns ? every(AXIS.column, grid.columnLabels) : []) {
      const text = String(label).replace("-", "−");
      context.fillText(text, panel.x + (i + 0.5) * panel.cell, panel.y - AXIS.above);
    }
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const { label, i } of rows ? every(AXIS.row, grid.rowLabels) : []) {
      const text = String(label).replace("-", "−");
      context.fillText(text, panel.x - AXIS.left, panel.y + (i + 0.5) * panel.cell);
    }
  }

  /** Clears a panel, and writes title and subtitle above it. */
  drawHeading(panel, title, subtitle) {
    const { x, headY: top, left, right } = panel;
    const bottom = panel.y + panel.rows * panel.cell + 1;
    this.context.clearRect(left, top, right - left, bottom - top);
    if (title) this.drawText({ text: title, role: "title", x, y: top + LOOK.baseline.title });
    const y = top + (title ? LOOK.box.title : 0) + LOOK.baseline.subtitle;
    if (subtitle) this.drawText({ text: subtitle, role: "subtitle", x, y });
  }

  drawText({ text, role, x, y }) {
    const { context } = this;
    context.font = text === "·" ? `${FONT.dot}px ${this.theme.font}` : fontOf(this.theme, role);
    context.fillStyle = role === "subtitle" ? this.theme.muted : this.theme.text;
    context.textAlign = role === "join" ? "center" : "left";
    context.textBaseline = role === "join" ? "middle" : "alphabetic";
    context.fillText(text, x, y);
  }

  /** A winner: its ring, and its number again on top. */
  drawWinner(grid, index, x, y, size, when) {
    this.drawRing(x, y, size, when);
    this.drawNumber(grid, index, x, y, size, null);
  }

  /** The ring of a winner, of the current or an earlier step. */
  drawRing(x, y, size, when) {
    const { context, theme } = this;
    const width = size >= LOOK.cells.gaps ? RING[when].wide : RING[when].thin;
    const inner = innerOf(size);
    const inset = Math.max(RING.inset.least, inner * RING.inset.share);
    const side = inner - 2 * inset;
    context.beginPath();
    context.roundRect(x + inset, y + inset, side, side, side * RING.corner);
    context.strokeStyle = theme.background;
    context.lineWidth = width + RING.rim;
    context.stroke();
    context.strokeStyle = when === "now" ? theme.now : theme.text;
    context.lineWidth = width;
    context.stroke();
  }
}

/** The side of a cell without the gap to the next; small cells have none. */
function innerOf(size) {
  return size >= LOOK.cells.gaps ? size - 1 : size;
}

/** Padding that does not count has no number. */
function hasNumber(mask, trace) {
  return !(trace?.skipPadding && mask & PADDING);
}

/** The longest numbers of a grid as texts; of a very large grid, from a sample. */
function longest(values, precision) {
  const stride = Math.ceil(values.length / SAMPLE);
  const texts = new Set();
  let length = 0;
  for (let i = 0; i < values.length; i += stride) {
    const text = formatNumber(values[i], precision, false);
    if (text.length > length) {
      length = text.length;
      texts.clear();
    }
    if (text.length === length && texts.size < 20) texts.add(text);
  }
  return [...texts];
}
