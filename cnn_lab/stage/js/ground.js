// The static layer: painted once, then only where a result arrives.

import LOOK from "../layout.json" with { type: "json" };
import { drawLegend } from "./legend.js";
import { resultCells } from "./overlay.js";
import { gridOf, isResult, ofStep, winnerOf } from "./wire.js";

/** Kernels and partial results show one filter at a time; everything else does not change. */
export function shownMember(panel, filters) {
  if (panel.members.length === 1 || panel.role === "input") return panel.members[0];
  const filter = filters[panel.members[0].trace];
  return panel.members.find(({ grid }) => grid.filter === filter) ?? panel.members[0];
}

export class Ground {
  /**
   * @param {import("./paint.js").Painter} painter
   * @param {import("./overlay.js").Places} places
   * @param {import("./wire.js").Trace[]} traces
   * @param {Object} layout
   * @param {{items: Object[], height: number}} legend
   */
  constructor(painter, places, traces, layout, legend) {
    Object.assign(this, { painter, places, traces, layout, legend });
  }

  /**
   * @param {number[]} filled number of filled output cells of each trace
   * @param {number[]} filters current filter of each trace
   */
  paintAll(filled, filters) {
    const { painter, layout, legend } = this;
    painter.context.clearRect(0, 0, layout.width, layout.height + LOOK.legend.above + legend.height);
    this.filled = filled;
    this.filters = filters;
    this.traces.forEach((trace, index) => trace.targets && this.addUp(index));
    for (const panel of layout.panels) this.paintPanel(panel);
    for (const text of layout.texts) painter.drawText(text);
    drawLegend(painter, legend.items, layout.height + LOOK.legend.above);
  }

  /** Updates the layer, painting as little as possible. */
  refresh(filled, filters) {
    const changed = filters.map((filter, index) => filter !== this.filters[index]);
    this.filters = filters;
    for (const panel of this.layout.panels) {
      if (panel.members?.length > 1 && changed[panel.members[0].trace]) this.paintPanel(panel);
    }
    filled.forEach((count, index) => {
      const from = this.filled[index];
      this.filled[index] = count;
      if (count < from) this.repaintResults(index);
      for (let step = from; step < count; step++) this.paintStep(index, step);
    });
  }

  /** Going back: panels of results (and the winners' rings) are painted again. */
  repaintResults(index) {
    if (this.traces[index].targets) this.addUp(index);
    const { winners } = this.traces[index];
    for (const panel of this.layout.panels) {
      const concerns = panel.members?.some((member) => member.trace === index);
      const changes = isResult(panel) || (winners && panel.role === "input");
      if (concerns && changes) this.paintPanel(panel);
    }
  }

  paintPanel(panel) {
    if (panel.kind === "lens") {
      this.painter.drawHeading(panel, panel.title, panel.subtitle);
      return;
    }
    const { trace: index, grid } = shownMember(panel, this.filters);
    const trace = this.traces[index];
    const isFilled = (i) => {
      if (!isResult(grid)) return true;
      if (trace.targets) return this.reached[index].has(grid.firstId + i);
      return trace.stepOfCell[grid.firstId + i] < this.filled[index];
    };
    this.painter.drawHeading(panel, panel.title && grid.title, panel.subtitle);
    this.painter.drawPanel(panel, grid, trace, isFilled);
    if (grid.role !== "input") return;
    for (const { trace: other } of panel.members) {
      for (let step = 0; step < this.filled[other]; step++) this.paintWinner(other, step);
    }
  }

  /** The running totals after the steps so far, computed from the start. */
  addUp(index) {
    const trace = this.traces[index];
    this.reached ??= [];
    this.reached[index] = new Set();
    for (let step = 0; step < this.filled[index]; step++) this.addStep(index, step);
  }

  addStep(index, step) {
    const trace = this.traces[index];
    ofStep(trace, trace.targets, step).forEach((target, i) => {
      const grid = gridOf(trace, target);
      grid.shown[target - grid.firstId] = trace.totals[trace.starts[step] + i];
      this.reached[index].add(target);
    });
  }

  paintStep(index, step) {
    const trace = this.traces[index];
    if (trace.targets) this.addStep(index, step);
    for (const cell of resultCells(trace, step)) {
      const grid = gridOf(trace, cell);
      const { panel, x, y, size } = this.places.square(index, trace, cell);
      if (shownMember(panel, this.filters).grid === grid) {
        this.painter.drawCell(grid, cell - grid.firstId, x, y, size, trace);
      }
    }
    this.paintWinner(index, step);
  }

  paintWinner(index, step) {
    const trace = this.traces[index];
    const winner = winnerOf(trace, step);
    if (winner === null) return;
    const { x, y, size } = this.places.square(index, trace, winner);
    const grid = gridOf(trace, winner);
    this.painter.drawWinner(grid, winner - grid.firstId, x, y, size, "done");
  }
}
