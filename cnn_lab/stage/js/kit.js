// Shared by all components: elements, icons, the slider and the entry point for Streamlit.

const SVG = "http://www.w3.org/2000/svg";
const ICONS = {
  first: "M6 6h2v12H6zM18 6v12l-8.5-6z",
  back: "M16 6v12l-9-6z",
  play: "M8 5v14l11-7z",
  pause: "M7 5h4v14H7zM13 5h4v14h-4z",
  forward: "M8 6v12l9-6z",
  last: "M16 6h2v12h-2zM6 6v12l8.5-6z",
  grow: "M5 5h6v2H7v4H5zM13 5h6v6h-2V7h-4zM5 13h2v4h4v2H5zM17 13h2v6h-6v-2h4z",
  shrink: "M9 5h2v6H5V9h4zM13 5h2v4h4v2h-6zM5 13h6v6H9v-4H5zM13 13h6v2h-4v4h-2z",
  brush: "M4 20v-4L15.5 4.5l4 4L8 20zM17 3l1.5-1.5 4 4L21 7z",
  undo: "M9 5L3 11l6 6v-4h5a4 4 0 0 1 4 4v2h2v-2a6 6 0 0 0-6-6H9z",
  redo: "M15 5l6 6-6 6v-4h-5a4 4 0 0 0-4 4v2H4v-2a6 6 0 0 1 6-6h5z",
  loop: "M7 7h10v3l4-4-4-4v3H5v6h2zM17 17H7v-3l-4 4 4 4v-3h12v-6h-2z",
};

/**
 * Returns the function that Streamlit calls: it makes one widget for each mounted element and keeps
 * it while its data changes. What it chooses reaches the server once; what it keeps goes along with
 * every later message too, until it keeps something else. From a page that is being left, or whose
 * elements are still there beside the next one's, nothing is sent: the server would run a part of
 * that page, of which nothing is left, and the window would be empty.
 * @param {(root: HTMLElement) => {
 *   update: (data: any, choose: (value: any) => void, keep: (value: any) => void) => void,
 *   stop?: () => void
 * }} create
 */
export function component(create) {
  const mounted = new WeakMap();
  return ({ data, parentElement, setTriggerValue, setStateValue }) => {
    if (!mounted.has(parentElement)) {
      const widget = create(parentElement.querySelector(".kit"));
      mounted.set(parentElement, { visit: window.cnnLabVisit, ...widget });
    }
    const widget = mounted.get(parentElement);
    const sender = (set, name) => (value) =>
      widget.visit === window.cnnLabVisit && sendAtOnce(set, name, value);
    widget.update(data, sender(setTriggerValue, "chosen"), sender(setStateValue, "kept"));
    return () => {
      widget.stop?.();
      mounted.delete(parentElement);
    };
  };
}

/** Says that the page is another one from now on. */
export function beginVisit() {
  window.cnnLabVisit = (window.cnnLabVisit ?? 0) + 1;
}

/** Says that a link to another page has been followed. */
export function leave() {
  const visit = window.cnnLabVisit;
  const { pathname } = location;
  beginVisit();
  const look = () => {
    // No page has come, and the components can be used again.
    if (location.pathname === pathname) window.cnnLabVisit = visit;
  };
  setTimeout(() => whenResting(look), NO_PAGE_MS); // between two runs the server rests as well
}

/**
 * Sends a change to the server before anything else happens. Streamlit puts it off with a timer of
 * 0 ms, joins it with all that the reader changes until a busy browser gets there, and then has the
 * server run only the fragment of the first change, so the others would wait for the next click.
 */
function sendAtOnce(set, name, value) {
  const later = window.setTimeout;
  const due = [];
  window.setTimeout = (act, wait) => (wait ? later(act, wait) : due.push(act));
  try {
    set(name, value);
  } finally {
    window.setTimeout = later;
  }
  due.forEach((act) => act());
}

const BUSY = '[data-test-script-state="running"], [data-test-script-state="rerunRequested"]';

/** Says whether a script runs on the server or is about to. */
export const isBusy = () => Boolean(document.querySelector(BUSY));

const LOOK_AGAIN_MS = 30;
const NO_PAGE_MS = 2000;

/**
 * Does something as soon as no script runs on the server or is about to. A run under way may be
 * leading to another page, and what a component of this one asks for meanwhile would empty that.
 * @returns {() => void} gives it up
 */
export function whenResting(act) {
  let timer = 0;
  const look = () => {
    if (!isBusy()) act();
    else timer = setTimeout(look, LOOK_AGAIN_MS);
  };
  look();
  return () => clearTimeout(timer);
}

export function element(tag, attributes = {}, children = []) {
  return filled(document.createElement(tag), attributes, children);
}

/** An element of an SVG picture. */
export function drawn(tag, attributes = {}, children = []) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** @param {keyof typeof ICONS} name */
export function button(name, label, onClick) {
  const node = element("button", { type: "button" });
  node.onclick = onClick;
  relabel(node, name, label);
  return node;
}

/** Changes the icon and name of a button, unless it already has them. */
export function relabel(node, name, label) {
  if (node.title === label) return;
  node.title = label;
  node.setAttribute("aria-label", label);
  const icon = { viewBox: "0 0 24 24", "aria-hidden": "true" };
  node.replaceChildren(drawn("svg", icon, [drawn("path", { d: ICONS[name] })]));
}

/** The round button that plays and pauses. */
export function toggleButton(onClick) {
  const node = button("play", "Play", onClick);
  node.className = "toggle";
  return node;
}

export function showPlaying(toggle, playing) {
  relabel(toggle, ...(playing ? ["pause", "Pause"] : ["play", "Play"]));
}

/** @param {(value: number) => void} onInput */
export function slider(label, onInput) {
  const node = element("input", { type: "range", min: "0", step: "1", "aria-label": label });
  node.oninput = () => onInput(Number(node.value));
  return node;
}

/** Moves a slider without an event, and gives its position in words. */
export function slide(node, value, words) {
  node.value = String(value);
  node.style.setProperty("--share", String(Number(node.max) ? value / node.max : 1));
  node.setAttribute("aria-valuetext", words);
}

/** A colour scale between the labels of its ends. */
export function scale(low, colours, high) {
  const bar = element("i", { class: "scale", "aria-hidden": "true" });
  bar.style.background = `linear-gradient(to right, ${colours.join(", ")})`;
  return [low, bar, high];
}
