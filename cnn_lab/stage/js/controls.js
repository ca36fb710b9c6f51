// Buttons, slider, keys and touch: all input of the player.

import {
  button,
  element,
  relabel,
  showPlaying,
  slide,
  slider as makeSlider,
  toggleButton,
} from "./kit.js";
import { copyButton } from "./moment.js";
import { termTarget } from "./pointing.js";

const KEYS =
  "Space plays and pauses. The arrow keys move from cell to cell, Home and End to the first and " +
  "the last. Plus and minus change the speed. Escape lets go of a cell. F fills the screen.";
export const SPEEDS = [0.25, 0.5, 1, 2, 4, 8, 16];

/**
 * Builds the elements of the player inside `root` and wires them to it.
 * @param {HTMLElement} root
 * @param {Object} player
 */
export function makeControls(root, player) {
  const base = element("canvas", { "aria-hidden": "true" });
  const overlay = element("canvas", { "aria-hidden": "true" });
  const picture = element(
    "div",
    { class: "picture", tabindex: "0", role: "application", "aria-describedby": "stage-keys" },
    [base, overlay],
  );
  const toggle = toggleButton(() => player.toggle());
  const slider = makeSlider("Step", (step) => player.visit(step, { animate: false }));
  const position = element("span", { class: "position", "aria-hidden": "true" });
  const speed = element(
    "select",
    { "aria-label": "Speed", title: "Speed" },
    SPEEDS.map((value) => {
      const text = { 0.25: "¼×", 0.5: "½×" }[value] ?? `${value}×`;
      return element("option", { value: String(value) }, [text]);
    }),
  );
  speed.onchange = () => player.setSpeed(Number(speed.value));
  const loop = button("loop", "Loop", () => player.setLooping(!player.looping));
  const screen = button("grow", "Full screen", () => player.fillScreen());
  screen.classList.add("screen");
  screen.hidden = !document.fullscreenEnabled;
  const controls = element("div", { class: "controls", role: "group", "aria-label": "Player" }, [
    element("div", { class: "buttons" }, [
      button("first", "First step", () => player.visit(0, { animate: false })),
      button("back", "Step back", () => player.visit(player.step - 1)),
      toggle,
      button("forward", "Step forward", () => player.visit(player.step + 1)),
      button("last", "Last step", () => player.visit(Infinity, { animate: false })),
    ]),
    slider,
    position,
    speed,
    loop,
    screen,
  ]);
  const caption = element("p", {
    class: "caption",
    id: "stage-caption",
    "data-testid": "stage-caption",
  });
  // What a screen reader says of a step: the value, and once the step rests, all else.
  const [value, rest] = ["value", "rest"].map((name) =>
    element("span", { class: "unseen", "data-says": name, "aria-live": "polite", "aria-atomic": "true" }),
  );
  const arithmetic = element("div", {
    class: "arithmetic",
    "data-testid": "stage-arithmetic",
    tabindex: "0",
    role: "group",
    "aria-label": "Arithmetic of this step",
  });
  const keys = element("span", { id: "stage-keys", hidden: "" }, [KEYS]);
  const latex = copyButton("Copy as LaTeX", "Arithmetic of this step as LaTeX", () =>
    player.latex(),
  );
  const link = copyButton("Copy link to this moment", "Link to this moment", () => player.link());
  const tables = element("details", { class: "tables" }, [
    element("summary", {}, ["Numbers as tables"]),
    element("div", { tabindex: "0", role: "group", "aria-label": "Numbers as tables" }),
  ]);
  tables.ontoggle = () => player.say(true);
  const predict = element("button", { type: "button", class: "ask" }, ["Predict first"]);
  predict.onclick = ({ detail }) => player.predict(detail === 0);
  const note = element("span", { class: "note", role: "status" });
  const below = element("div", { class: "below" }, [predict, latex, link, tables, note]);
  const heading = element("p", { class: "heading" });
  root.replaceChildren(heading, picture, controls, caption, arithmetic, below, value, rest, keys);

  root.onkeydown = (event) => onKey(event, player, speed);
  giveKeysToThePicture(root, picture, speed);
  listenToPointer(picture, player);
  listenToTerms(arithmetic, player);

  return {
    base,
    overlay,
    heading,
    picture,
    controls,
    arithmetic,
    caption,
    /** The element for the tables of numbers if it is open, else null. */
    get tables() {
      return tables.open ? tables.lastElementChild : null;
    },
    showScreen(filled) {
      relabel(screen, ...(filled ? ["shrink", "Leave full screen"] : ["grow", "Full screen"]));
    },
    setNote(text) {
      note.textContent = text;
    },
    describe({ label, heading: title, address, predicts }, lastStep) {
      predict.hidden = !predicts;
      link.hidden = !address;
      heading.textContent = title;
      picture.setAttribute("aria-label", label);
      slider.max = String(lastStep);
      position.style.minWidth = `${String(lastStep + 1).length * 2 + 2}ch`;
    },
    show({ step, lastStep, playing, looping, speed: factor }, quiet) {
      slide(slider, step, `${step + 1} of ${lastStep + 1}`);
      position.textContent = `${step + 1} / ${lastStep + 1}`;
      showPlaying(toggle, playing);
      loop.setAttribute("aria-pressed", String(looping));
      speed.value = String(factor);
      value.setAttribute("aria-live", quiet ? "off" : "polite");
    },
    sayValue(text) {
      if (value.textContent !== text) value.textContent = text;
    },
    sayRest(text) {
      if (rest.textContent !== text) rest.textContent = text;
    },
    setCaption(text) {
      if (caption.textContent !== text) caption.textContent = text;
    },
  };
}

