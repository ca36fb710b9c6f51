// The player: traces and a clock, drawn at the current step, with captions and arithmetic.

import LOOK from "../layout.json" with { type: "json" };
import { Clock } from "./clock.js";
import { SPEEDS, makeControls } from "./controls.js";
import { Editing } from "./editing.js";
import { listenToGestures } from "./gestures.js";
import { Ground } from "./ground.js";
import { arithmeticLatex } from "./latex.js";
import { Looking } from "./looking.js";
import { dismiss, enlist, hold, markLinks, refreshLinks, release } from "./lighting.js";
import { addressWith, goToQuestion, takeFromAddress } from "./moment.js";
import { Overlay, Places, filterOf } from "./overlay.js";
import { Painter, fontOf } from "./paint.js";
import { findOutlines, sameTarget, targetAt } from "./pointing.js";
import { roomForPicture, viewInPage, viewOnScreen } from "./screen.js";
import { writeTables } from "./tables.js";
import { PADDING, decodeTrace, gridOf, locate, shareScales } from "./wire.js";
import { arithmetic, caption, cellCaption, fill, stepValue } from "./words.js";
import { writeArithmetic } from "./writing.js";

const SAY_EVERY_MS = 150;
const CALM_MS = 900; // steps at least this slow are announced to screen readers
const REST_MS = 700; // after a step, until more than its value is

/**
 * Plays one trace, or several together, inside `root`.
 * @param {HTMLElement} root an empty element
 * @param {{traces: Object[], startStep: number, label: string, heading: string,
 *   address?: string}} wire
 * @param {{theme: import("./theme.js").Theme, keep?: (state: Object) => void,
 *   choose?: (what: string) => void}} options `keep` sends the edits of cells to Python, `choose`
 *   that a button was pressed, where the page has them
 */
export function createPlayer(root, wire, options) {
  return new Player(root, wire, options);
}

class Player extends Clock {
  constructor(root, wire, { theme, keep = () => {}, choose = () => {} }) {
    super();
    this.root = root;
    this.theme = theme;
    this.pointing = null;
    this.pinned = null;
    this.lit = null; // what a link in the text lights
    this.frame = 0;
    this.asked = null; // the cell that a question is about, as Python's `Prediction` says it
    this.answers = []; // cells that were asked about before, with what was said
    this.saidAt = 0;
    this.guided = {}; // what the step of a lesson asks for, as Python's `Guidance` says it
    this.predict = (byKeyboard) => {
      choose("predict");
      goToQuestion(this.predicts, byKeyboard);
    };
    this.tellEnd = () => choose("ended");
    this.parts = makeControls(root, this);
    this.editing = new Editing(this, keep);
    this.looking = new Looking(this);
    listenToGestures(this.parts.picture, this);
    this.canvases = [this.parts.base, this.parts.overlay].map((canvas) => canvas.getContext("2d"));
    this.resize = new ResizeObserver(() => this.arrange());
    this.load(wire);
    enlist(this);
    this.resize.observe(this.parts.picture);
    root.onfullscreenchange = () => this.arrange(true);
    this.onFonts = () => this.arrange(true);
    for (const role of ["title", "axis"]) {
      document.fonts.load(fontOf(theme, role), "0").then(this.onFonts, () => {});
    }
    root.cellCenter = (key, row, column, trace = 0) => this.cellCenter(key, row, column, trace);
  }

  /** Shows other traces, keeping step, speed and playing. */
  update(wire) {
    this.load(wire);
  }

  /** Redraws everything in other colours. */
  setTheme(theme) {
    this.theme = theme;
    this.arrange(true);
  }

