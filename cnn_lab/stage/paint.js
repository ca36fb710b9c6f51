// The layer that stands still: cells, numbers, hatching, axes, headings and the legend.

import { css, isLight, mix } from "./theme.js";
import { PADDING, UNREAD } from "./wire.js";
import { formatNumber } from "./words.js";

export const FONT = { title: 16, subtitle: 13, join: 22, axis: 11, legend: 12.5 };
const SMALLEST_NUMBER = 9.5;
const LARGEST_NUMBER = 17;
const GAPLESS_BELOW = 14;

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
    this.styles = new Map();
  }

  /** How the numbers of a grid look at a cell size; null where they do not fit. */
  numberStyle(grid, cell) {
    const key = `${grid.key}:${cell}:${grid.filter}`;
    if (!this.styles.has(key)) this.styles.set(key, this.fitNumbers(grid, cell));
    return this.styles.get(key);
  }

  fitNumbers(grid, cell) {
    const digits = grid.exact ? [grid.decimals, 2, 1] : [grid.decimals, 1];
    for (const decimals of digits.filter((d, i) => i === 0 || d < grid.decimals)) {
      const precision = { decimals, exact: grid.exact && decimals === grid.decimals };
      this.context.font = `100px ${this.theme.font}`;
      let widest = 1;
      for (const value of extremes(grid.values)) {
        widest = Math.max(
          widest,
          this.context.measureText(formatNumber(value, precision, false)).width,
        );
      }
      const size = Math.min(LARGEST_NUMBER, cell * 0.44, ((cell - 5) / widest) * 100);
      if (size >= SMALLEST_NUMBER) return { precision, font: `${size}px ${this.theme.font}` };
    }
    return null;
  }

  /** Colour of a cell as numbers; padding steps back. */
  cellColour(grid, index, hasNumber) {
    const mask = grid.mask ? grid.mask[index] : 0;
    if (!hasNumber) return mix(this.theme.backgroundRgb, this.theme.textRgb, 0.04);
    const colour = this.theme.colour(grid.values[index], grid.scale);
    if (mask & PADDING) {
      const neutral = mix(this.theme.backgroundRgb, this.theme.textRgb, 0.04);
      return grid.values[index] === 0 ? neutral : mix(colour, neutral, 0.55);
    }
    return mask & UNREAD ? mix(colour, this.theme.backgroundRgb, 0.5) : colour;
  }

  /** One cell at any place: colour, hatching, number. */
  drawCell(grid, index, x, y, size, { skipPadding = false } = {}) {
    const { context } = this;
    const mask = grid.mask ? grid.mask[index] : 0;
    const hasNumber = !(skipPadding && mask & PADDING);
    const colour = this.cellColour(grid, index, hasNumber);
    const inner = size >= GAPLESS_BELOW ? size - 1 : size;
    context.fillStyle = css(colour);
    context.fillRect(x, y, inner, inner);
    if (mask & PADDING) this.fillHatch("padding", x, y, inner);
    if (mask & UNREAD) this.fillHatch("unread", x, y, inner);
    const style = hasNumber ? this.numberStyle(grid, size) : null;
    if (!style) return;
    const text = formatNumber(grid.values[index], style.precision, false);
    context.font = style.font;
    context.textAlign = "center";
    context.textBaseline = "middle";
    if (mask) {
      context.strokeStyle = css(colour);
      context.lineWidth = 4;
      context.lineJoin = "round";
      context.strokeText(text, x + inner / 2, y + inner / 2 + 0.5);
    }
    context.fillStyle = isLight(colour) ? "#1b1917" : "#faf7f1";
    context.fillText(text, x + inner / 2, y + inner / 2 + 0.5);
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
   * @param {{skipPadding: boolean, isFilled: (index: number) => boolean}} options
   */
  drawPanel(panel, grid, options) {
    const { cell } = panel;
    for (let index = 0; index < grid.values.length; index++) {
      const x = panel.x + (index % panel.columns) * cell;
      const y = panel.y + Math.floor(index / panel.columns) * cell;
      if (options.isFilled(index)) this.drawCell(grid, index, x, y, cell, options);
      else this.drawEmpty(x, y, cell);
    }
    this.drawFrame(panel);
    if (grid.role !== "bias") this.drawAxes(panel, grid);
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
    for (const { label, i } of every(20, grid.columnLabels)) {
      const text = String(label).replace("-", "−");
      context.fillText(text, panel.x + (i + 0.5) * panel.cell, panel.y - 5);
    }
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const { label, i } of every(14, grid.rowLabels)) {
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
    if (panel.subtitle) this.drawText({ text: subtitle, role: "subtitle", x: panel.headX, y: y + 12 });
  }

  drawText({ text, role, x, y }) {
    const { context } = this;
    context.font = fontOf(this.theme, role);
    context.fillStyle = role === "subtitle" ? this.theme.muted : this.theme.text;
    context.textAlign = role === "join" ? "center" : "left";
    context.textBaseline = role === "join" ? "middle" : "alphabetic";
    context.fillText(text, x, y);
  }

  /** A ring inside a cell: where a maximum came from. */
  drawRing(x, y, size, colour, width) {
    const { context } = this;
    const inner = size >= GAPLESS_BELOW ? size - 1 : size;
    const radius = Math.max(1.5, inner / 2 - Math.max(1.5, inner * 0.07));
    for (const [style, extra] of [
      [this.theme.background, 2],
      [colour, 0],
    ]) {
      context.beginPath();
      context.arc(x + inner / 2, y + inner / 2, radius, 0, 2 * Math.PI);
      context.strokeStyle = style;
      context.lineWidth = width + extra;
      context.stroke();
    }
  }

  /** Draws the legend's items at their places. */
  drawLegend(items, top) {
    const { context, theme } = this;
    for (const item of items) {
      const x = item.x;
      const y = top + item.y;
      context.font = fontOf(theme, "legend");
      context.textBaseline = "middle";
      context.textAlign = "left";
      if (item.kind === "ramp") {
        const { scale } = item;
        const low = scale.kind === "grey" ? 0 : -scale.limit;
        for (let i = 0; i < RAMP; i++) {
          const value = low + ((scale.limit - low) * i) / (RAMP - 1);
          context.fillStyle = css(theme.colour(value, scale));
          context.fillRect(x + item.lead + i, y + 3, 1.5, 12);
        }
        context.strokeStyle = theme.line;
        context.lineWidth = 1;
        context.strokeRect(x + item.lead - 0.5, y + 2.5, RAMP + 1, 13);
        context.fillStyle = theme.muted;
        context.fillText(item.before, x, y + 9.5);
        context.fillText(item.text, x + item.lead + RAMP + 6, y + 9.5);
        continue;
      }
      if (item.kind === "winner") {
        this.drawRing(x, y + 1, 16, theme.text, 1.5);
      } else {
        context.fillStyle = css(mix(theme.backgroundRgb, theme.textRgb, 0.04));
        context.fillRect(x, y + 2, 14, 14);
        this.fillHatch(item.kind, x, y + 2, 14);
        context.strokeStyle = theme.line;
        context.lineWidth = 1;
        context.strokeRect(x + 0.5, y + 2.5, 13, 13);
      }
      context.fillStyle = theme.muted;
      context.fillText(item.text, x + 21, y + 9.5);
    }
  }
}

