// The moving layer: the window, the travelling value, and what the pointer is over.

import LOOK from "../layout.json" with { type: "json" };
import { gridOf, locate, ofStep, windowOf, winnerOf } from "./wire.js";
import { formatNumber } from "./words.js";

const { cells: CELLS, outline: OUTLINE, weight: WEIGHT } = LOOK;

/** Which panel shows which grid. */
export class Places {
  /** @param {import("./layout.js").Panel[]} panels */
  constructor(panels) {
    this.panels = panels;
    this.byGrid = new Map();
    for (const panel of panels) {
      for (const { trace, grid } of panel.members ?? []) {
        this.byGrid.set(`${trace}:${grid.key}`, panel);
      }
    }
  }

  panelOf(traceIndex, grid) {
    return this.byGrid.get(`${traceIndex}:${grid.key}`);
  }

  /** The square of a cell on the canvas. */
  square(traceIndex, trace, cell) {
    const grid = gridOf(trace, cell);
    const panel = this.panelOf(traceIndex, grid);
    const index = cell - grid.firstId;
    return {
      panel,
      x: panel.x + (index % grid.columns) * panel.cell,
      y: panel.y + Math.floor(index / grid.columns) * panel.cell,
      size: panel.cell,
    };
  }

  /** The cell under a point, or null: the panel and the index of the cell in it. */
  at(x, y) {
    for (const panel of this.panels) {
      const column = Math.floor((x - panel.x) / panel.cell);
      const row = Math.floor((y - panel.y) / panel.cell);
      if (column >= 0 && column < panel.columns && row >= 0 && row < panel.rows) {
        return { panel, index: row * panel.columns + column };
      }
    }
    return null;
  }

  /**
   * The outlines around cells, one path per panel.
   * @returns {{panel: import("./layout.js").Panel, path: Path2D}[]}
   */
  outline(traceIndex, trace, cells) {
    const byPanel = new Map();
    for (const cell of cells) {
      const grid = gridOf(trace, cell);
      const panel = this.panelOf(traceIndex, grid);
      if (!byPanel.has(panel)) byPanel.set(panel, new Set());
      byPanel.get(panel).add(cell - grid.firstId);
    }
    return [...byPanel].map(([panel, members]) => ({ panel, path: border(panel, members) }));
  }

  /**
   * All cells but the bright ones; a lens shows a window, so it is bright where that is.
   * @param {{index: number, trace: import("./wire.js").Trace, cells: Iterable<number>}[]} bright
   * @param {import("./pointing.js").Target} target
   */
  veil(bright, target) {
    const holes = new Map(this.panels.map((panel) => [panel, new Set()]));
    for (const { index, trace, cells } of bright) {
      for (const cell of cells) {
        const grid = gridOf(trace, cell);
        holes.get(this.panelOf(index, grid)).add(cell - grid.firstId);
      }
    }
    const path = new Path2D();
    for (const [{ kind, x, y, cell, rows, columns }, spared] of holes) {
      if (kind === "lens" && (target.window || target.step !== null)) continue;
      path.rect(x, y, columns * cell, rows * cell);
      for (const i of spared) {
        path.rect(x + (i % columns) * cell, y + Math.floor(i / columns) * cell, cell, cell);
      }
    }
    return path;
  }
}

/** The edges between marked and unmarked cells. */
function border({ x, y, cell, columns }, members) {
  const path = new Path2D();
  for (const index of members) {
    const column = index % columns;
    const left = x + column * cell - 0.5;
    const top = y + Math.floor(index / columns) * cell - 0.5;
    const edge = (outside, x1, y1, x2, y2) => {
      if (!outside) return;
      path.moveTo(left + x1 * cell, top + y1 * cell);
      path.lineTo(left + x2 * cell, top + y2 * cell);
    };
    edge(!members.has(index - columns), 0, 0, 1, 0);
    edge(!members.has(index + columns), 0, 1, 1, 1);
    edge(column === 0 || !members.has(index - 1), 0, 0, 0, 1);
    edge(column === columns - 1 || !members.has(index + 1), 1, 0, 1, 1);
  }
  return path;
}

