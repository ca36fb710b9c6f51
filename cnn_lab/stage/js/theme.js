// Colours and fonts, taken from the CSS variables that Streamlit sets.

import LOOK from "../layout.json" with { type: "json" };

/**
 * @typedef {Object} Theme
 * @property {string} font
 * @property {string} headingFont
 * @property {string} background
 * @property {string} text
 * @property {string} muted
 * @property {string} line
 * @property {string} empty an output cell that has no value yet
 * @property {string} now the current window and the cell it writes
 * @property {string} pointing what the pointer is over
 * @property {(share: number) => number[]} tint the background with a share of the text colour
 * @property {(value: number, scale: {kind: string, limit: number}) => number[]} colour
 */

const { shade: SHADE, grey: GREY } = LOOK;
const LIGHT = LOOK.themes.light; // where a page names no colours

/** @param {number[]} a @param {number[]} b @param {number} share of b */
export function mix(a, b, share) {
  return a.map((part, i) => part + (b[i] - part) * share);
}

/** @param {number[]} rgb */
export function css(rgb) {
  return `rgb(${rgb.map(Math.round).join(" ")})`;
}

/** Whether dark text is more legible than light text on a colour (WCAG relative luminance). */
export function isLight(rgb) {
  const [r, g, b] = rgb.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179;
}

function parseColour(text, fallback) {
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  context.fillStyle = fallback;
  context.fillStyle = text;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}

/**
 * @param {Element} element any element that inherits the variables
 * @returns {Theme}
 */
export function readTheme(element) {
  const style = getComputedStyle(element);
  const read = (name, fallback) => style.getPropertyValue(name).trim() || fallback;
  const background = parseColour(read("--st-background-color", ""), LIGHT.background);
  const text = parseColour(read("--st-text-color", ""), LIGHT.text);
  const accent = parseColour(read("--st-primary-color", ""), LIGHT.primary);
  const variant = isLight(background) ? "light" : "dark";
  const diverging = read("--st-chart-diverging-colors", String(LIGHT.diverging)).split(",");
  const negative = parseColour(diverging[1], LIGHT.diverging.at(1));
  const positive = parseColour(diverging.at(-2), LIGHT.diverging.at(-2));
  const tint = (share) => mix(background, text, share);
  const zero = tint(SHADE.zero[variant]);
  return {
    font: read("--st-font", "sans-serif"),
    headingFont: read("--st-heading-font", "serif"),
    background: css(background),
    text: css(text),
    muted: css(tint(SHADE.muted)),
    line: css(tint(SHADE.line)),
    empty: css(tint(SHADE.empty)),
    now: css(accent),
    pointing: css(mix(accent, variant === "light" ? background : text, 0.45)),
    backgroundRgb: background,
    tint,
    colour(value, { kind, limit }) {
      const share = Math.max(-1, Math.min(1, value / limit));
      if (kind === "grey") return mix(...GREY, Math.max(0, share));
      return mix(zero, share < 0 ? negative : positive, Math.abs(share));
    },
  };
}
