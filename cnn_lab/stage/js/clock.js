// The clock: the current step, the movement between two steps, and the speed.

const PLAY_MS = 20_000; // a whole trace at speed 1, within these limits per step
const STEP_MS = { least: 40, most: 1100 };
const MOVE_MS = { slide: 260, flight: 340 };
const STILL_BELOW_MS = 160; // steps that follow faster than this are not animated
const AWAY_MS = 400; // after a longer pause the page was hidden: do not catch up

const ease = (share) => (share < 0.5 ? 4 * share ** 3 : 1 - (-2 * share + 2) ** 3 / 2);
const clamp = (share) => Math.max(0, Math.min(1, share));

/** Subclasses implement `stepped` (after a step) and `changed` (after a command). */
export class Clock {
  constructor() {
    this.playing = false;
    this.looping = false;
    this.speed = 1;
    this.step = 0;
    this.previous = 0;
    this.lastStep = 0;
    this.touched = false;
    this.move = null;
    this.until = null; // the step at which playing stops by itself, if it is not the last
    this.stillness = window.matchMedia("(prefers-reduced-motion: reduce)");
  }

  get stepMs() {
    const fair = PLAY_MS / (this.lastStep + 1);
    return Math.max(STEP_MS.least, Math.min(STEP_MS.most, fair)) / this.speed;
  }

  play() {
    this.touched = true;
    this.until = null;
    if (this.step >= this.lastStep) this.goTo(0, { animate: false });
    this.playing = true;
    this.dueAt = performance.now() + this.stepMs;
    this.changed();
  }

  /** Plays some steps and stops, to show how a result comes about. */
  playFromTo(first, last) {
    this.touched = true;
    if (this.stillness.matches) {
      this.visit(last, { animate: false });
      return;
    }
    this.playing = false;
    this.goTo(Math.max(0, first - 1), { animate: false });
    this.until = last;
    this.playing = true;
    this.dueAt = performance.now() + this.stepMs / 2;
    this.changed();
  }

  pause() {
    this.playing = false;
    this.until = null;
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

  /** A manual step stops the clock. */
  visit(step, { animate = true } = {}) {
    this.touched = true;
    this.playing = false;
    this.until = null;
    this.goTo(Math.max(0, Math.min(this.lastStep, step)), { animate });
    this.changed();
  }

  goTo(step, { animate }) {
    if (step === this.step) return;
    const lasts = this.playing ? this.stepMs : Infinity;
    const moves = animate && !this.stillness.matches && lasts > STILL_BELOW_MS;
    const forward = step === this.step + 1;
    const share = Math.min(1, (0.8 * lasts) / (MOVE_MS.slide + MOVE_MS.flight));
    this.previous = this.step;
    this.step = step;
    this.move = moves
      ? {
          start: performance.now(),
          slideMs: MOVE_MS.slide * share,
          flightMs: forward ? MOVE_MS.flight * share : 0,
          slide: 0,
          flight: 0,
        }
      : null;
    this.stepped();
  }

  /** Advances step and movement to a point in time. */
  advance(now) {
    if (this.playing) this.playOn(now);
    if (!this.move) return;
    const elapsed = Math.max(0, now - this.move.start);
    this.move.slide = ease(Math.min(1, elapsed / this.move.slideMs));
    const late = elapsed - this.move.slideMs;
    this.move.flight = this.move.flightMs ? ease(clamp(late / this.move.flightMs)) : +(late >= 0);
    if (this.move.flight >= 1) this.move = null;
  }

  playOn(now) {
    const late = now - this.dueAt;
    if (late < 0) return;
    const steps = 1 + Math.floor(Math.min(late, AWAY_MS) / this.stepMs);
    this.dueAt = late > AWAY_MS ? now : this.dueAt + steps * this.stepMs;
    const last = this.until ?? this.lastStep;
    if (this.step >= last) {
      if (this.looping && this.until === null) this.goTo(0, { animate: false });
      else this.pause();
      return;
    }
    this.goTo(Math.min(last, this.step + steps), { animate: steps === 1 });
  }
}
