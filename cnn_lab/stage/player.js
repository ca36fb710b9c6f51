// The player: a clock, its controls, and what pointing at a cell does.

import { makeControls } from "./controls.js";
import { layOut } from "./layout.js";
import { Overlay, Places, filterOf, resultCells } from "./overlay.js";
import { Painter, fontOf, legendOf } from "./paint.js";
import { decodeTrace, gridOf, shareScales, stepsTouching } from "./wire.js";
import { arithmetic, caption, cellCaption } from "./words.js";
import { writeArithmetic } from "./writing.js";

const PLAY_MS = 20_000; // a whole trace at speed 1, within these limits per step
const STEP_MS = { least: 40, most: 1100 };
const MOVE_MS = { slide: 260, flight: 340 };
const STILL_BELOW_MS = 160; // steps that follow faster than this are not animated
const SAY_EVERY_MS = 150;
const CALM_MS = 900; // a screen reader follows steps as slow as this
const LEGEND_ABOVE = 14;

const ease = (share) => (share < 0.5 ? 4 * share ** 3 : 1 - (-2 * share + 2) ** 3 / 2);

/**
 * Plays one trace, or several in step, inside `root`.
 * @param {HTMLElement} root an empty element
 * @param {{traces: Object[], startStep: number, height: number|null, label: string}} wire
 * @param {{theme: import("./theme.js").Theme}} options
 */
export function createPlayer(root, wire, options) {
  return new Player(root, wire, options.theme);
}

class Player {
  constructor(root, wire, theme) {
    this.root = root;
    this.theme = theme;
    this.playing = false;
    this.looping = false;
    this.speed = 1;
    this.step = 0;
    this.touched = false;
    this.pointing = null;
    this.pinned = null;
    this.frame = 0;
    this.saidAt = 0;
    this.stillness = window.matchMedia("(prefers-reduced-motion: reduce)");
    this.parts = makeControls(root, this);
    this.canvases = [this.parts.base, this.parts.overlay].map((canvas) => canvas.getContext("2d"));
    this.resize = new ResizeObserver(() => this.arrange());
    this.load(wire);
    this.resize.observe(this.parts.picture);
    this.onFonts = () => this.arrange(true);
    for (const role of ["title", "axis"]) {
      document.fonts.load(fontOf(theme, role), "0").then(this.onFonts, () => {});
    }
    root.cellCenter = (key, row, column, trace = 0) => this.cellCenter(key, row, column, trace);
  }

  /** Shows other traces; the reader's place, speed and playing stay. */
  update(wire) {
    this.load(wire);
  }

  /** Draws everything again in other colours. */
  setTheme(theme) {
    this.theme = theme;
    this.arrange(true);
  }

  destroy() {
    this.resize.disconnect();
    cancelAnimationFrame(this.frame);
    this.root.replaceChildren();
    delete this.root.cellCenter;
  }

  // Data

  load(wire) {
    const before = this.traces && { trace: this.traces[0], step: this.step, last: this.lastStep };
    this.traces = wire.traces.map(decodeTrace);
    shareScales(this.traces);
    this.lastStep = Math.max(...this.traces.map((trace) => trace.nSteps)) - 1;
    this.wanted = wire.height;
    this.step = before && this.touched ? this.samePlace(before) : this.startStep(wire);
    this.previous = this.step;
    this.pointing = this.pinned = null;
    this.move = null;
    this.parts.describe(wire.label, this.lastStep);
    this.arrange(true);
    this.say(true);
  }

  startStep({ startStep }) {
    const step = startStep < 0 ? this.lastStep + 1 + startStep : startStep;
    return Math.max(0, Math.min(this.lastStep, step));
  }

  /** The step of the same result cell, if there still is one; else as far along as before. */
  samePlace({ trace, step, last }) {
    const [next] = this.traces;
    if (step >= last || last === this.lastStep) return Math.min(step, this.lastStep);
    const old = gridOf(trace, trace.writes[step]);
    const grid = next.grids.find(({ role, filter }) => role === "output" && filter === old.filter);
    const index = trace.writes[step] - old.firstId;
    const row = Math.floor(index / old.columns);
    const column = index % old.columns;
    if (grid && row < grid.rows && column < grid.columns) {
      return next.stepOfCell[grid.firstId + row * grid.columns + column];
    }
    return Math.round((step / last) * this.lastStep);
  }