/** The output cells of a step, before and after the activation, and partial results of channels. */
export function resultCells(trace, step) {
  if (trace.targets) return [...ofStep(trace, trace.targets, step)];
  const cells = [trace.writes[step]];
  if (trace.activated) cells.push(trace.activated[step]);
  for (let c = 0; trace.partials && c < trace.channels; c++) {
    cells.push(trace.partials[step * trace.channels + c]);
  }
  return cells;
}

/** The filter that a step belongs to. */
export function filterOf(trace, step) {
  return gridOf(trace, trace.leads[step]).filter;
}

/**
 * @typedef {Object} Moment state of the overlay
 * @property {number[]} steps the current step of each trace
 * @property {number[]} previous previous step of each trace
 * @property {number[]} focus the steps that lenses show: the pointed-at or the current ones
 * @property {number} slide 0 to 1, how far the window has moved
 * @property {number} flight 0 to 1, how far the value has travelled
 * @property {{panel: Object, path: Path2D}[]} pointing outlines
 * @property {{trace: number, cell: number}[]} preview output cells shown ahead of time
 * @property {Path2D|undefined} veil cells to dim
 * @property {{trace: number, cell: number}|null} asked the cell that a question is about
 * @property {{trace: number, cell: number, said: string, is: string, right: boolean}[]} answers to
 *   be marked
 */

export class Overlay {
  /**
   * @param {CanvasRenderingContext2D} context
   * @param {import("./paint.js").Painter} painter one on the same context
   * @param {Places} places
   * @param {import("./wire.js").Trace[]} traces
   */
  constructor(context, painter, places, traces) {
    Object.assign(this, { context, painter, places, traces });
    this.theme = painter.theme;
  }

  /** @param {Moment} moment */
  draw(moment) {
    const { context, traces } = this;
    const { width, height } = context.canvas;
    context.save();
    context.resetTransform();
    context.clearRect(0, 0, width, height);
    context.restore();
    for (const panel of this.places.panels) {
      if (panel.kind === "lens") this.drawLens(panel, moment);
    }
    for (const { trace, cell } of moment.preview) this.drawPreview(trace, cell);
    for (const answer of moment.answers) this.drawAnswer(answer);
    traces.forEach((trace, index) => this.drawNow(trace, index, moment));
    if (moment.asked) this.drawAsked(moment.asked);
    if (moment.veil) this.drawVeil(moment.veil);
    for (const { panel, path } of moment.pointing) this.stroke(path, panel, this.theme.pointing);
    if (moment.flight > 0 && moment.flight < 1) {
      traces.forEach((trace, index) => this.drawFlight(trace, index, moment));
    }
  }

  /** The cell that a question is about, among others whose values are hidden too. */
  drawAsked({ trace: index, cell }) {
    for (const { panel, path } of this.places.outline(index, this.traces[index], [cell])) {
      this.stroke(path, panel, this.theme.text);
    }
  }

  /** A mark in the corner of a cell: right, or wrong and what was said. */
  drawAnswer({ trace: index, cell, said, right }) {
    const { context, theme } = this;
    const { x, y, size } = this.places.square(index, this.traces[index], cell);
    const { font, from, height, padding, lower } = LOOK.answer;
    if (size < from) return;
    const { grid } = locate(this.traces[index], cell);
    this.painter.drawCell(grid, cell - grid.firstId, x, y, size, this.traces[index], -size * lower);
    const { marks } = LOOK.words;
    context.font = `600 ${font}px ${theme.font}`;
    const texts = right ? [marks.right] : [`${marks.wrong} ${said}`, marks.wrong];
    const widths = texts.map((text) => context.measureText(text).width + padding);
    const fits = Math.max(0, widths.findIndex((width) => width <= size));
    const [text, width] = [texts[fits], Math.min(widths[fits], size)];
    context.fillStyle = theme.background;
    context.beginPath();
    context.roundRect(x, y, width, height, 3);
    context.fill();
    context.fillStyle = theme.text;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(text, x + width / 2, y + height / 2 + 0.5);
  }