  destroy() {
    this.resize.disconnect();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.resting);
    this.editing.stop();
    dismiss(this);
    this.root.replaceChildren();
    delete this.root.cellCenter;
  }

  // Data

  load(wire) {
    const before = this.traces && { trace: this.traces[0], step: this.step, last: this.lastStep };
    this.traces = wire.traces.map(decodeTrace);
    shareScales(this.traces);
    this.lastStep = Math.max(...this.traces.map((trace) => trace.nSteps)) - 1;
    this.address = wire.address;
    this.predicts = wire.predicts;
    const isAsked = this.takeQuestion(wire, Boolean(before));
    this.step =
      before && this.touched && !isAsked ? this.samePlace(before) : this.startStep(wire);
    const isGuided = this.takeGuidance(wire);
    this.parts.setNote(this.comeToMoment());
    this.previous = this.step;
    this.pointing = this.pinned = this.lit = null;
    this.move = null;
    if (isGuided) hold(this, this.guided.lit);
    refreshLinks();
    this.parts.describe(wire, this.lastStep);
    this.root.classList.toggle("several", this.traces.length > 1);
    this.editing.load(wire.editing);
    this.arrange(true);
    this.editing.pin();
    this.say(true);
    if (this.revealed) this.playFromTo(this.revealed.first, this.revealed.step);
  }

  /**
   * Takes what is asked and what was answered; an answer that is new will be shown by playing.
   * Returns whether another cell than before is asked for.
   */
  takeQuestion({ asked = null, answers = [] }, wasHere) {
    const before = this.asked && `${this.asked.trace} ${this.asked.cell}`;
    const isNew = wasHere && answers.length > this.answers.length;
    this.asked = asked;
    this.answers = answers;
    this.revealed = isNew ? answers.at(-1) : null;
    const is = asked && `${asked.trace} ${asked.cell}`;
    if (is && is !== before) {
      this.playing = false;
      this.until = null;
    }
    return Boolean(is) && is !== before;
  }

  /** Takes what a lesson's step asks for; returns whether it is another step than before. */
  takeGuidance({ guidance = {} }) {
    const isNew = guidance.name !== this.guided.name;
    this.guided = guidance;
    if (isNew && guidance.step !== undefined) {
      this.touched = true;
      this.playing = false;
      this.step = Math.min(guidance.step, this.lastStep);
    }
    return isNew;
  }

  /** Goes to the moment of a link, if the page was opened by one; says so if there is none. */
  comeToMoment() {
    const asked = this.address && takeFromAddress([`${this.address}_step`, `${this.address}_speed`]);
    if (!asked) return "";
    const [step, speed] = asked;
    this.touched = true;
    this.playing = false;
    if (SPEEDS.includes(speed)) this.speed = speed;
    if (!Number.isInteger(step)) return "";
    const count = this.lastStep + 1;
    this.step = Math.max(1, Math.min(count, step)) - 1;
    if (step === this.step + 1) return "";
    return fill(LOOK.words.noMoment, { step, count, shown: this.step + 1 });
  }

  /** The page's address with step and speed. */
  link() {
    return addressWith({
      [`${this.address}_step`]: this.step + 1,
      [`${this.address}_speed`]: this.speed,
    });
  }

  startStep({ startStep }) {
    const step = startStep < 0 ? this.lastStep + 1 + startStep : startStep;
    return Math.max(0, Math.min(this.lastStep, step));
  }

  /** The step of the same output cell if it still exists, else the same progress. */
  samePlace({ trace, step, last }) {
    const [next] = this.traces;
    if (step >= last || last === this.lastStep) return Math.min(step, this.lastStep);
    const old = gridOf(trace, trace.leads[step]);
    const grid = next.grids.find(({ key, filter }) => key === old.key && filter === old.filter);
    const index = trace.leads[step] - old.firstId;
    const row = Math.floor(index / old.columns);
    const column = index % old.columns;
    if (grid && row < grid.rows && column < grid.columns) {
      const found = next.stepOfCell[grid.firstId + row * grid.columns + column];
      if (found >= 0) return found;
    }
    return Math.round((step / last) * this.lastStep);
  }

  stepOf(index, step = this.step) {
    return Math.min(step, this.traces[index].nSteps - 1);
  }

  /** The current step of each trace; shorter traces stop at their last step. */
  get steps() {
    return this.traces.map((_, index) => this.stepOf(index));
  }

  // Layout

  arrange(force = false) {
    const filled = this.fillsScreen;
    const room = {
      width: this.parts.picture.clientWidth,
      height: window.innerHeight,
      density: Math.max(1, window.devicePixelRatio || 1),
    };
    const same = Object.entries(room).every(([side, length]) => this.room?.[side] === length);
    if (!room.width || (!force && same)) return;
    this.room = room;
    this.parts.showScreen(filled);
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
    // What is left of a full screen depends on the text, measured while it has all the room.
    if (filled) for (const { canvas } of this.canvases) canvas.style.height = "0";
    this.reserve();
    const { zoom, width, layout, legend, height } = filled
      ? viewOnScreen(
          this.traces,
          { width: room.width, height: roomForPicture(this.root, this.parts) },
          measure,
        )
      : viewInPage(this.traces, room.width, measure);
    const ratio = room.density * zoom;
    Object.assign(this, { zoom, layout });
    for (const context of this.canvases) {
      context.canvas.width = Math.round(width * ratio);
      context.canvas.height = Math.round(height * ratio);
      context.canvas.style.height = `${height * zoom}px`;
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    this.places = new Places(this.layout.panels);
    const [ground, moving] = this.canvases.map((pen) => new Painter(pen, this.theme, ratio));
    this.ground = new Ground(ground, this.places, this.traces, this.layout, legend);
    this.overlay = new Overlay(overlay, moving, this.places, this.traces);
    this.outlines = null;
    this.ground.paintAll(this.filledNow(), this.filtersNow());
    this.draw();
    this.editing.arrange();
    this.looking.arrange();
  }

  get fillsScreen() {
    return this.root.getRootNode().fullscreenElement === this.root;
  }

  fillScreen() {
    if (this.fillsScreen) document.exitFullscreen();
    else this.root.requestFullscreen?.();
  }

  /** Reserves space for the longest arithmetic, so that nothing jumps while playing. */
  reserve() {
    const { arithmetic: box, caption: line } = this.parts;
    box.style.minHeight = line.style.minHeight = "";
    const heights = [0, 0];
    const measure = () =>
      [box, line].forEach((part, i) => {
        heights[i] = Math.max(heights[i], Math.ceil(part.getBoundingClientRect().height));
      });
    for (const step of [0, this.fullStep(), this.lastStep]) {
      this.write(this.traces.map((_, index) => this.stepOf(index, step)));
      measure();
    }
    this.parts.setCaption(this.longestCellCaption());
    measure();
    [box, line].forEach((part, i) => (part.style.minHeight = `${heights[i]}px`));
    this.say(true);
  }

  /** The longest caption that pointing at the corners of a grid would show. */
  longestCellCaption() {
    const cells = this.traces.flatMap(({ grids }, trace) =>
      grids.flatMap(({ firstId, values }) => [
        { trace, cell: firstId },
        { trace, cell: firstId + values.length - 1 },
      ]),
    );
    const captions = cells.map((cell) => this.cellCaptions([cell]));
    return captions.reduce((longest, each) => (each.length > longest.length ? each : longest));
  }

  /** A step with the longest arithmetic: one that touches no padding, if there is one. */
  fullStep() {
    const [trace] = this.traces;
    const stride = Math.max(1, Math.floor(trace.nSteps / 200));
    let found = 0;
    let fewest = Infinity;
    for (let step = 0; step < trace.nSteps && fewest > 0; step += stride) {
      let padding = 0;
      for (let i = trace.starts[step]; i < trace.starts[step + 1]; i++) {
        if (locate(trace, trace.reads[i]).mask & PADDING) padding++;
      }
      if (padding < fewest) [found, fewest] = [step, padding];
    }
    return found;
  }

  filtersNow() {
    const step = this.focus ?? this.step;
    return this.traces.map((trace, index) => filterOf(trace, this.stepOf(index, step)));
  }

  /** The number of filled output cells of each trace, without a value still moving. */
  filledNow() {
    const landed = !this.move || this.move.flight >= 1;
    return this.traces.map((_, index) => {
      const waits = !landed && this.step < this.traces[index].nSteps;
      return this.stepOf(index) + (waits ? 0 : 1);
    });
  }

  // Time

  /** After a step: resets the outlines, and sets the attribute that tests wait for. */
  stepped() {
    this.root.dataset.step = String(this.step);
    this.lit &&= this.lit.again();
    this.parts.setNote("");
    this.outlines = null;
    if (this.guided.awaitsEnd && this.step === this.lastStep) {
      this.guided.awaitsEnd = false;
      this.tellEnd();
    }
  }

  /** Moves one row up or down in the map of the first trace. */
  visitRow(rows) {
    const [trace] = this.traces;
    const { columns } = gridOf(trace, trace.leads[this.stepOf(0)]);
    this.visit(this.step + rows * columns);
  }

  /** Advances everything that moves, and requests frames while something does. */
  tick = (now) => {
    this.frame = 0;
    this.advance(now);
    this.draw();
    this.say();
    if (this.playing || this.move) this.requestFrame();
  };

  requestFrame() {
    if (!this.frame) this.frame = requestAnimationFrame(this.tick);
  }

  changed() {
    this.say(true);
    this.requestFrame();
  }

  draw() {
    if (!this.layout) return;
    this.ground.refresh(this.filledNow(), this.filtersNow());
    const steps = this.steps;
    const outlines = (this.outlines ??= findOutlines(
      this.places,
      this.traces,
      steps,
      this.target,
    ));
    this.overlay.draw({
      steps,
      previous: this.traces.map((_, index) => this.stepOf(index, this.previous)),
      focus: this.traces.map((_, index) => this.stepOf(index, this.focus ?? this.step)),
      slide: this.move ? this.move.slide : 1,
      flight: this.move ? this.move.flight : 1,
      pointing: outlines.pointing,
      preview: outlines.preview,
      asked: this.asked,
      answers: this.answers.filter((answer) => this.isKnown(answer)),
      veil: outlines.veil,
    });
  }

  // Pointing

  /** What the pointer, a link in the text or the last click singles out, or null. */
  get target() {
    return this.pointing ?? this.lit ?? this.pinned;
  }

  /** The step whose output cell that is, or null. */
  get focus() {
    return this.target ? this.target.step : null;
  }

  targetAt(x, y) {
    return targetAt(this.places, this.traces, this.steps, x / this.zoom, y / this.zoom);
  }

  point(target) {
    if (sameTarget(target, this.pointing)) return;
    this.pointing = target;
    this.outlines = null;
    this.say(true);
    this.requestFrame();
  }

  /** Lights what a link in the text is about; null ends it. */
  light(target) {
    this.lit = target;
    this.outlines = null;
    this.changed();
  }

  pin(target) {
    this.pinned = sameTarget(target, this.pinned) ? null : target;
    this.outlines = null;
    this.changed();
  }

  /** A click: an output cell sets the current step, any other cell stays highlighted. */
  choose(target) {
    release(this);
    if (target && target.step !== null) {
      this.pinned = this.pointing = null;
      this.visit(target.step, { animate: false });
    } else {
      this.pin(target);
    }
  }

  // Text

  /** Updates controls, caption and arithmetic, less often while playing fast. */
  say(force = false) {
    this.root.dataset.step = String(this.step);
    this.root.dataset.steps = String(this.lastStep + 1);
    this.root.dataset.playing = String(this.playing);
    const key = `${this.step} ${this.focus} ${this.playing}`;
    const now = performance.now();
    if (!force && (key === this.said || (this.playing && now - this.saidAt < SAY_EVERY_MS))) return;
    this.said = key;
    this.saidAt = now;
    const hurries = this.playing && this.stepMs < CALM_MS;
    this.parts.show(this, hurries);
    markLinks(this);
    const shown = this.focus ?? this.step;
    this.write(this.traces.map((_, index) => this.stepOf(index, shown)));
    if (this.parts.tables && !hurries) writeTables(this.parts.tables, this.traces, this.steps);
    this.looking.refresh();
    this.speak(shown);
  }

  /**
   * Says the value of a step to screen readers, and the caption when nothing has happened for a
   * moment: who steps quickly hears only values. A cell that has the focus speaks for itself.
   */
  speak(shown) {
    clearTimeout(this.resting);
    const { target, parts, looking } = this;
    if (looking.hasFocus) return;
    const values = this.traces.map((trace, index) => {
      const lead = this.traces.length > 1 ? `${trace.name}: ` : "";
      return lead + stepValue(trace, this.stepOf(index, shown));
    });
    if (!target || target.step !== null) parts.sayValue(values.join("; "));
    if (this.playing) return;
    this.resting = setTimeout(() => {
      parts.sayRest(parts.caption.textContent);
      this.root.dispatchEvent(new Event("cnn-lab-rest", { bubbles: true, composed: true }));
    }, REST_MS);
  }

  /** The visible arithmetic as LaTeX, a line for each trace. */
  latex() {
    const shown = this.focus ?? this.step;
    return this.traces
      .map((trace, index) => arithmeticLatex(trace, this.stepOf(index, shown)))
      .join("\n\n");
  }

  /** Writes caption and arithmetic of a step of each trace. */
  write(steps) {
    const { target } = this;
    const pointed = target && target.step === null && !target.term;
    this.parts.setCaption(
      pointed
        ? this.cellCaptions(target.cells)
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

  /** Captions of the cells under the pointer, by trace if they differ, and what the sum is of. */
  cellCaptions(cells) {
    const lines = cells.map(({ trace, cell }) => cellCaption(this.traces[trace], cell));
    const below = fill(LOOK.words.below, { step: this.step + 1 });
    if (new Set(lines).size === 1) return `${lines[0]} ${below}`;
    const named = lines.map((line, i) => `${this.traces[cells[i].trace].name}: ${line}`);
    return [...named, below].join("\n");
  }

  /** The caption of a step, with the name of the trace if there are several. */
  stepCaption(trace, step) {
    const words = [caption(trace, step), ...this.aboutQuestion(trace, step)].join(" ");
    return this.traces.length === 1 || words.startsWith(trace.name)
      ? words
      : `${trace.name}: ${words}`;
  }

  /**
   * Whether an answered cell shows its value: always, but for one that is being played to and totals
   * that grow.
   */
  isKnown(answer) {
    if (answer.cell === null) return false;
    const waits = this.until !== null && answer === this.revealed;
    const isTotal = Boolean(this.traces[answer.trace].targets);
    return answer.step < this.filledNow()[answer.trace] || !(waits || isTotal);
  }

  /** What there is to say of a step's cell if it is or was asked for. */
  aboutQuestion(trace, step) {
    const isOf = (one) =>
      one && one.cell !== null && this.traces[one.trace] === trace && one.step === step;
    const { asked, answered } = LOOK.words;
    const said = this.answers
      .filter(isOf)
      .map((answer) => fill(answered[answer.right ? "right" : "wrong"], answer));
    return isOf(this.asked) ? [...said, asked] : said;
  }

  /** The centre of a cell in the browser window, and its size. */
  cellCenter(key, row, column, index) {
    const trace = this.traces[index];
    const grid = trace.grids.find((each) => each.key === key);
    const { x, y, size } = this.places.square(
      index,
      trace,
      grid.firstId + row * grid.columns + column,
    );
    const { left, top } = this.parts.picture.getBoundingClientRect();
    const [across, down] = [x + size / 2, y + size / 2].map((part) => part * this.zoom);
    return { x: left + across, y: top + down, size: size * this.zoom };
  }
}
