// The legend: every colour scale once, and the marks that occur.

import LOOK from "../layout.json" with { type: "json" };
import { fontOf } from "./paint.js";
import { css } from "./theme.js";
import { PADDING, UNREAD, WINNER, familyOf } from "./wire.js";
import { formatNumber } from "./words.js";

const { ramp: RAMP, sign: SIGN, around: AROUND, ...LEGEND } = LOOK.legend;

/**
 * The items of the legend: each scale once, and the marks that occur.
 * @param {import("./wire.js").Trace[]} traces
 * @param {number} width
 * @param {(text: string, role: string) => number} measure
 */
export function legendOf(traces, width, measure) {
  const grids = traces.flatMap((trace) => trace.grids);
  const ramps = new Map();
  for (const grid of grids) {
    if (grid.role === "bias") continue; // it has the scale of its output
    if (grid.hidden?.every(Boolean)) continue; // it has no colours yet
    const key = `${grid.scale.kind} ${grid.scale.limit}`;
    const ramp = ramps.get(key) ?? { kind: "ramp", scale: grid.scale, names: new Set(), grid };
    ramp.names.add(familyOf(grid));
    ramps.set(key, ramp);
  }
  const has = (bit) => grids.some((grid) => grid.mask && grid.mask.some((mask) => mask & bit));
  const items = [...ramps.values()];
  for (const item of items) {
    const [first, ...others] = item.names;
    item.text = [first, ...others.map((name) => name[0].toLowerCase() + name.slice(1))].join(", ");
    item.high = formatNumber(item.scale.limit, item.grid, false);
    item.low = item.scale.kind === "grey" ? "0" : `−${item.high}`;
    item.lead = measure(item.text, "legend") + AROUND.name;
    item.lead += measure(item.low, "legend") + AROUND.number;
    item.width = item.lead + RAMP.width + AROUND.number + measure(item.high, "legend");
  }
  const signs = [
    has(PADDING) && { kind: "padding", text: paddingNames(traces) },
    has(UNREAD) && { kind: "unread", text: LOOK.words.unread },
    (has(WINNER) || traces.some((trace) => trace.winners)) && {
      kind: "winner",
      text: LOOK.words.winner,
    },
  ].filter(Boolean);
  for (const sign of signs) sign.width = SIGN + AROUND.sign + measure(sign.text, "legend");
  const lines = [[]];
  let used = 0;
  for (const item of [...items, ...signs]) {
    if (used > 0 && used + item.width > width) {
      lines.push([]);
      used = 0;
    }
    lines[lines.length - 1].push(item);
    used += item.width + LEGEND.gap;
  }
  lines.forEach((line, row) => {
    const length = line.reduce((sum, item) => sum + item.width + LEGEND.gap, -LEGEND.gap);
    let x = Math.max(0, Math.floor((width - length) / 2));
    for (const item of line) {
      Object.assign(item, { x, y: row * LEGEND.line });
      x += item.width + LEGEND.gap;
    }
  });
  return { items: lines.flat(), height: lines.length * LEGEND.line };
}

/** The names of hatched cells in all traces that have some. */
function paddingNames(traces) {
  const hatched = traces.filter(({ grids }) =>
    grids.some(({ mask }) => mask && mask.some((bits) => bits & PADDING)),
  );
  return [...new Set(hatched.map((trace) => trace.paddingName))].join(" · ");
}

/** Draws the items of a legend below each other from `top` on. */
export function drawLegend(painter, items, top) {
  const { context, theme } = painter;
  for (const { kind, text, low, high, lead, scale, ...item } of items) {
    const { x } = item;
    const y = top + item.y + LEGEND.middle;
    const write = (words, at, colour) => {
      context.fillStyle = colour;
      context.fillText(words, at, y + 0.5);
    };
    context.font = fontOf(theme, "legend");
    context.textBaseline = "middle";
    context.textAlign = "left";
    if (kind === "ramp") {
      const from = scale.kind === "grey" ? 0 : -scale.limit;
      for (let i = 0; i < RAMP.width; i++) {
        const value = from + ((scale.limit - from) * i) / (RAMP.width - 1);
        context.fillStyle = css(theme.colour(value, scale));
        context.fillRect(x + lead + i, y - RAMP.height / 2, 1.5, RAMP.height);
      }
      frame(painter, x + lead - 1, y - RAMP.height / 2 - 1, RAMP.width + 2, RAMP.height + 2);
      write(text, x, theme.text);
      write(high, x + lead + RAMP.width + AROUND.number, theme.muted);
      context.textAlign = "right";
      write(low, x + lead - AROUND.number, theme.muted);
      continue;
    }
    const above = y - SIGN / 2;
    if (kind === "winner") {
      painter.drawRing(x, above - 1, SIGN + 2, "done");
    } else {
      context.fillStyle = css(theme.tint(LOOK.shade.padding));
      context.fillRect(x, above, SIGN, SIGN);
      painter.fillHatch(kind, x, above, SIGN);
      frame(painter, x, above, SIGN, SIGN);
    }
    write(text, x + SIGN + AROUND.sign, theme.muted);
  }
}

/** The hairline along the inside of a box. */
function frame({ context, theme }, x, y, width, height) {
  context.strokeStyle = theme.line;
  context.lineWidth = 1;
  context.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
}