  drawVeil(path) {
    const { context } = this;
    context.save();
    context.globalAlpha = LOOK.fade.veil;
    context.fillStyle = this.theme.background;
    context.fill(path, "evenodd");
    context.restore();
  }

  stroke(path, panel, colour) {
    const { context } = this;
    const width = panel.cell >= OUTLINE.from ? OUTLINE.wide : OUTLINE.thin;
    context.lineJoin = context.lineCap = "round";
    context.strokeStyle = this.theme.background;
    context.lineWidth = width + OUTLINE.rim;
    context.stroke(path);
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke(path);
  }

  drawNow(trace, index, moment) {
    const { context, places } = this;
    const step = moment.steps[index];
    const reads = ofStep(trace, trace.reads, step);
    const earlier = ofStep(trace, trace.reads, moment.previous[index]);
    const rest = 1 - moment.slide;
    if (rest === 0 && trace.weights) this.drawCornerWeights(trace, index, step);
    const windows = [[earlier, reads]];
    if (trace.windows) windows.push([windowOf(trace, moment.previous[index]), windowOf(trace, step)]);
    if (trace.sources) {
      windows.push([[trace.sources[moment.previous[index]]], [trace.sources[step]]]);
    }
    for (const [from, to] of windows) this.drawWindow(trace, index, from, to, rest);
    if (rest === 0) {
      const winner = winnerOf(trace, step);
      if (winner !== null) {
        const { x, y, size } = places.square(index, trace, winner);
        const grid = gridOf(trace, winner);
        this.painter.drawWinner(grid, winner - grid.firstId, x, y, size, "now");
      }
    }
    if (rest === 0 || moment.slide > 0.5) {
      const sameFilter = filterOf(trace, step) === filterOf(trace, moment.focus[index]);
      const written =
        sameFilter || trace.targets ? resultCells(trace, step) : [trace.writes[step]];
      for (const { panel, path } of places.outline(index, trace, written)) {
        this.stroke(path, panel, this.theme.now);
      }
    }
  }

  /** The outline of cells, moving from others while `rest` of the way is left. */
  drawWindow(trace, index, from, to, rest) {
    const { context, places } = this;
    context.save();
    if (from.length && to.length && rest) {
      const before = places.square(index, trace, from[0]);
      const here = places.square(index, trace, to[0]);
      context.translate((before.x - here.x) * rest, (before.y - here.y) * rest);
    }
    for (const { panel, path } of places.outline(index, trace, to)) {
      this.stroke(path, panel, this.theme.now);
    }
    context.restore();
  }

  /** The matching weight in the corner of each window cell; the number moves up. */
  drawCornerWeights(trace, index, step) {
    const { context, painter, theme } = this;
    for (let i = trace.starts[step]; i < trace.starts[step + 1]; i++) {
      const { x, y, size } = this.places.square(index, trace, trace.reads[i]);
      if (size < CELLS.weights) return;
      const { grid } = locate(trace, trace.reads[i]);
      painter.drawCell(grid, trace.reads[i] - grid.firstId, x, y, size, trace, size * WEIGHT.lift);
      const weight = locate(trace, trace.weights[i]);
      const text = `×${formatNumber(weight.value, weight.grid, false)}`;
      context.font = `600 ${Math.min(WEIGHT.font.most, size * WEIGHT.font.share)}px ${theme.font}`;
      const width = context.measureText(text).width + WEIGHT.padding;
      const height = Math.min(WEIGHT.height.most, size * WEIGHT.height.share);
      const [left, top] = [x + size - width - WEIGHT.edge, y + size - height - WEIGHT.edge];
      context.fillStyle = theme.background;
      context.beginPath();
      context.roundRect(left, top, width, height, 3);
      context.fill();
      context.fillStyle = theme.now;
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.fillText(text, left + width / 2, top + height / 2 + 0.5);
    }
  }

