// Dragging on the picture: the window over the input, and paint; and the press that edits a cell.
//
// These come before the gestures of controls.js, and stop those that they take over.

import { filterOf } from "./overlay.js";
import { ofStep } from "./wire.js";

const HOLD_MS = 500;
const STILL_PX = 8; // a finger that moves less presses

/**
 * The window of the current step under a point of the picture, if it can be moved.
 * @returns {{trace: number, grid: Object, panel: Object, x: number, y: number}|null} with its centre
 */
function windowAt(player, x, y) {
  const [across, down] = [x / player.zoom, y / player.zoom];
  const hit = player.places.at(across, down);
  if (!hit || hit.panel.role !== "input") return null;
  const { panel } = hit;
  for (const { trace: index, grid } of panel.members) {
    const trace = player.traces[index];
    if (trace.targets) continue;
    const box = (step) => windowIn(trace, grid, panel, step);
    const now = box(player.stepOf(index));
    if (!now || across < now.left || across >= now.right) continue;
    if (down < now.top || down >= now.bottom) continue;
    const [first, last] = [box(0), box(trace.nSteps - 1)];
    const moves = first && last && (first.x !== last.x || first.y !== last.y);
    if (moves) return { trace: index, grid, panel, x: now.x, y: now.y };
  }
  return null;
}

/** The centre of a window at each step of the filter that is shown. */
function stopsOf(player, { trace: index, grid, panel }) {
  const trace = player.traces[index];
  const filter = filterOf(trace, player.stepOf(index));
  const stops = [];
  for (let step = 0; step < trace.nSteps; step++) {
    const there = filterOf(trace, step) === filter && windowIn(trace, grid, panel, step);
    if (there) stops.push({ step, x: there.x, y: there.y });
  }
  return stops;
}

/** The box around what a step reads of a grid, and its centre; null if it reads nothing there. */
function windowIn(trace, grid, panel, step) {
  const last = grid.firstId + grid.values.length;
  const reads = ofStep(trace, trace.reads, step).filter((id) => id >= grid.firstId && id < last);
  if (!reads.length) return null;
  const at = (id) => [(id - grid.firstId) % grid.columns, Math.floor((id - grid.firstId) / grid.columns)];
  const [first, final] = [at(reads[0]), at(reads[reads.length - 1])];
  const [left, top] = [panel.x + first[0] * panel.cell, panel.y + first[1] * panel.cell];
  const right = panel.x + (final[0] + 1) * panel.cell;
  const bottom = panel.y + (final[1] + 1) * panel.cell;
  return { left, top, right, bottom, x: (left + right) / 2, y: (top + bottom) / 2 };
}

/** The stop nearest to a point. */
function nearest(stops, x, y) {
  let best = stops[0];
  for (const stop of stops) {
    const far = (each) => (each.x - x) ** 2 + (each.y - y) ** 2;
    if (far(stop) < far(best)) best = stop;
  }
  return best;
}

/**
 * @param {HTMLElement} picture
 * @param {Object} player
 */
