// The legend: every colour scale once, and the signs that occur.

import { fontOf } from "./paint.js";
import { css, mix } from "./theme.js";
import { PADDING, UNREAD, WINNER, familyOf } from "./wire.js";
import { formatNumber } from "./words.js";

const RAMP = 84;
export const LEGEND_ABOVE = 14;
const LEGEND_LINE = 24;
const LEGEND_GAP = 28;

/**
 * What the legend says: each scale once, and the signs that occur.
 * @param {import("./wire.js").Trace[]} traces
 * @param {number} width
 * @param {(text: string, role: string) => number} measure
 */
export function legendOf(traces, width, measure) {
  const grids = traces.flatMap((trace) => trace.grids);
  const ramps = new Map();
  for (const grid of grids) {
    const name = grid.role === "bias" ? "" : familyOf(grid);
    const key = `${grid.scale.kind} ${grid.scale.limit}`;
    const ramp = ramps.get(key) ?? { kind: "ramp", scale: grid.scale, names: new Set(), grid };
    if (name) ramp.names.add(name);
    ramps.set(key, ramp);
  }
  const has = (bit) => grids.some((grid) => grid.mask && grid.mask.some((mask) => mask & bit));
  const items = [...ramps.values()].filter((ramp) => ramp.names.size);
  for (const item of items) {
    const limit = formatNumber(item.scale.limit, item.grid, false);
    const names = [...item.names].join(", ").toLowerCase();
    const label = names[0].toUpperCase() + names.slice(1);
    item.name = label;
    item.low = item.scale.kind === "grey" ? "0" : `−${limit}`;
    item.text = limit;
    item.lead = measure(item.name, "legend") + measure(item.low, "legend") + 14;
    item.width = item.lead + RAMP + 6 + measure(item.text, "legend");
  }
  const signs = [
    has(PADDING) && { kind: "padding", text: paddingNames(traces) },
    has(UNREAD) && { kind: "unread", text: "Never read" },
    (has(WINNER) || traces.some((trace) => trace.winners)) && { kind: "winner", text: "Largest of its window" },
  ].filter(Boolean);
  for (const sign of signs) sign.width = 21 + measure(sign.text, "legend");
  const lines = [[]];
  let used = 0;
  for (const item of [...items, ...signs]) {
    if (used > 0 && used + item.width > width) {
      lines.push([]);
      used = 0;
    }
    lines[lines.length - 1].push(item);
    used += item.width + LEGEND_GAP;
  }
  lines.forEach((line, row) => {
    const length = line.reduce((sum, item) => sum + item.width + LEGEND_GAP, -LEGEND_GAP);
    let x = Math.max(0, Math.floor((width - length) / 2));
    for (const item of line) {
      Object.assign(item, { x, y: row * LEGEND_LINE });
      x += item.width + LEGEND_GAP;
    }
  });
  return { items: lines.flat(), height: lines.length * LEGEND_LINE };
}

/** What hatched cells are, in the words of each trace that has some. */
function paddingNames(traces) {
  const hatched = traces.filter(({ grids }) =>
    grids.some(({ mask }) => mask && mask.some((bits) => bits & PADDING)),
  );
  return [...new Set(hatched.map((trace) => trace.paddingName))].join(" · ");
}

/** Draws the items of a legend below each other from `top` on. */
export function drawLegend(painter, items, top) {
  const { context, theme } = painter;
  for (const item of items) {
    const x = item.x;
    const y = top + item.y;
    context.font = fontOf(theme, "legend");
    context.textBaseline = "middle";
    context.textAlign = "left";
    if (item.kind === "ramp") {
      const { scale } = item;
      const low = scale.kind === "grey" ? 0 : -scale.limit;
      for (let i = 0; i < RAMP; i++) {
        const value = low + ((scale.limit - low) * i) / (RAMP - 1);
        context.fillStyle = css(theme.colour(value, scale));
        context.fillRect(x + item.lead + i, y + 3, 1.5, 12);
      }
      context.strokeStyle = theme.line;
      context.lineWidth = 1;
      context.strokeRect(x + item.lead - 0.5, y + 2.5, RAMP + 1, 13);
      context.fillStyle = theme.text;
      context.fillText(item.name, x, y + 9.5);
      context.fillStyle = theme.muted;
      context.textAlign = "right";
      context.fillText(item.low, x + item.lead - 6, y + 9.5);
      context.textAlign = "left";
      context.fillText(item.text, x + item.lead + RAMP + 6, y + 9.5);
      continue;
    }
    if (item.kind === "winner") {
      painter.drawRing(x, y + 1, 16, theme.text, 1.5);
    } else {
      context.fillStyle = css(mix(theme.backgroundRgb, theme.textRgb, 0.04));
      context.fillRect(x, y + 2, 14, 14);
      painter.fillHatch(item.kind, x, y + 2, 14);
      context.strokeStyle = theme.line;
      context.lineWidth = 1;
      context.strokeRect(x + 0.5, y + 2.5, 13, 13);
    }
    context.fillStyle = theme.muted;
    context.fillText(item.text, x + 21, y + 9.5);
  }
}