  /** The window enlarged, if the cells of the picture are too small for numbers. */
  drawLens(panel, moment) {
    const trace = this.traces[panel.trace];
    const step = moment.focus[panel.trace];
    const size = (trace.starts[step + 1] - trace.starts[step]) / trace.channels;
    const start = trace.starts[step] + panel.channel * size;
    for (let i = 0; i < size; i++) {
      const { grid } = locate(trace, trace.reads[start + i]);
      const x = panel.x + (i % panel.columns) * panel.cell;
      const y = panel.y + Math.floor(i / panel.columns) * panel.cell;
      this.painter.drawCell(grid, trace.reads[start + i] - grid.firstId, x, y, panel.cell, trace);
      const wins = panel.winners.some((other) => {
        return winnerOf(this.traces[other], moment.focus[other]) === trace.reads[start + i];
      });
      if (wins) {
        const index = trace.reads[start + i] - grid.firstId;
        this.painter.drawWinner(grid, index, x, y, panel.cell, "now");
      }
    }
    const colour = step === moment.steps[panel.trace] ? this.theme.now : this.theme.pointing;
    const frame = new Path2D();
    frame.rect(panel.x - 0.5, panel.y - 0.5, panel.columns * panel.cell, panel.rows * panel.cell);
    this.stroke(frame, panel, colour);
  }

  drawPreview(index, cell) {
    const trace = this.traces[index];
    const { x, y, size } = this.places.square(index, trace, cell);
    const grid = gridOf(trace, cell);
    this.painter.drawCell(grid, cell - grid.firstId, x, y, size, trace);
  }

  /** The result moving from where it was computed, or a scattered value moving to its targets. */
  drawFlight(trace, index, moment) {
    const { context, theme } = this;
    const step = moment.steps[index];
    if (resultCells(trace, step).some((cell) => locate(trace, cell).hidden)) return;
    const [from, to] = trace.targets
      ? [[trace.sources[step]], ofStep(trace, trace.targets, step)].map((cells) =>
          this.middleOf(trace, index, cells),
        )
      : [this.departure(trace, index, step), this.middleOf(trace, index, [trace.writes[step]])];
    const share = moment.flight;
    const result = locate(trace, trace.leads[step]);
    const text = formatNumber(result.value, result.grid, false);
    context.font = `600 14px ${theme.font}`;
    const width = Math.max(26, context.measureText(text).width + 14);
    const x = from.x + (to.x - from.x) * share;
    const arc = Math.sin(Math.PI * share) * Math.min(30, Math.abs(to.x - from.x) / 8);
    const y = from.y + (to.y - from.y) * share - arc;
    context.fillStyle = theme.now;
    context.beginPath();
    context.roundRect(x - width / 2, y - 12, width, 24, 6);
    context.fill();
    context.fillStyle = theme.background;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(text, x, y + 0.5);
  }

  /** The start of the movement: the winner of a maximum, or the middle of the window. */
  departure(trace, index, step) {
    const lens = this.places.panels.find(
      ({ kind, winners }) => kind === "lens" && winners.includes(index),
    );
    if (lens) {
      return {
        x: lens.x + (lens.columns * lens.cell) / 2,
        y: lens.y + (lens.rows * lens.cell) / 2,
      };
    }
    const reads = ofStep(trace, trace.reads, step);
    if (!reads.length) return this.middleOf(trace, index, [trace.leads[step]]);
    const winner = winnerOf(trace, step);
    return this.middleOf(trace, index, winner === null ? reads : [winner]);
  }

  /** The midpoint of the first and the last of some cells. */
  middleOf(trace, index, cells) {
    const ends = [cells[0], cells[cells.length - 1]].map((cell) =>
      this.places.square(index, trace, cell),
    );
    const middle = (axis) => (ends[0][axis] + ends[1][axis] + (ends[0].size + ends[1].size) / 2) / 2;
    return { x: middle("x"), y: middle("y") };
  }
}