function onKey(event, player, speed) {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || target === speed) return;
  if (target instanceof HTMLTextAreaElement || target.closest("details")) return;
  if (key === " " && target instanceof HTMLButtonElement) return;
  const faster = (by) => {
    const at = SPEEDS.indexOf(player.speed) + by;
    player.setSpeed(SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, at))]);
  };
  const actions = {
    " ": () => player.toggle(),
    ArrowLeft: () => player.visit(player.step - 1),
    ArrowRight: () => player.visit(player.step + 1),
    ArrowUp: () => player.visitRow(-1),
    ArrowDown: () => player.visitRow(1),
    Home: () => player.visit(0, { animate: false }),
    End: () => player.visit(Infinity, { animate: false }),
    "+": () => faster(1),
    "-": () => faster(-1),
    Escape: () => player.choose(null),
    f: () => player.fillScreen(),
    g: () => player.looking.open(),
  };
  if (!(key in actions)) return;
  event.preventDefault();
  event.stopPropagation();
  actions[key]();
}

/**
 * After a click the keys go to the picture, so that Space plays. A control that was reached by
 * keyboard keeps them.
 */
function giveKeysToThePicture(root, picture, speed) {
  let pointed = false;
  root.addEventListener("pointerdown", () => (pointed = true), true);
  root.addEventListener("keydown", () => (pointed = false), true);
  const release = (control) => {
    if (!control) return;
    if (pointed && root.getRootNode().activeElement === control) {
      picture.focus({ preventScroll: true });
    }
    pointed = false;
  };
  root.addEventListener("click", ({ target }) => release(target.closest("button, summary")));
  speed.addEventListener("change", () => release(speed));
}

/** Hover with a mouse; tap and drag with a finger. */
function listenToPointer(picture, player) {
  const target = (event) => {
    const { left, top } = picture.getBoundingClientRect();
    return player.targetAt(event.clientX - left, event.clientY - top);
  };
  let dragging = false;
  picture.onpointermove = (event) => {
    const found = target(event);
    if (dragging) {
      if (found && found.step !== null) player.choose(found);
      return;
    }
    if (event.pointerType === "mouse") {
      picture.style.cursor = found ? "pointer" : "";
      player.point(found);
    }
  };
  picture.onpointerleave = () => player.point(null);
  picture.onpointerdown = (event) => {
    const found = target(event);
    dragging = Boolean(found) && found.step !== null;
    if (dragging) picture.setPointerCapture(event.pointerId);
  };
  picture.onpointerup = picture.onpointercancel = () => (dragging = false);
  picture.onclick = (event) => player.choose(target(event));
  // A finger on an output cell drags over cells; anywhere else it scrolls the page.
  picture.addEventListener(
    "touchstart",
    (event) => {
      const found = event.touches.length === 1 && target(event.touches[0]);
      if (found && found.step !== null) {
        event.preventDefault();
        player.choose(found);
      }
    },
    { passive: false },
  );
}

/** Highlights the cells of a term in the arithmetic line. */
function listenToTerms(arithmetic, player) {
  arithmetic.onpointermove = (event) => {
    const term = event.target.closest("[data-cell]");
    player.point(
      term &&
        termTarget(
          Number(term.dataset.trace),
          Number(term.dataset.cell),
          Number(term.dataset.weight),
          Number(term.dataset.target),
        ),
    );
  };
  arithmetic.onpointerleave = () => player.point(null);
}
