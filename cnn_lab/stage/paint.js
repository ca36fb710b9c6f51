// The layer that stands still: cells, numbers, hatching, axes, headings and the legend.

import { css, isLight, mix } from "./theme.js";
import { AXIS } from "./boxes.js";
import { PADDING, UNREAD, WINNER } from "./wire.js";
import { formatNumber } from "./words.js";

const FONT = { title: 16, subtitle: 13, join: 22, axis: 11, legend: 12.5 };
const SMALLEST_NUMBER = 9.5;
const LARGEST_NUMBER = 19;
const GAPLESS_BELOW = 14;
const SAMPLE = 2000;

/** @param {import("./theme.js").Theme} theme */
export function fontOf(theme, role) {
  const family = role === "title" || role === "join" ? theme.headingFont : theme.font;
  return `${role === "title" ? "600 " : ""}${FONT[role]}px ${family}`;
}

/** Two hatchings that lean against each other, one for padding and one for what is never read. */
function makeHatches(context, theme, ratio) {
  const draw = (rising) => {
    const tile = document.createElement("canvas");
    const size = Math.round(7 * ratio);
    tile.width = tile.height = size;
    const pen = tile.getContext("2d");
    pen.strokeStyle = css(mix(theme.backgroundRgb, theme.textRgb, 0.45));
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

  /** How the numbers of a grid look at a cell size; null where they do not fit. */
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
      const roomy = cell * (cell < 30 ? 0.5 : 0.42);
      const size = Math.min(LARGEST_NUMBER, roomy, ((cell - 5) / widest) * 100);
      if (size >= SMALLEST_NUMBER) return { precision, font: `${size}px ${theme.font}` };
    }
    return null;
  }

  /** Colour of a cell as numbers; padding steps back. */
  cellColour(grid, index, hasNumber) {
    const mask = grid.mask ? grid.mask[index] : 0;
    if (!hasNumber) return mix(this.theme.backgroundRgb, this.theme.textRgb, 0.04);
    const value = (grid.shown ?? grid.values)[index];
    const colour = this.theme.colour(value, grid.scale);
    if (mask & PADDING) {
      const neutral = mix(this.theme.backgroundRgb, this.theme.textRgb, 0.04);
      return value === 0 ? neutral : mix(colour, neutral, 0.55);
    }
    return mask & UNREAD ? mix(colour, this.theme.backgroundRgb, 0.5) : colour;
  }

  /** One cell at any place: colour, hatching, number (raised by `lift` pixels). */
  drawCell(grid, index, x, y, size, trace, lift = 0) {
    const { context } = this;
    const mask = grid.mask ? grid.mask[index] : 0;
    const inner = size >= GAPLESS_BELOW ? size - 1 : size;
    context.fillStyle = css(this.cellColour(grid, index, hasNumber(mask, trace)));
    context.fillRect(x, y, inner, inner);
    if (mask & PADDING) this.fillHatch("padding", x, y, inner);
    if (mask & UNREAD) this.fillHatch("unread", x, y, inner);
    if (mask & WINNER) this.drawRing(x, y, size, this.theme.text, size >= GAPLESS_BELOW ? 1.5 : 1);
    this.drawNumber(grid, index, x, y - lift, size, trace);
  }

  /** The number of a cell, if it has one and there is room. */
  drawNumber(grid, index, x, y, size, trace) {
    const { context } = this;
    const mask = grid.mask ? grid.mask[index] : 0;
    const style = hasNumber(mask, trace) ? this.numberStyle(grid, size) : null;
    if (!style) return;
    const colour = this.cellColour(grid, index, true);
    const text = formatNumber((grid.shown ?? grid.values)[index], style.precision, false);
    const middle = (size >= GAPLESS_BELOW ? size - 1 : size) / 2;
    context.font = style.font;
    context.textAlign = "center";
    context.textBaseline = "middle";
    if (mask & ~WINNER) {
      context.strokeStyle = css(colour);
      context.lineWidth = 4;
      context.lineJoin = "round";
      context.strokeText(text, x + middle, y + middle + 0.5);
    }
    context.fillStyle = isLight(colour) ? "#1b1917" : "#faf7f1";
    context.fillText(text, x + middle, y + middle + 0.5);
  }

  fillHatch(name, x, y, size) {
    this.context.fillStyle = this.hatches[name];
    this.context.fillRect(x, y, size, size);
  }

  /** A result cell that has not been reached. */
  drawEmpty(x, y, size) {
    const inner = size >= GAPLESS_BELOW ? size - 1 : size;
    this.context.clearRect(x, y, inner, inner);
    this.context.fillStyle = this.theme.empty;
    this.context.fillRect(x, y, inner, inner);
  }

  /**
   * A whole panel.
   * @param {import("./layout.js").Panel} panel
   * @param {import("./wire.js").Grid} grid the one of its members to show
   * @param {import("./wire.js").Trace} trace
   * @param {(index: number) => boolean} isFilled whether a result cell has been reached
   */
  drawPanel(panel, grid, trace, isFilled) {
    const { cell } = panel;
    for (let index = 0; index < grid.values.length; index++) {
      const x = panel.x + (index % panel.columns) * cell;
      const y = panel.y + Math.floor(index / panel.columns) * cell;
      if (isFilled(index)) this.drawCell(grid, index, x, y, cell, trace);
      else this.drawEmpty(x, y, cell);
    }
    this.drawFrame(panel);
    this.drawAxes(panel, grid);
  }

  drawFrame({ x, y, columns, rows, cell }) {
    const trim = cell >= GAPLESS_BELOW ? 1 : 0;
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
    context.font = fontOf(this.theme, "axis");
    context.fillStyle = this.theme.muted;
    context.textBaseline = "alphabetic";
    const every = (space, labels) => {
      const steps = [1, 2, 5, 10, 20, 50];
      const step = steps.find((n) => n * panel.cell >= space) ?? 100;
      return labels.map((label, i) => ({ label, i })).filter(({ label }) => label % step === 0);
    };
    context.textAlign = "center";
    for (const { label, i } of panel.axes.top < AXIS.top ? [] : every(20, grid.columnLabels)) {
      const text = String(label).replace("-", "−");
      context.fillText(text, panel.x + (i + 0.5) * panel.cell, panel.y - 5);
    }
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const { label, i } of panel.axes.left < AXIS.left ? [] : every(14, grid.rowLabels)) {
      const text = String(label).replace("-", "−");
      context.fillText(text, panel.x - 6, panel.y + (i + 0.5) * panel.cell);
    }
  }

  /** Title and subtitle above a panel. */
  drawHeading(panel, title, subtitle) {
    let y = panel.headY;
    this.context.clearRect(panel.headX, y, panel.headWidth, panel.y - y - 16);
    if (panel.title) {
      y += 16;
      this.drawText({ text: title, role: "title", x: panel.headX, y });
      y += 6;
    }
    if (!panel.subtitle) return;
    this.drawText({ text: subtitle, role: "subtitle", x: panel.headX, y: y + 12 });
  }

  drawText({ text, role, x, y }) {
    const { context } = this;
    context.font = text === "·" ? `40px ${this.theme.font}` : fontOf(this.theme, role);
    context.fillStyle = role === "subtitle" ? this.theme.muted : this.theme.text;
    context.textAlign = role === "join" ? "center" : "left";
    context.textBaseline = role === "join" ? "middle" : "alphabetic";
    context.fillText(text, x, y);
  }

  /** A winner: its ring, and its number once more on top. */
  drawWinner(grid, index, x, y, size, colour, width) {
    this.drawRing(x, y, size, colour, width);
    this.drawNumber(grid, index, x, y, size, null);
  }

  drawRing(x, y, size, colour, width) {
    const { context } = this;
    const inner = size >= GAPLESS_BELOW ? size - 1 : size;
    const inset = Math.max(1.5, inner * 0.07);
    const side = inner - 2 * inset;
    context.beginPath();
    context.roundRect(x + inset, y + inset, side, side, side * 0.42);
    context.strokeStyle = this.theme.background;
    context.lineWidth = width + 2;
    context.stroke();
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke();
  }
}

/** Padding that takes no part in the result has no number. */
function hasNumber(mask, trace) {
  return !(trace?.skipPadding && mask & PADDING);
}

/** The longest numbers of a grid as texts; of a very large grid, of a sample. */
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