const RAMP = 84;
const LEGEND_LINE = 24;

/**
 * What the legend says: each scale once, and the signs that occur.
 * @param {import("./wire.js").Trace[]} traces
 * @param {number} width
 * @param {(text: string, role: string) => number} measure
 */
export function legendOf(traces, width, measure) {
  const grids = traces.flatMap((trace) => trace.grids);
  const ramps = new Map();
  for (const grid of grids) {
    const name = { input: "Input", kernel: "Kernel", bias: "" }[grid.role] ?? "Result";
    const key = `${grid.scale.kind} ${grid.scale.limit}`;
    const ramp = ramps.get(key) ?? { kind: "ramp", scale: grid.scale, names: new Set(), grid };
    if (name) ramp.names.add(name);
    ramps.set(key, ramp);
  }
  const has = (bit) => grids.some((grid) => grid.mask && grid.mask.some((mask) => mask & bit));
  const items = [...ramps.values()].filter((ramp) => ramp.names.size);
  for (const item of items) {
    const limit = formatNumber(item.scale.limit, item.grid, false);
    const names = [...item.names].join(", ").toLowerCase();
    const label = names[0].toUpperCase() + names.slice(1);
    item.before = `${label} ${item.scale.kind === "grey" ? "0" : `−${limit}`}`;
    item.text = limit;
    item.lead = measure(item.before, "legend") + 6;
    item.width = item.lead + RAMP + 6 + measure(item.text, "legend");
  }
  const signs = [
    has(PADDING) && { kind: "padding", text: "Padding" },
    has(UNREAD) && { kind: "unread", text: "Never read" },
    traces.some((trace) => trace.winners) && { kind: "winner", text: "Largest of its window" },
  ].filter(Boolean);
  for (const sign of signs) sign.width = 21 + measure(sign.text, "legend");
  let x = 0;
  let y = 0;
  for (const item of [...items, ...signs]) {
    if (x > 0 && x + item.width > width) {
      x = 0;
      y += LEGEND_LINE;
    }
    Object.assign(item, { x, y });
    x += item.width + 26;
  }
  return { items: [...items, ...signs], height: y + LEGEND_LINE };
}

/** A few values that are among the longest when written: the largest of each sign and others. */
function extremes(values) {
  const sample = new Set();
  let low = values[0];
  let high = values[0];
  const step = Math.max(1, Math.floor(values.length / 64));
  values.forEach((value, i) => {
    if (value < low) low = value;
    if (value > high) high = value;
    if (i % step === 0) sample.add(value);
  });
  return [...sample, low, high];
}
