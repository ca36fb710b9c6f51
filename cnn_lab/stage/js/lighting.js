// Links in a page's text that light cells on a stage, and cells on a stage that mark such links.
//
// The address says which cells: #cells-input, -kernel, -bias, -output, -activated or -padding all of
// a kind, #cells-window those that the current step reads, #cells-step-3 the step with that number on
// the stage, #cells-input-0-2 one cell of a kind, with row and column as numbered there. A link
// without such cells on the page loses its address and with it the look of a link.

import { PADDING, locate, ofStep } from "./wire.js";

const LINKS = 'a[href^="#cells-"], a[data-address]';
const ADDRESS =
  /^#cells-(?:step-(?<step>\d+)|(?<kind>input|kernel|bias|output|activated|padding|window)(?:-(?<row>-?\d+)-(?<column>-?\d+))?)$/;

const players = new Set();
let stageOf = new Map(); // link -> the player whose cells it lights
let over = null; // the link under the mouse,
let focused = null; // the one that the keyboard is at,
let held = null; // and what a click keeps lit: {address, player}
let refreshing = 0;

const watch = new MutationObserver(refreshLinks);
const LISTENERS = {
  pointerover: ({ pointerType, target }) => {
    if (pointerType === "mouse") change(() => (over = linkAt(target)));
  },
  focusin: ({ target }) => {
    const link = linkAt(target);
    change(() => (focused = link?.matches(":focus-visible") ? link : null));
  },
  focusout: () => change(() => (focused = null)),
  click: (event) => {
    const link = linkAt(event.target);
    if (!link) return;
    event.preventDefault(); // otherwise the address changes and the page jumps
    event.stopPropagation();
    choose(link);
  },
  keydown: ({ key }) => {
    if (key === "Escape" && held) change(() => (held = null));
  },
};

/** A new player: the links to its cells come alive. */
export function enlist(player) {
  if (!players.size) {
    for (const [kind, listen] of Object.entries(LISTENERS)) {
      document.addEventListener(kind, listen, true);
    }
    watch.observe(document.body, { childList: true, subtree: true });
  }
  players.add(player);
}

/** A player that goes takes the links to its cells along. */
export function dismiss(player) {
  players.delete(player);
  if (held?.player === player) held = null;
  refresh();
  if (players.size) return;
  watch.disconnect();
  for (const [kind, listen] of Object.entries(LISTENERS)) {
    document.removeEventListener(kind, listen, true);
  }
}

/** Keeps cells lit until the next click: the addresses of links, or none. */
export function hold(player, addresses) {
  if (addresses) held = { player, address: addresses.join(" ") };
  else if (held?.player === player) held = null;
}

/** Lets go of what a link keeps lit on a stage. */
export function release(player) {
  if (held?.player === player) change(() => (held = null));
}

/** Looks at all links again, soon: the text has changed, or what is on a stage. */
export function refreshLinks() {
  refreshing ||= requestAnimationFrame(refresh);
}

function refresh() {
  cancelAnimationFrame(refreshing);
  refreshing = 0;
  stageOf = new Map();
  for (const link of document.querySelectorAll(LINKS)) {
    const address = link.getAttribute("href") ?? link.dataset.address;
    const player = address.startsWith("#cells-") ? findStage(link, address) : null;
    if (player) {
      stageOf.set(link, player);
      if (!link.hasAttribute("href")) link.setAttribute("href", address);
      link.title = "Shows these cells on the stage";
    }
    if (player || !address.startsWith("#cells-")) {
      delete link.dataset.address;
    } else {
      link.dataset.address = address;
      link.removeAttribute("href");
      delete link.dataset.cells;
      link.removeAttribute("title");
    }
  }
  if (!stageOf.has(over)) over = null;
  if (!stageOf.has(focused)) focused = null;
  relight();
  for (const player of players) markLinks(player);
}

/** The stage that has the cells: the last one before the link, else the first after it. */
function findStage(link, address) {
  const able = [...players].filter((player) => targetOf(player, address));
  const place = ({ root }) => root.getRootNode().host ?? root;
  const isBefore = (a, b) => a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING;
  able.sort((a, b) => (isBefore(place(a), place(b)) ? -1 : 1));
  return able.findLast((player) => isBefore(place(player), link)) ?? able[0] ?? null;
}

function linkAt(node) {
  const link = node instanceof Element ? node.closest(LINKS) : null;
  return stageOf.has(link) ? link : null;
}

/** Does something to what is lit, and shows the difference, if it makes one. */
function change(act) {
  const before = [over, focused, held];
  act();
  if ([over, focused, held].every((each, i) => each === before[i])) return;
  relight();
  for (const player of players) markLinks(player);
}

/** A click: a step is visited, other cells stay lit until the next click. */
function choose(link) {
  const player = stageOf.get(link);
  const address = link.getAttribute("href");
  const { step } = address.match(ADDRESS).groups;
  if (step) player.visit(Number(step) - 1, { animate: false });
  const again = held?.player === player && held.address === address;
  change(() => (held = step || again ? null : { address, player }));
  bringIntoView(player);
}