  stepOf(index, step = this.step) {
    return Math.min(step, this.traces[index].nSteps - 1);
  }

  // Layout and the layer that stands still

  arrange(force = false) {
    const width = Math.floor(this.parts.picture.clientWidth);
    const ratio = Math.max(1, window.devicePixelRatio || 1);
    if (!width || (!force && width === this.width && ratio === this.ratio)) return;
    Object.assign(this, { width, ratio });
    const [base, overlay] = this.canvases;
    const lengths = new Map();
    const measure = (text, role) => {
      if (!text) return 0;
      const key = `${role}:${text}`;
      if (!lengths.has(key)) {
        base.font = fontOf(this.theme, role);
        lengths.set(key, Math.ceil(base.measureText(text).width));
      }
      return lengths.get(key);
    };
    this.layout = layOut(this.traces, width, this.wanted, measure);
    this.legend = legendOf(this.traces, width, measure);
    const height = this.layout.height + LEGEND_ABOVE + this.legend.height;
    for (const context of this.canvases) {
      context.canvas.width = Math.round(width * ratio);
      context.canvas.height = Math.round(height * ratio);
      context.canvas.style.height = `${height}px`;
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    this.places = new Places(this.layout.panels);
    this.painter = new Painter(base, this.theme, ratio);
    this.overlay = new Overlay(
      overlay,
      new Painter(overlay, this.theme, ratio),
      this.places,
      this.traces,
    );
    this.outlines = null;
    this.paintAll();
    this.reserve();
    this.draw();
  }

  /** Room for the longest arithmetic, so that nothing jumps while playing. */
  reserve() {
    const { arithmetic: box, caption: line } = this.parts;
    box.style.minHeight = line.style.minHeight = "";
    const longest = Array.from(this.traces, (trace, index) => this.fullStep(trace, index));
    this.write(longest[0], longest);
    box.style.minHeight = `${box.offsetHeight}px`;
    line.style.minHeight = `${line.offsetHeight}px`;
    this.say(true);
  }

  /** A step whose arithmetic has the most terms: one that touches no padding, if there is one. */
  fullStep(trace) {
    let found = 0;
    let fewest = Infinity;
    const stride = Math.max(1, Math.floor(trace.nSteps / 200));
    for (let step = 0; step < trace.nSteps && fewest > 0; step += stride) {
      let padding = 0;
      for (let i = trace.starts[step]; i < trace.starts[step + 1]; i++) {
        const grid = gridOf(trace, trace.reads[i]);
        if (grid.mask && grid.mask[trace.reads[i] - grid.firstId] & 1) padding++;
      }
      if (padding < fewest) [found, fewest] = [step, padding];
    }
    return found;
  }

  paintAll() {
    const { painter, layout } = this;
    const context = painter.context;
    context.clearRect(0, 0, layout.width, layout.height + LEGEND_ABOVE + this.legend.height);
    this.filled = this.filledNow();
    this.filters = this.filtersNow();
    for (const panel of layout.panels) this.paintPanel(panel);
    for (const text of layout.texts) painter.drawText(text);
    painter.drawLegend(this.legend.items, layout.height + LEGEND_ABOVE);
  }

  paintPanel(panel) {
    if (panel.kind === "lens") {
      this.painter.drawHeading(panel, panel.title, panel.subtitle);
      return;
    }
    const member = this.shownMember(panel);
    const { trace: index, grid } = member;
    const trace = this.traces[index];
    const result = grid.role === "output" || grid.role === "partial";
    this.painter.drawHeading(panel, panel.title && grid.title, panel.subtitle);
    const isFilled = (i) => !result || trace.stepOfCell[grid.firstId + i] < this.filled[index];
    this.painter.drawPanel(panel, grid, trace, isFilled);
    if (grid.role !== "input") return;
    for (const { trace: other } of panel.members) {
      for (let step = 0; step < this.filled[other]; step++) this.paintWinner(other, step);
    }
  }

  paintWinner(index, step) {
    const trace = this.traces[index];
    if (!trace.winners) return;
    const winner = trace.winners[step];
    const { x, y, size } = this.places.square(index, trace, winner);
    const grid = gridOf(trace, winner);
    const width = size >= 14 ? 1.5 : 1;
    this.painter.drawWinner(grid, winner - grid.firstId, x, y, size, this.theme.text, width);
  }

  /** Kernels and partial results show the filter at work. */
  shownMember(panel) {
    if (panel.members.length === 1 || panel.role === "input") return panel.members[0];
    const filter = this.filters[panel.members[0].trace];
    return panel.members.find(({ grid }) => grid.filter === filter) ?? panel.members[0];
  }

  filtersNow() {
    const step = this.focus ?? this.step;
    return this.traces.map((trace, index) => filterOf(trace, this.stepOf(index, step)));
  }

  /** How many result cells of each trace are filled: the value on its way has not arrived. */
  filledNow() {
    const landed = !this.move || this.move.flight >= 1;
    return this.traces.map((_, index) => {
      const waits = !landed && this.step < this.traces[index].nSteps;
      return this.stepOf(index) + (waits ? 0 : 1);
    });
  }

  /** Brings the standing layer up to date with as little paint as possible. */
  refresh() {
    const filters = this.filtersNow();
    const changed = filters.map((filter, index) => filter !== this.filters[index]);
    this.filters = filters;
    for (const panel of this.layout.panels) {
      if (panel.members?.length > 1 && changed[panel.members[0].trace]) this.paintPanel(panel);
    }
    const filled = this.filledNow();
    filled.forEach((count, index) => {
      const trace = this.traces[index];
      const from = this.filled[index];
      if (count === from) return;
      this.filled[index] = count;
      if (count < from) {
        const roles = trace.winners ? ["output", "partial", "input"] : ["output", "partial"];
        for (const panel of this.layout.panels) {
          const concerns = panel.members?.some((member) => member.trace === index);
          if (concerns && roles.includes(panel.role)) this.paintPanel(panel);
        }
        return;
      }
      for (let step = from; step < count; step++) {
        for (const cell of resultCells(trace, step)) this.paintResult(index, trace, cell);
        this.paintWinner(index, step);
      }
    });
  }

  paintResult(index, trace, cell) {
    const grid = gridOf(trace, cell);
    const { panel, x, y, size } = this.places.square(index, trace, cell);
    if (this.shownMember(panel).grid !== grid) return;
    this.painter.drawCell(grid, cell - grid.firstId, x, y, size, trace);
  }

  // Time

  get stepMs() {
    const fair = PLAY_MS / (this.lastStep + 1);
    return Math.max(STEP_MS.least, Math.min(STEP_MS.most, fair)) / this.speed;
  }

  play() {
    this.touched = true;
    if (this.step >= this.lastStep) this.goTo(0, { animate: false });
    this.playing = true;
    this.dueAt = performance.now() + this.stepMs;
    this.changed();
  }

  pause() {
    this.playing = false;
    this.changed();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  setSpeed(speed) {
    this.speed = speed;
    this.dueAt = performance.now() + this.stepMs;
    this.changed();
  }

  setLooping(looping) {
    this.looping = looping;
    this.changed();
  }

  /** A step by hand stops the clock. */
  visit(step, { animate = true } = {}) {
    this.touched = true;
    this.playing = false;
    this.goTo(Math.max(0, Math.min(this.lastStep, step)), { animate });
    this.changed();
  }

  /** One row up or down in the map of the first trace. */
  visitRow(rows) {
    const [trace] = this.traces;
    const { columns } = gridOf(trace, trace.writes[this.stepOf(0)]);
    this.visit(this.step + rows * columns);
  }

  goTo(step, { animate }) {
    if (step === this.step) return;
    const lasts = this.playing ? this.stepMs : Infinity;
    const moves = animate && !this.stillness.matches && lasts > STILL_BELOW_MS;
    this.previous = this.step;
    const forward = step === this.step + 1;
    this.step = step;
    this.root.dataset.step = String(step);
    const share = Math.min(1, (0.8 * lasts) / (MOVE_MS.slide + MOVE_MS.flight));
    this.move = moves
      ? {
          start: performance.now(),
          slideMs: MOVE_MS.slide * share,
          flightMs: forward ? MOVE_MS.flight * share : 0,
          slide: 0,
          flight: 0,
        }
      : null;
    this.outlines = null;
  }

  /** Advances everything that moves; asks for another frame while something does. */
  tick = (now) => {
    this.frame = 0;
    if (this.playing) this.advance(now);
    if (this.move) {
      const elapsed = Math.max(0, now - this.move.start);
      this.move.slide = ease(Math.min(1, elapsed / this.move.slideMs));
      const late = elapsed - this.move.slideMs;
      this.move.flight = this.move.flightMs ? ease(clamp(late / this.move.flightMs)) : +(late >= 0);
      if (this.move.flight >= 1) this.move = null;
    }
    this.draw();
    this.say();
    if (this.playing || this.move) this.requestFrame();
  };

  advance(now) {
    const late = now - this.dueAt;
    if (late < 0) return;
    const steps = 1 + Math.floor(late / this.stepMs);
    this.dueAt += steps * this.stepMs;
    if (this.step >= this.lastStep) {
      if (this.looping) this.goTo(0, { animate: false });
      else this.pause();
      return;
    }
    this.goTo(Math.min(this.lastStep, this.step + steps), { animate: steps === 1 });
  }

  requestFrame() {
    if (!this.frame) this.frame = requestAnimationFrame(this.tick);
  }

  changed() {
    this.say(true);
    this.requestFrame();
  }

  draw() {
    if (!this.layout) return;
    this.refresh();
    const steps = this.traces.map((_, index) => this.stepOf(index));
    const outlines = (this.outlines ??= this.findOutlines());
    this.overlay.draw({
      steps,
      previous: this.traces.map((_, index) => this.stepOf(index, this.previous)),
      focus: this.traces.map((_, index) => this.stepOf(index, this.focus ?? this.step)),
      slide: this.move ? this.move.slide : 1,
      flight: this.move ? this.move.flight : 1,
      pointing: outlines.pointing,
      preview: outlines.preview,
    });
  }

  // Pointing

  /** The step that the reader points at through a result cell, or null. */
  get focus() {
    const target = this.pointing ?? this.pinned;
    return target ? target.step : null;
  }

  /**
   * What lies under a point of the picture.
   * @returns {{step: number|null, cells: {trace: number, cell: number}[]}|null}
   */
  targetAt(x, y) {
    const hit = this.places.at(x, y);
    if (!hit) return null;
    const { panel, index } = hit;
    if (panel.kind === "lens") {
      const trace = this.traces[panel.trace];
      const step = this.stepOf(panel.trace);
      const size = (trace.starts[step + 1] - trace.starts[step]) / trace.channels;
      if (index >= size) return null;
      const i = trace.starts[step] + panel.channel * size + index;
      return this.termTarget(panel.trace, trace.reads[i], trace.weights ? trace.weights[i] : -1);
    }
    if (panel.role === "input") {
      return {
        step: null,
        cells: panel.members.map(({ trace, grid }) => ({ trace, cell: grid.firstId + index })),
      };
    }
    const { trace, grid } = this.shownMember(panel);
    const cell = grid.firstId + index;
    const step = this.traces[trace].stepOfCell[cell];
    return { step: step < 0 ? null : step, cells: [{ trace, cell }] };
  }

  /** One product of the arithmetic line. */
  termTarget(trace, cell, weight) {
    const cells = [cell, weight].filter((id) => id >= 0).map((id) => ({ trace, cell: id }));
    return { step: null, cells, term: true };
  }

  point(target) {
    if (same(target, this.pointing)) return;
    this.pointing = target;
    this.outlines = null;
    this.say(true);
    this.requestFrame();
  }

  pin(target) {
    this.pinned = same(target, this.pinned) ? null : target;
    this.outlines = null;
    this.changed();
  }

  /** A click: a result cell becomes the current step, any other cell stays pointed at. */
  choose(target) {
    if (target && target.step !== null) {
      this.pinned = this.pointing = null;
      this.visit(target.step, { animate: false });
    } else {
      this.pin(target);
    }
  }

  /** Outlines of what is pointed at and of everything it touches. */
  findOutlines() {
    const target = this.pointing ?? this.pinned;
    const pointing = [];
    const preview = [];
    const outline = (index, cells) =>
      pointing.push(...this.places.outline(index, this.traces[index], cells));
    if (!target) return { pointing, preview };
    if (target.step !== null) {
      this.traces.forEach((trace, index) => {
        const step = this.stepOf(index, target.step);
        if (step === this.stepOf(index)) return;
        outline(index, trace.reads.subarray(trace.starts[step], trace.starts[step + 1]));
        const results = resultCells(trace, step);
        outline(index, results);
        if (step < this.filled[index]) return;
        preview.push(...results.map((cell) => ({ trace: index, cell })));
      });
      return { pointing, preview };
    }
    for (const { trace: index, cell } of target.cells) {
      const trace = this.traces[index];
      const { role } = gridOf(trace, cell);
      outline(index, [cell]);
      if (target.term) continue;
      const steps = stepsTouching(trace, cell);
      outline(index, Array.from(steps, (step) => trace.writes[step]));
      if (role === "kernel") outline(index, this.readsWith(trace, cell, steps));
      if (role === "input") outline(index, this.partners(index, cell));
    }
    return { pointing, preview };
  }

  /** Every input cell that a weight meets on its way. */
  readsWith(trace, weight, steps) {
    const cells = [];
    for (const step of steps) {
      for (let i = trace.starts[step]; i < trace.starts[step + 1]; i++) {
        if (trace.weights[i] === weight) cells.push(trace.reads[i]);
      }
    }
    return cells;
  }

  /** The weight that an input cell meets in the current window. */
  partners(index, cell) {
    const trace = this.traces[index];
    if (!trace.weights) return [];
    const step = this.stepOf(index);
    for (let i = trace.starts[step]; i < trace.starts[step + 1]; i++) {
      if (trace.reads[i] === cell) return [trace.weights[i]];
    }
    return [];
  }

  // Words

  /** Brings controls, caption and arithmetic up to date; while playing fast only now and then. */
  say(force = false) {
    this.root.dataset.step = String(this.step);
    this.root.dataset.steps = String(this.lastStep + 1);
    this.root.dataset.playing = String(this.playing);
    const key = `${this.step} ${this.focus} ${this.playing}`;
    const now = performance.now();
    if (!force && (key === this.said || (this.playing && now - this.saidAt < SAY_EVERY_MS))) return;
    this.said = key;
    this.saidAt = now;
    this.parts.show(this, this.playing && this.stepMs < CALM_MS);
    const shown = this.focus ?? this.step;
    this.write(shown, this.traces.map((_, index) => this.stepOf(index, shown)));
  }

  write(step, steps) {
    const target = this.pointing ?? this.pinned;
    const cell = target && target.step === null && !target.term ? target.cells[0] : null;
    this.parts.setCaption(
      cell
        ? cellCaption(this.traces[cell.trace], cell.cell)
        : this.traces.map((trace, index) => this.stepCaption(trace, steps[index])).join("\n"),
    );
    writeArithmetic(
      this.parts.arithmetic,
      this.traces.map((trace, index) => ({
        name: this.traces.length > 1 ? trace.name : "",
        columns: trace.windowColumns,
        line: arithmetic(trace, steps[index]),
      })),
    );
  }

  /** Several traces say which of them speaks, unless the result already does. */
  stepCaption(trace, step) {
    const words = caption(trace, step);
    return this.traces.length === 1 || words.startsWith(trace.name)
      ? words
      : `${trace.name}: ${words}`;
  }

  cellCenter(key, row, column, index) {
    const trace = this.traces[index];
    const grid = trace.grids.find((each) => each.key === key);
    const { x, y, size } = this.places.square(
      index,
      trace,
      grid.firstId + row * grid.columns + column,
    );
    const { left, top } = this.parts.picture.getBoundingClientRect();
    return { x: left + x + size / 2, y: top + y + size / 2 };
  }
}

function clamp(share) {
  return Math.max(0, Math.min(1, share));
}

function same(a, b) {
  if (!a || !b) return a === b;
  return (
    a.term === b.term &&
    a.cells.length === b.cells.length &&
    a.cells.every(({ trace, cell }, i) => b.cells[i].trace === trace && b.cells[i].cell === cell)
  );
}
