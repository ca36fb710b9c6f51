// The canvas for drawing. A stroke stays here until the server has confirmed it: whatever the server
// sends meanwhile, late or from before, is shown with the newer strokes on top. The drawing outlives
// the elements of the page, and in the tab's own storage a reload as well.

import { element } from "../../stage/js/kit.js";

const SIDE = 280; // the canvas in its own units, however large it is shown
const NEAREST = 0.5; // units; closer points are left out
const LONGEST = 2000; // points; a longer stroke goes on as a new one
const TELL_MS = 150; // between two messages about a stroke that is still being drawn
const BLACK = "#000";
const COLOURS = { pen: "#fff", eraser: BLACK };

/** Canvases by name, for all components that have one; a page that is built again finds its own. */
const boards = (globalThis.cnnLabBoards ??= new Map());

/** The canvas of that name, made when first asked for. */
export function boardNamed(name) {
  if (!boards.has(name)) boards.set(name, createBoard(name));
  return boards.get(name);
}

/**
 * A canvas and what is drawn on it.
 * @param {string} name
 */
function createBoard(name) {
  const canvas = element("canvas", { role: "img" });
  const context = canvas.getContext("2d");
  const storage = `cnn_lab_canvas_${name}`;
  const pictures = new Map(); // by source
  const sizes = new ResizeObserver(fit);

  // What the server has confirmed, and the strokes it has not, each with its number.
  let { items, waiting, count } = stored() ?? { items: [], waiting: [], count: 0 };
  let session = null; // of the server; it knows nothing of strokes before it
  let revision = 0; // how often the server has changed the drawing
  let seen = 0; // the last stroke that it has confirmed
  let lost = false; // whether the server's session has yet to be given `items`
  let sent = ""; // what was given to it last
  let told = 0; // how many messages it got about a stroke that was still being drawn
  let nTold = 0; // points of that stroke when it was told last
  let timer = 0; // until it is told again
  let data = null;
  let keep = () => {};
  let home = null;
  let moving = null; // the pointer that draws, and its stroke
  let box = null; // of the canvas on the screen

  function stored() {
    try {
      return JSON.parse(sessionStorage.getItem(storage));
    } catch {
      return null; // no storage here, or not what was put there
    }
  }

  function store() {
    try {
      if (!items.length && !waiting.length) sessionStorage.removeItem(storage);
      else sessionStorage.setItem(storage, JSON.stringify({ items, waiting, count }));
    } catch {
      // Full or forbidden: the drawing lasts until the page is reloaded.
    }
  }

  function update(wanted, keeper) {
    data = wanted;
    keep = keeper;
    canvas.setAttribute("aria-label", data.label);
    if (data.session !== session) {
      session = data.session;
      [revision, seen, sent, told] = [0, 0, "", 0];
      lost = items.length > 0 && data.revision === 0 && !data.items.length;
    }
    if (data.revision < revision || data.seen < seen) return; // overtaken by a later one
    lost &&= data.revision === 0;
    if (!lost) items = data.items;
    [revision, seen] = [data.revision, data.seen];
    waiting = waiting.filter((stroke) => stroke.number > seen);
    count = Math.max(count, seen);
    store();
    paint();
    send();
    tellSoon();
  }

  function message() {
    return { session, told, strokes: waiting, ...(lost ? { items } : {}) };
  }

  function send() {
    if (!lost && !waiting.length) return;
    const text = JSON.stringify(message());
    if (text === sent) return;
    sent = text;
    keep(message());
  }

  function tellSoon() {
    if (moving) timer ||= setTimeout(tell, TELL_MS);
  }

  /** Tells the server of the stroke so far, so that its answer follows the pen. */
  function tell() {
    timer = 0;
    if (!moving || session === null || data.heard < told) return; // it has yet to answer
    const { stroke } = moving;
    if (stroke.points.length === nTold) return;
    nTold = stroke.points.length;
    told += 1;
    keep({ ...message(), moving: { ...stroke, points: [...stroke.points] } });
  }

  function fit() {
    const side = Math.round(canvas.clientWidth * (window.devicePixelRatio || 1));
    if (!side || side === canvas.width) return;
    canvas.width = side;
    canvas.height = side;
    paint();
  }

  function paint() {
    context.setTransform(canvas.width / SIDE, 0, 0, canvas.height / SIDE, 0, 0);
    context.imageSmoothingEnabled = false;
    context.fillStyle = BLACK;
    context.fillRect(0, 0, SIDE, SIDE);
    for (const item of items) {
      if (item.points) paintStroke(item);
      else paintPicture(item.picture);
    }
    for (const stroke of waiting) paintStroke(stroke);
    if (moving) paintStroke(moving.stroke);
    canvas.dataset.strokes = String(items.length + waiting.length);
    canvas.dataset.waiting = String(waiting.length);
  }

  function paintPicture(source) {
    let image = pictures.get(source);
    if (!image) {
      pictures.clear(); // there is never more than one on the canvas
      image = new Image();
      image.onload = paint;
      image.src = source;
      pictures.set(source, image);
    }
    if (image.complete && image.naturalWidth) context.drawImage(image, 0, 0, SIDE, SIDE);
  }

  /** The same curve as in `cnn_lab.digits.strokes`; from a point on, only what follows it. */
  function paintStroke({ tool, width, points }, from = 0) {
    context.strokeStyle = COLOURS[tool];
    context.lineWidth = width;
    context.lineCap = "round";
    context.lineJoin = "round";
    context.beginPath();
    context.moveTo(...(from < 2 ? points[0] : middle(points[from - 2], points[from - 1])));
    for (let i = Math.max(from - 1, 1); i < points.length - 1; i++) {
      context.quadraticCurveTo(...points[i], ...middle(points[i], points[i + 1]));
    }
    context.lineTo(...points.at(-1));
    context.stroke();
  }

  function place(event) {
    const now = canvas.getBoundingClientRect();
    if (now.width) box = now; // none while the page is built again
    const units = SIDE / box.width;
    return [tenth((event.clientX - box.left) * units), tenth((event.clientY - box.top) * units)];
  }

  function begin(event, point) {
    const stroke = { number: 0, tool: data.tool, width: data.width, points: [point] };
    moving = { pointer: event.pointerId, stroke };
    nTold = 0;
    paintStroke(stroke);
  }

  function add(event) {
    const { points } = moving.stroke;
    const point = place(event);
    if (distance(points.at(-1), point) < NEAREST) return;
    points.push(point);
    tellSoon();
    if (points.length < LONGEST) return;
    finish();
    begin(event, point);
  }

  function finish() {
    const { stroke } = moving;
    moving = null;
    clearTimeout(timer);
    timer = 0;
    stroke.number = ++count;
    waiting = [...waiting, stroke];
    store();
    paint();
    send();
  }

  function capture(pointer) {
    try {
      canvas.setPointerCapture(pointer);
    } catch {
      // It is gone already; the next event says so.
    }
  }

  // The window hears of a pointer even while the canvas is moved from one element to another.
  const heard = { pointermove: move, pointerup: end, pointercancel: end };

  function listen() {
    for (const [kind, act] of Object.entries(heard)) window.addEventListener(kind, act, true);
  }

  function end(event) {
    if (!moving || event.pointerId !== moving.pointer) return;
    if (event.type === "pointerup") add(event);
    for (const [kind, act] of Object.entries(heard)) window.removeEventListener(kind, act, true);
    finish();
  }

  function move(event) {
    if (event.pointerId !== moving.pointer) return;
    if (!(event.buttons & 1)) return end(event); // released where nothing could hear it
    const from = moving.stroke.points.length;
    const several = event.getCoalescedEvents();
    for (const one of several.length ? several : [event]) add(one);
    paintStroke(moving.stroke, Math.min(from, moving.stroke.points.length));
  }

  canvas.onpointerdown = (event) => {
    if (event.button !== 0) return;
    if (moving && event.pointerId === moving.pointer) end(event); // its end was never heard
    if (moving) return; // a second finger
    begin(event, place(event));
    listen();
    capture(event.pointerId);
  };
  canvas.onlostpointercapture = end;
  // Otherwise a quick line counts as a fling, and the tap after it, on Undo, only stops that.
  canvas.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });

  return {
    update,
    isBusy: () => moving !== null,
    moveTo(root) {
      home = root;
      if (canvas.parentNode !== root) root.replaceChildren(canvas);
      sizes.observe(canvas);
      sent = ""; // the page's new element has not been given anything yet
      fit();
      if (moving) capture(moving.pointer);
    },
    leave(root) {
      if (home === root) sizes.unobserve(canvas);
    },
  };
}

const tenth = (number) => Math.round(number * 10) / 10;
const middle = ([x0, y0], [x1, y1]) => [(x0 + x1) / 2, (y0 + y1) / 2];
const distance = ([x0, y0], [x1, y1]) => Math.hypot(x1 - x0, y1 - y0);
