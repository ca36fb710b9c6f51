// How much the picture is enlarged: on wide pages a little, in full screen as much as fits.

import LOOK from "../layout.json" with { type: "json" };
import { layOut } from "./layout.js";
import { legendOf } from "./legend.js";

const { page: PAGE, full: FULL } = LOOK.zoom;

/**
 * @typedef {Object} View
 * @property {number} zoom pixels of the page for one of the layout
 * @property {number} width of the layout
 * @property {Object} layout
 * @property {Object} legend
 * @property {number} height of layout and legend
 */

/**
 * The picture in a page: where there is room in both directions, all of it is larger.
 * @param {import("./wire.js").Trace[]} traces
 * @param {number} width in pixels of the page
 * @param {(text: string, role: string) => number} measure
 * @returns {View}
 */
export function viewInPage(traces, width, measure) {
  const room = Math.min(width / PAGE.width, window.innerHeight / PAGE.height);
  const zoom = Math.floor(room / PAGE.step) * PAGE.step;
  return viewAt(Math.max(1, Math.min(PAGE.most, zoom)), traces, width, measure);
}

/**
 * The picture in full screen: for a back row, so with the largest cells that the room allows.
 * @param {import("./wire.js").Trace[]} traces
 * @param {{width: number, height: number}} room in pixels
 * @param {(text: string, role: string) => number} measure
 * @returns {View}
 */
export function viewOnScreen(traces, { width, height }, measure) {
  // Below the usual zoom, headings are small for a back row, so it takes larger cells to go there.
  const usual = Math.min(window.innerWidth / FULL.width, window.innerHeight / FULL.height);
  let best = null;
  for (let zoom = 1; zoom <= Math.max(1, FULL.most * usual); zoom += FULL.step) {
    const view = viewAt(zoom, traces, width, measure, height);
    const cell = zoom * Math.min(...view.layout.panels.map((panel) => panel.cell));
    const fits = view.height * zoom <= height;
    const worth = (fits ? 1 : 0.1) * (zoom < usual ? cell / FULL.worth : cell);
    if (!best || worth > best.worth) best = { worth, view };
  }
  return best.view;
}

function viewAt(zoom, traces, wide, measure, high = null) {
  const width = Math.floor(wide / zoom);
  const legend = legendOf(traces, width, measure);
  const below = LOOK.legend.above + legend.height;
  const room = high === null ? {} : { height: high / zoom - below };
  const layout = layOut(traces, width, measure, room);
  return { zoom, width, layout, legend, height: layout.height + below };
}

/** The height that is left for the picture when all else on the full screen has its place. */
export function roomForPicture(root, { heading, controls, caption, arithmetic }) {
  const style = getComputedStyle(root);
  const texts = [caption, arithmetic].map((part) => part.getBoundingClientRect());
  const text = Math.max(...texts.map(({ bottom }) => bottom)) - Math.min(...texts.map(({ top }) => top));
  const rows = [heading, controls].map((part) => part.getBoundingClientRect().height);
  const [gap, above, below] = [style.rowGap, style.paddingTop, style.paddingBottom].map(parseFloat);
  const taken = text + rows[0] + rows[1] + 3 * gap + above + below;
  return Math.max(FULL.share * window.innerHeight, window.innerHeight - taken);
}
