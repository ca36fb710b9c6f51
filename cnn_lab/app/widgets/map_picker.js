// Lays out a sheet of maps as large as whole pixels allow, and sends Python the value that was
// chosen by a click, a tap or the arrow keys. It computes only positions.

import { component, element, scale } from "../../stage/js/kit.js";

const MOST_PX = 22; // side of one value of a map
const MOST_UNIT_PX = 40; // and of a map with a single value
const MANY = 400;
const SETTLED_MS = 160; // after the last arrow key

export default component(createPicker);

/**
 * The number of maps side by side and the pixel size of one value: the largest that fits, then
 * with as few rows as possible.
 * @param {{count: number, rows: number, columns: number}} maps
 * @param {number} width of the page's column
 * @param {number} mostHeight maximum height of the picture, unless a value would get less than a pixel
 */
function layout({ count, rows, columns }, width, mostHeight) {
  const alone = rows * columns === 1;
  const gap = alone && count > MANY ? 0 : 2;
  const most = alone ? MOST_UNIT_PX : MOST_PX;
  let best = null;
  for (let across = 1; across <= count; across++) {
    const down = Math.ceil(count / across);
    const wide = Math.floor((width + gap - across * gap) / (across * columns));
    const high = Math.floor((mostHeight + gap - down * gap) / (down * rows));
    const size = Math.min(wide, high, most);
    const empty = across * down - count;
    if (size < 1) continue;
    const better =
      !best ||
      size > best.size ||
      (size === best.size && (down < best.down || (down === best.down && empty < best.empty)));
    if (better) best = { across, down, size, empty, gap };
  }
  if (best) return best;
  const across = Math.max(1, Math.floor((width + gap) / (columns + gap)));
  return { across, down: Math.ceil(count / across), size: 1, empty: 0, gap };
}

/**
 * Builds the picture once; `update` changes its content.
 * @param {HTMLElement} root
 */
