// A station's maps in colour, and how far they are filled.

const GAP = 0.06; // between maps, of the width of one
const UNIT_GAP = 0.2; // between units, which are single numbers
const HALVES_UNTIL = 0.8; // of a station's time; then halved maps grow to the size of the others

/** Undoes Python's packing: the bytes of all maps, one map after the other. */
export function unpack(packed) {
  const text = atob(packed.base64);
  return { ...packed, bytes: Uint8Array.from(text, (letter) => letter.charCodeAt(0)) };
}

/** The 256 colours of bytes in a theme, as four numbers each. */
export function palette(theme, signed) {
  const colours = new Uint8ClampedArray(4 * 256);
  for (let byte = 0; byte < 256; byte++) {
    const value = signed ? (byte - 128) / 127 : byte / 255;
    const kind = signed ? "signed" : "grey";
    colours.set([...theme.colour(value, { kind, limit: 1 }).map(Math.round), 255], 4 * byte);
  }
  return colours;
}

/** The maps side by side, a pixel for each number. */
export function sheetOf({ rows, columns, n, signed, bytes }, theme) {
  const sheet = document.createElement("canvas");
  [sheet.width, sheet.height] = [n * columns, rows];
  const context = sheet.getContext("2d");
  const picture = context.createImageData(sheet.width, rows);
  const colours = palette(theme, signed);
  for (let i = 0; i < bytes.length; i++) {
    const map = Math.floor(i / (rows * columns));
    const [row, column] = [Math.floor(i / columns) % rows, i % columns];
    const at = 4 * (row * sheet.width + map * columns + column);
    picture.data.set(colours.subarray(4 * bytes[i], 4 * bytes[i] + 4), at);
  }
  context.putImageData(picture, 0, 0);
  return sheet;
}

/** Where the maps are in a square of this side: left, top and side of each. */
export function places({ rows, columns, n }, side) {
  const across = Math.ceil(Math.sqrt(n));
  const gap = n === 1 ? 0 : rows * columns === 1 ? UNIT_GAP : GAP;
  const each = side / (across + gap * (across - 1));
  const down = Math.ceil(n / across);
  const above = (side - each * (down + gap * (down - 1))) / 2;
  return Array.from({ length: n }, (_, i) => [
    (i % across) * each * (1 + gap),
    above + Math.floor(i / across) * each * (1 + gap),
    each,
  ]);
}

/**
 * Paints a station's maps as far as they are filled.
 * @param {CanvasRenderingContext2D} context
 * @param {{maps: Object, sheet: HTMLCanvasElement}} station
 * @param {number} share of its cells that have their numbers
 * @param {import("../../stage/js/theme.js").Theme} theme
 * @param {number} [scale] of the maps, around their middles
 */
export function paintMaps(context, { maps, sheet }, share, theme, scale = 1) {
  const { width: side } = context.canvas;
  const { rows, columns, n } = maps;
  context.clearRect(0, 0, side, side);
  context.imageSmoothingEnabled = false;
  const areUnits = rows * columns === 1;
  const nDone = Math.round(share * (areUnits ? n : rows * columns));
  places(maps, side).forEach((place, map) => {
    const [left, top, each] = scaled(place, scale);
    const filled = areUnits ? Number(map < nDone) * rows : Math.floor(nDone / columns);
    const extra = areUnits ? 0 : nDone % columns;
    context.fillStyle = theme.empty;
    context.fillRect(left, top, each, each);
    const [wide, high] = [each / columns, each / rows];
    const from = map * columns;
    if (filled) {
      context.drawImage(sheet, from, 0, columns, filled, left, top, each, filled * high);
    }
    if (extra) {
      const y = top + filled * high;
      context.drawImage(sheet, from, filled, extra, 1, left, y, extra * wide, high);
    }
  });
}

/** Frames the same cells of every map: row, column, how many rows and columns. */
export function frameCells(context, maps, [row, column, nRows, nColumns], colour, scale = 1) {
  const thick = Math.max(1.5, context.canvas.width / 220);
  context.strokeStyle = colour;
  context.lineWidth = maps.n > 1 ? thick : 1.6 * thick;
  for (const place of places(maps, context.canvas.width)) {
    const [left, top, each] = scaled(place, scale);
    const [wide, high] = [each / maps.columns, each / maps.rows];
    const [first, last] = [Math.max(row, 0), Math.min(row + nRows, maps.rows)];
    const [start, end] = [Math.max(column, 0), Math.min(column + nColumns, maps.columns)];
    context.strokeRect(
      left + start * wide,
      top + first * high,
      (end - start) * wide,
      (last - first) * high,
    );
  }
}

/** How large the maps of a station are drawn: those of a pooling as much smaller as they are. */
export function scaleAt(before, station, progress) {
  const small = station.maps.rows / before.maps.rows;
  if (station.operation !== "MaxPooling2D" || small >= 1) return 1;
  const grown = Math.max(0, (progress - HALVES_UNTIL) / (1 - HALVES_UNTIL));
  return small + (1 - small) * grown * grown * (3 - 2 * grown);
}

function scaled([left, top, each], scale) {
  const edge = ((1 - scale) * each) / 2;
  return [left + edge, top + edge, scale * each];
}