export function listenToGestures(picture, player) {
  const { editing } = player;
  let held = null; // the pointer that is down, and what it began on
  let swallow = false; // the click that follows a drag

  const point = ({ clientX, clientY }) => {
    const { left, top } = picture.getBoundingClientRect();
    return [clientX - left, clientY - top];
  };
  const on = (name, act, options = {}) =>
    picture.addEventListener(name, act, { capture: true, ...options });

  function begins(x, y, isMouse) {
    const place = editing.at(x, y);
    const paintable = place && place.about.brush !== null;
    if (paintable && editing.painting) return { place, mode: "paint" };
    const window = windowAt(player, x, y);
    if (window) return { place, window, mode: "window" };
    return { place, mode: paintable && isMouse ? "brush" : "press" };
  }

  on("pointerdown", (event) => {
    editing.held = false;
    if (event.button !== 0 || !event.isPrimary) return;
    const [x, y] = point(event);
    const isMouse = event.pointerType === "mouse";
    swallow = false;
    held = { id: event.pointerId, x, y, isMouse, moved: false, ...begins(x, y, isMouse) };
    if (held.mode === "paint") {
      event.stopPropagation();
      picture.setPointerCapture(event.pointerId);
      swallow = true;
      if (held.place.about.refusal) editing.say(held.place.about.refusal);
      else editing.startStroke(held.place);
    } else if (!isMouse && held.place) {
      held.timer = setTimeout(() => press(), HOLD_MS);
    }
  });

  /** A finger has rested on a cell: its number is edited. */
  function press() {
    swallow = true;
    editing.held = true;
    held.pressed = true;
    editing.open(held.place);
  }

  on("pointermove", (event) => {
    const [x, y] = point(event);
    if (!held || event.pointerId !== held.id) {
      if (event.pointerType === "mouse") showCursor(x, y);
      return;
    }
    const far = Math.hypot(x - held.x, y - held.y);
    if (far > STILL_PX) clearTimeout(held.timer);
    if (held.pressed) {
      event.stopPropagation();
    } else if (held.mode === "paint" || held.mode === "brush") {
      paint(event, x, y);
    } else if (held.mode === "window") {
      drag(event, x, y, far);
    }
  });

  function paint(event, x, y) {
    event.stopPropagation();
    const place = editing.at(x, y);
    if (!editing.stroke && held.mode === "brush") {
      const left = !place || place.index !== held.place.index || place.grid !== held.place.grid;
      if (!left) return;
      swallow = true;
      held.mode = "paint";
      picture.setPointerCapture(event.pointerId);
      player.point(null);
      if (held.place.about.refusal) editing.say(held.place.about.refusal);
      else editing.startStroke(held.place);
    }
    if (editing.stroke) editing.extendStroke(place);
  }

  function drag(event, x, y, far) {
    event.stopPropagation();
    if (!held.moved && far <= STILL_PX / 2) return;
    if (!held.moved) {
      held.moved = swallow = true;
      held.stops = stopsOf(player, held.window);
      picture.setPointerCapture(event.pointerId);
      picture.dataset.drags = "window";
      player.pinned = null;
      player.point(null);
    }
    const { window, x: fromX, y: fromY } = held;
    const [across, down] = [(x - fromX) / player.zoom, (y - fromY) / player.zoom];
    const { step } = nearest(held.stops, window.x + across, window.y + down);
    if (step !== player.stepOf(window.trace)) player.visit(step, { animate: false });
  }

  function ends(event, tapped) {
    if (!held || event.pointerId !== held.id) return;
    const { mode, pressed, moved, isMouse, timer } = held;
    clearTimeout(timer);
    held = null;
    delete picture.dataset.drags;
    editing.endStroke();
    if (pressed) {
      editing.field?.input.focus({ preventScroll: true }); // only now does a phone show its keys
    } else if (tapped && mode === "window" && !moved && !isMouse) {
      swallow = true; // its touch was taken from the browser, which makes no click of it
      player.choose(player.targetAt(...point(event)));
    }
    if (mode !== "press") event.stopPropagation();
  }
  on("pointerup", (event) => ends(event, true));
  on("pointercancel", (event) => ends(event, false));

  on("click", (event) => {
    if (swallow) {
      event.stopPropagation();
      swallow = false;
      return;
    }
    const place = editing.at(...point(event));
    if (place && event.pointerType !== "touch" && editing.opensAt(place)) {
      event.stopPropagation();
      editing.open(place);
    }
  });
  on("dblclick", (event) => {
    const place = editing.at(...point(event));
    if (!place || editing.painting) return;
    event.stopPropagation();
    editing.open(place);
  });

  // A finger on the window drags it, and with Paint on it paints; elsewhere it scrolls the page.
  on(
    "touchstart",
    (event) => {
      if (event.touches.length !== 1) return;
      const { mode } = begins(...point(event.touches[0]), false);
      if (mode === "press") return;
      event.preventDefault();
      event.stopPropagation();
    },
    { passive: false },
  );

  on(
    "touchend",
    (event) => {
      if (editing.held) event.preventDefault(); // no click, which would take the focus
    },
    { passive: false },
  );

  function showCursor(x, y) {
    const { mode, place } = begins(x, y, true);
    const refusal = place?.about.refusal ?? "";
    if (picture.title !== refusal) picture.title = refusal;
    if (mode === "press") {
      if (place && !refusal && editing.opensAt(place)) picture.dataset.over = "text";
      else delete picture.dataset.over;
    } else {
      picture.dataset.over = mode === "window" ? "window" : "paint";
    }
  }
}