function createPicker(root) {
  const canvas = element("canvas", { "aria-hidden": "true" });
  const pointed = element("div", { class: "frame pointed", hidden: "" });
  const frame = element("div", { class: "frame" });
  const cell = element("div", { class: "cell" });
  const picture = element("div", { class: "picture", role: "application", tabindex: "0" }, [
    canvas,
    pointed,
    frame,
    cell,
  ]);
  const legend = element("span", { class: "legend" });
  const words = element("span", { class: "words" });
  const place = element("span", { class: "place", "aria-live": "polite" });
  root.replaceChildren(picture, element("div", { class: "below" }, [legend, words, place]));

  let data = null;
  let send = () => {};
  let image = null;
  let chosen = null;
  let waiting = null; // the choice that was sent and is not confirmed yet
  let timer = null;
  let plan = null;

  const stepX = () => data.columns * plan.size + plan.gap;
  const stepY = () => data.rows * plan.size + plan.gap;

  function corner(map) {
    return [(map % plan.across) * stepX(), Math.floor(map / plan.across) * stepY()];
  }

  function put(node, left, top, width, height) {
    // The padding of the picture leaves space for the frames.
    node.style.left = `${left + 3}px`;
    node.style.top = `${top + 3}px`;
    node.style.width = `${width}px`;
    node.style.height = `${height}px`;
  }

  function mark() {
    for (const node of [frame, cell]) node.hidden = !chosen;
    picture.style.cursor = chosen ? "" : "default";
    place.textContent = chosen ? inWords(chosen) : "";
    if (!chosen) return;
    const [map, row, column] = chosen;
    const [left, top] = corner(map);
    put(frame, left, top, data.columns * plan.size, data.rows * plan.size);
    put(cell, left + column * plan.size, top + row * plan.size, plan.size, plan.size);
    cell.hidden = data.rows * data.columns === 1;
    root.dataset.chosen = chosen.join(" ");
  }

  function inWords(at) {
    if (!at) return "";
    const [map, row, column] = at;
    if (data.rows * data.columns === 1) return `${data.noun} ${map}`;
    return `${data.noun} ${map}, row ${row}, column ${column}`;
  }

  function draw() {
    const width = root.clientWidth;
    if (!data || !width) return;
    plan = layout(data, width, data.mostHeight);
    const ratio = window.devicePixelRatio || 1;
    const [wide, high] = [plan.across * stepX() - plan.gap, plan.down * stepY() - plan.gap];
    canvas.width = Math.round(wide * ratio);
    canvas.height = Math.round(high * ratio);
    canvas.style.width = `${wide}px`;
    canvas.style.height = `${high}px`;
    picture.style.width = `${wide}px`;
    mark();
    if (!image?.complete || !image.naturalWidth) return;
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.scale(ratio, ratio);
    const [w, h] = [data.columns, data.rows];
    context.fillStyle = data.between;
    for (let map = 0; map < data.count; map++) {
      const from = [(map % data.across) * w, Math.floor(map / data.across) * h];
      const [left, top] = corner(map);
      context.fillRect(left, top, stepX(), stepY());
      context.drawImage(image, ...from, w, h, left, top, w * plan.size, h * plan.size);
    }
    root.dataset.drawn = String(Number(root.dataset.drawn ?? 0) + 1);
  }

  /** The value under a point of the page; null between the maps. */
  function at(event) {
    const box = canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const [across, down] = [Math.floor(x / stepX()), Math.floor(y / stepY())];
    const map = down * plan.across + across;
    const column = Math.floor((x - across * stepX()) / plan.size);
    const row = Math.floor((y - down * stepY()) / plan.size);
    const inside = x >= 0 && y >= 0 && column < data.columns && row < data.rows;
    return inside && across < plan.across && map < data.count ? [map, row, column] : null;
  }

  function choose(wanted, wait) {
    chosen = wanted;
    mark();
    clearTimeout(timer);
    timer = setTimeout(() => {
      timer = null;
      waiting = chosen.join();
      send(chosen);
    }, wait);
  }

  function moved([map, row, column], down, right) {
    const lines = plan.down * data.rows;
    const points = plan.across * data.columns;
    const y = Math.floor(map / plan.across) * data.rows + row + down;
    const x = (map % plan.across) * data.columns + column + right;
    if (y < 0 || x < 0 || y >= lines || x >= points) return null;
    const next = Math.floor(y / data.rows) * plan.across + Math.floor(x / data.columns);
    return next < data.count ? [next, y % data.rows, x % data.columns] : null;
  }

  picture.onclick = (event) => {
    const wanted = at(event);
    if (wanted && chosen) choose(wanted, 0);
  };
  picture.onpointermove = (event) => {
    const under = event.pointerType === "mouse" ? at(event) : null;
    pointed.hidden = !under;
    if (under) put(pointed, ...corner(under[0]), stepX() - plan.gap, stepY() - plan.gap);
    place.textContent = inWords(under ?? chosen);
  };
  picture.onpointerleave = () => {
    pointed.hidden = true;
    place.textContent = inWords(chosen);
  };
  picture.onkeydown = (event) => {
    if (!chosen || event.ctrlKey || event.metaKey || event.altKey) return;
    const [map, row, column] = chosen;
    const keys = {
      ArrowUp: () => moved(chosen, -1, 0),
      ArrowDown: () => moved(chosen, 1, 0),
      ArrowLeft: () => moved(chosen, 0, -1),
      ArrowRight: () => moved(chosen, 0, 1),
      PageUp: () => [Math.max(map - 1, 0), row, column],
      PageDown: () => [Math.min(map + 1, data.count - 1), row, column],
      Home: () => [0, row, column],
      End: () => [data.count - 1, row, column],
    };
    if (!(event.key in keys)) return;
    event.preventDefault();
    const wanted = keys[event.key]();
    if (wanted) choose(wanted, SETTLED_MS);
  };

  const watcher = new ResizeObserver(draw);
  watcher.observe(root);

  return {
    stop() {
      watcher.disconnect();
      clearTimeout(timer);
    },
    update(wanted, sender) {
      const fresh = data?.picture !== wanted.picture;
      data = wanted;
      send = sender;
      if (fresh || data.chosen?.join() === waiting) waiting = null;
      if (timer === null && waiting === null) chosen = data.chosen;
      picture.setAttribute("aria-label", data.label);
      legend.replaceChildren(...scale(data.ends[0], data.colours, data.ends[1]));
      words.textContent = data.caption;
      if (!fresh || !image) draw();
      if (!fresh) return;
      image = new Image();
      image.onload = draw; // until then the previous picture stays
      image.src = data.picture;
    },
  };
}