function bringIntoView({ parts: { picture }, stillness }) {
  const { top, bottom, height } = picture.getBoundingClientRect();
  const seen = Math.min(bottom, window.innerHeight) - Math.max(top, 0);
  if (seen >= Math.min(height, window.innerHeight) / 2) return;
  picture.scrollIntoView({ block: "center", behavior: stillness.matches ? "auto" : "smooth" });
}

function relight() {
  const link = over ?? focused;
  const now = link ? { address: link.getAttribute("href"), player: stageOf.get(link) } : held;
  for (const player of players) {
    const target = now?.player === player ? targetOf(player, now.address) : null;
    if (target || player.lit) player.light(target);
  }
}

/**
 * What an address lights on a stage, or null if it has no such cells.
 * @returns {import("./pointing.js").Target & {again: () => Object|null} | null}
 */
function targetOf(player, address) {
  if (address.includes(" ")) return targetOfAll(player, address);
  const { step, kind, row, column } = address.match(ADDRESS)?.groups ?? {};
  const target = step
    ? stepTarget(player, Number(step) - 1)
    : row === undefined
      ? kindTarget(player, kind)
      : cellTarget(player, kind, Number(row), Number(column));
  return target && { ...target, lit: true, again: () => targetOf(player, address) };
}

function targetOfAll(player, addresses) {
  const found = addresses.split(" ").map((address) => targetOf(player, address));
  const targets = found.filter(Boolean);
  if (!targets.length) return null;
  const cells = targets.flatMap((target) => target.cells);
  const window = targets.some((target) => target.window);
  const again = () => targetOfAll(player, addresses);
  return { step: null, cells, term: true, window, lit: true, again };
}

function stepTarget({ traces, lastStep }, step) {
  if (step < 0 || step > lastStep) return null;
  const trace = traces.findIndex(({ nSteps }) => step < nSteps);
  return { step, cells: [{ trace, cell: traces[trace].leads[step] }] };
}

function kindTarget({ traces, steps }, kind) {
  const cells = traces.flatMap((trace, index) => {
    const own = kind === "window" ? ofStep(trace, trace.reads, steps[index]) : ofKind(trace, kind);
    return Array.from(own, (cell) => ({ trace: index, cell }));
  });
  // With a window that lies on nothing, the word still means something.
  const none = !cells.length && (kind !== "window" || !traces.some(({ reads }) => reads.length));
  return none ? null : { step: null, cells, term: true, window: kind === "window" };
}

function ofKind({ grids }, kind) {
  return grids.flatMap(({ role, mask, values, firstId }) => {
    if (kind !== "padding" && kind !== role) return [];
    const cells = Array.from(values, (_, index) => index).filter((index) => {
      const pads = Boolean(mask && mask[index] & PADDING);
      return pads === (kind === "padding");
    });
    return cells.map((index) => firstId + index);
  });
}

function cellTarget({ traces }, kind, row, column) {
  for (const [trace, { grids, stepOfCell }] of traces.entries()) {
    for (const { role, rowLabels, columnLabels, columns, firstId } of grids) {
      const [down, across] = [rowLabels.indexOf(row), columnLabels.indexOf(column)];
      if (role !== kind || down < 0 || across < 0) continue;
      const cell = firstId + down * columns + across;
      const step = stepOfCell[cell];
      return { step: step < 0 ? null : step, cells: [{ trace, cell }] };
    }
  }
  return null;
}

/** Marks the links to the cells that are pointed at on a stage, or that its step is about. */
export function markLinks(player) {
  let about = null;
  for (const [link, owner] of stageOf) {
    if (owner !== player) continue;
    about ??= addressesNow(player);
    const address = link.getAttribute("href");
    const isHeld = held?.player === player && held.address.split(" ").includes(address);
    const mark = isHeld ? "held" : about.has(address) ? "lit" : "here";
    if (link.dataset.cells === mark) continue;
    link.dataset.cells = mark;
    if (isHeld) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

function addressesNow({ traces, steps, step, pointing, touched, playing, move }) {
  const found = new Set();
  const add = (index, cell, { alone = false } = {}) => {
    const trace = traces[index];
    const { grid, row, column, mask } = locate(trace, cell);
    found.add(`#cells-${grid.role}-${grid.rowLabels[row]}-${grid.columnLabels[column]}`);
    if (mask & PADDING) found.add("#cells-padding");
    if (alone) return;
    if (!(mask & PADDING)) found.add(`#cells-${grid.role}`);
    if (ofStep(trace, trace.reads, steps[index]).includes(cell)) found.add("#cells-window");
  };
  if (pointing) {
    for (const { trace, cell } of pointing.cells) add(trace, cell);
    if (pointing.step !== null) found.add(`#cells-step-${pointing.step + 1}`);
  } else if (touched) {
    found.add(`#cells-step-${step + 1}`);
    traces.forEach((trace, index) => {
      add(index, trace.leads[steps[index]], { alone: true });
      for (const cell of ofStep(trace, trace.reads, steps[index])) add(index, cell, { alone: true });
    });
    if (playing || move) for (const kind of ["window", "output"]) found.add(`#cells-${kind}`);
  }
  return found;
}
