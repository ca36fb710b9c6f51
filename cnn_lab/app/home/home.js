// Home's player: a digit travels from station to station to its answer, and so does what the visitor
// draws. Python has computed all of it; here it is only played.

import {
  button,
  component,
  element,
  leave,
  showPlaying,
  slide,
  slider,
  toggleButton,
} from "../../stage/js/kit.js";
import { readTheme } from "../../stage/js/theme.js";
import { boardNamed } from "../widgets/board.js";
import { isWalking, walk } from "./kiosk.js";
import { frameCells, paintMaps, scaleAt, sheetOf, unpack } from "./maps.js";

const IMAGE_MS = 500;
const FIRST_MS = 2200; // the first convolution, of which one follows the window
const TIMES_MS = { Conv2D: 1000, ReLU: 650, MaxPooling2D: 900, Dense: 750 };
const OTHER_MS = 800;
const ANSWER_MS = 2400; // the bars grow in a third of it
const GROW = 0.33;
const FILL = 0.85; // of a station's time; then one sees the whole
const SLOW_MS = 100; // a row that takes longer shows its window, a faster one itself
const powerOf = (i) => (i === 1 ? 2.6 : 2); // how slowly a station begins
const AFTER_PEN_MS = 500;
const ASK_MS = 1200; // after the start, for the other digits of the programme
const TICK_MS = 100; // of the slider
const LATE_MS = 250; // at most as much passes between two pictures
const WORDS = {
  own: "Draw your own",
  hint: "Draw a digit here",
  clear: "Clear",
  next: "Next digit",
  back: "Step back",
  forward: "Step forward",
  way: "Way through the network",
  unknown: "It says …",
};

/** Programmes by their first digit; they outlive the page's elements. */
const programmes = new Map();

export default component(createHome);

/** @param {HTMLElement} root */
function createHome(root) {
  const parts = build();
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  let data = null;
  let choose = () => {};
  let board = null;
  let theme = null;
  let themeWords = "";
  let digits = []; // of the programme, as they came
  let at = 0; // the one shown
  let digit = null; // what is shown: one of them, or the drawing
  let drawn = null; // the drawing's journey as it came last
  let isOwn = false;
  let time = 0; // in the digit's journey, in ms
  let playing = !still.matches;
  let wanted = 0; // the digit to show once the programme has come
  let asked = ""; // the digit whose programme has been asked for
  let before = 0; // when the last picture was painted
  let waiting = 0; // the next one
  const painted = new WeakMap(); // how far each tile has been painted

  function build() {
    const panel = () => {
      const canvas = element("canvas", { role: "img" });
      const words = element("figcaption");
      return { canvas, words, figure: element("figure", {}, [words, canvas]) };
    };
    const [from, to] = [panel(), panel()];
    const pen = element("div", { class: "board", "data-hint": WORDS.hint });
    const clear = element("button", { type: "button", class: "plain" }, [WORDS.clear]);
    const own = element("section", { class: "own", "aria-label": WORDS.own }, [
      element("div", { class: "head" }, [element("h2", {}, [WORDS.own]), clear]),
      pen,
    ]);
    const mini = element("canvas", { class: "mini", width: 28, height: 28, "aria-hidden": "true" });
    const says = element("strong", { "data-testid": "home-says" });
    const verdict = element("p", { class: "verdict" });
    const bars = Array.from({ length: 10 }, (_, i) => {
      const [bar, share] = [element("i"), element("span", { class: "share" })];
      const row = element("li", {}, [element("b", {}, [String(i)]), bar, share]);
      return { bar, share, row };
    });
    const why = element("a", { class: "why" }, ["Why?"]);
    const answer = element("section", { class: "answer", "aria-label": "The answer" }, [
      element("div", { class: "head" }, [mini, says]),
      element("ol", {}, bars.map(({ row }) => row)),
      element("div", { class: "foot" }, [verdict, why]),
    ]);
    const caption = element("p", { class: "caption", "data-testid": "home-caption" });
    const back = button("back", WORDS.back, () => step(-1));
    const toggle = toggleButton(() => play(!playing));
    const forward = button("forward", WORDS.forward, () => step(1));
    const place = slider(WORDS.way, (ticks) => {
      play(false);
      time = ticks * TICK_MS;
      paint();
    });
    const next = element("button", { type: "button", class: "next" }, [WORDS.next]);
    const about = element("p", { class: "about" });
    const tiles = element("ol", { class: "tiles" });
    const arrow = element("span", { class: "arrow", "aria-hidden": "true" });
    root.replaceChildren(
      element("div", { class: "scene" }, [own, from.figure, arrow, to.figure, answer, caption]),
      element("div", { class: "controls" }, [back, toggle, forward, place, next]),
      about,
      tiles,
    );
    clear.onclick = () => choose({ clear: true });
    next.onclick = () => show(at + (isOwn ? 0 : 1));
    for (const { figure } of [from, to]) figure.onclick = () => play(!playing);
    pen.addEventListener("pointerdown", beginDrawing);
    return { from, to, pen, mini, says, verdict, bars, why, caption, toggle, place, about, tiles };
  }

  // ---- what is shown

  function show(number) {
    if (digits.length === 1 && number !== 0) {
      askForMore();
      wanted = number;
    }
    at = (number + digits.length) % digits.length;
    isOwn = false;
    begin(digits[at]);
  }

  function begin(shown, wait = 0) {
    digit = decoded(shown);
    time = still.matches && !wait ? lasts() : -wait;
    layTiles();
    schedule();
    paint();
  }

  /** Unpacks the maps of a journey, once. */
  function decoded(shown) {
    if (!shown.stations) return { ...shown, stations: [], live: unpack(shown.image) };
    const stations = shown.stations.map((station) => ({ ...station, maps: unpack(station.maps) }));
    return { ...shown, stations: coloured(stations) };
  }

  function coloured(stations) {
    return stations.map((station) => ({ ...station, sheet: sheetOf(station.maps, theme) }));
  }

  /** A link for each station after the image; the elements stay, so that nothing moves. */
  function layTiles() {
    const { tiles } = parts;
    digit.stations.slice(1).forEach((station, i) => {
      if (i === tiles.children.length) tiles.append(tile());
      const link = tiles.children[i].firstChild;
      const [canvas, words, shape] = link.children;
      link.href = station.leads;
      canvas.setAttribute("aria-label", station.alt);
      words.textContent = station.title;
      shape.textContent = station.shape;
      painted.delete(canvas);
    });
    if (digit.why) parts.why.href = digit.why;
    parts.why.hidden = !digit.why;
  }

  function tile() {
    const link = element("a", {}, [
      element("canvas", { role: "img" }),
      element("b"),
      element("small"),
    ]);
    link.onclick = follow;
    return element("li", {}, [link]);
  }

  /** Opens a page without loading the lab again, which would lose the drawing. */
  function follow(event) {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    choose({ open: event.currentTarget.getAttribute("href") });
    leave();
  }
  parts.why.onclick = follow;

  // ---- time

  const spans = () => [
    ...digit.stations.map(({ operation }, i) =>
      i === 0 ? IMAGE_MS : i === 1 ? FIRST_MS : (TIMES_MS[operation] ?? OTHER_MS),
    ),
    ANSWER_MS,
  ];
  const lasts = () => spans().reduce((sum, span) => sum + span, 0);

  /** The number of the station at a time, how much of its time has passed, and when it began. */
  function stationAt(ms) {
    const all = spans();
    let start = 0;
    for (let i = 0; i < all.length; i++) {
      if (ms < start + all[i] || i === all.length - 1) {
        return { i, progress: Math.min(Math.max((ms - start) / all[i], 0), 1), start, span: all[i] };
      }
      start += all[i];
    }
  }

  function play(on) {
    playing = on && digit.stations.length > 0;
    if (playing && time >= lasts()) {
      if (isOwn) time = 0;
      else return show(still.matches ? at : at + 1), playAgain();
    }
    schedule();
    paint();
  }

  function playAgain() {
    time = 0;
    paint();
  }

  /** One station on or back; beyond the ends, another digit. */
  function step(by) {
    play(false);
    const { i, progress } = stationAt(time);
    const last = digit.stations.length;
    if (by > 0 && i === last && progress === 1) show(at + 1);
    else if (by < 0 && i === 0 && progress > 0.9) show(at - 1);
    const all = spans();
    const target = by > 0 ? (progress < 0.99 ? i : i + 1) : progress < 0.99 ? i - 1 : i - 1;
    const end = Math.min(Math.max(target, 0), last);
    time = all.slice(0, end + 1).reduce((sum, span) => sum + span, 0);
    if (end < last) time -= 1; // the end of this station, not the start of the next
    paint();
  }

  function schedule() {
    if (playing && !waiting) {
      before = performance.now();
      waiting = requestAnimationFrame(tick);
    }
  }

  function tick(now) {
    waiting = 0;
    if (!playing || !root.isConnected) return;
    time += Math.min(now - before, LATE_MS);
    before = now;
    if (time > ASK_MS) askForMore();
    if (time >= lasts()) finish();
    else paint();
    if (playing) waiting = requestAnimationFrame(tick);
  }

  function finish() {
    if (isOwn) {
      time = lasts();
      playing = false;
      paint();
    } else show(at + 1);
  }

  function askForMore() {
    const { name } = data.first;
    if (asked === name || programmes.has(name)) return;
    asked = name;
    choose({ more: Number(name) });
  }

  // ---- the drawing

  function beginDrawing() {
    isOwn = true;
    playing = false;
    drawn = null;
    const empty = { rows: 28, columns: 28, n: 1, signed: false, bytes: new Uint8Array(28 * 28) };
    digit = { title: "Your digit", stations: [], live: empty, bars: [], says: WORDS.unknown };
    paint();
  }

  function takeDrawing(own) {
    if (own?.name === drawn?.name && Boolean(own?.stations) === Boolean(drawn?.stations)) return;
    // Of a journey that comes while the pen is down only the image is shown. Should the next stroke
    // change no pixel, the same journey comes again, and is to be played then.
    drawn = own && board.isBusy() ? { ...own, stations: null } : own;
    if (isWalking()) return;
    if (!own) {
      if (isOwn) show(at);
      playing = !still.matches;
      schedule();
      return;
    }
    isOwn = true;
    if (board.isBusy()) {
      digit = decoded({ ...own, stations: null, image: own.image ?? own.stations[0].maps });
      playing = false;
      paint();
    } else {
      playing = Boolean(own.stations) && !still.matches;
      if (own.stations) begin(own, still.matches ? 0 : AFTER_PEN_MS);
    }
  }

  // ---- pictures

  function paint() {
    if (!theme || !digit) return;
    if (!parts.from.canvas.width) return;
    const { i, progress, start, span } = stationAt(time);
    const { stations } = digit;
    const isAnswer = i === stations.length;
    if (!stations.length) paintLive();
    else if (isAnswer) {
      paintPanel(parts.from, stations[0], 1);
      paintPanel(parts.to, stations.at(-1), 1);
    } else if (i === 0) {
      paintPanel(parts.from, stations[0], 1);
      paintPanel(parts.to, stations[1], 0);
    } else paintOperation(stations[i - 1], stations[i], progress, span, i);
    for (let n = 1; n < stations.length; n++) {
      paintTile(n, n < i ? 1 : n > i ? 0 : filledAt(n, progress));
    }
    paintAnswer(isAnswer ? Math.min(progress / GROW, 1) : 0);
    say(stations[i]?.caption ?? digit.caption ?? "");
    showPlaying(parts.toggle, playing);
    parts.place.max = String(Math.round(lasts() / TICK_MS));
    slide(parts.place, Math.round(Math.max(time, 0) / TICK_MS), stations[i]?.title ?? digit.says);
    root.dataset.digit = digit.name ?? "";
    root.dataset.station = String(i);
    root.dataset.playing = String(playing);
    root.dataset.own = String(isOwn);
    root.dataset.live = String(!stations.length);
  }

  /** Slowly at first, so that one can follow the window. */
  const filledAt = (i, progress) => Math.min(progress / FILL, 1) ** powerOf(i);

  function paintOperation(source, station, progress, span, i) {
    const { maps } = station;
    const share = filledAt(i, progress);
    const scale = scaleAt(source, station, progress);
    paintPanel(parts.from, source, 1);
    paintPanel(parts.to, station, share, scale);
    if (share >= 1 || !station.window) return;
    const cell = Math.min(Math.floor(share * maps.rows * maps.columns), maps.rows * maps.columns - 1);
    const row = Math.floor(cell / maps.columns);
    const [begun, ended] = [row, row + 1].map((n) => (n / maps.rows) ** (1 / powerOf(i)));
    const isSlow = (ended - begun) * FILL * span > SLOW_MS;
    const [tall, wide, down, right, above, left] = station.window;
    const [column, nColumns] = isSlow ? [cell % maps.columns, 1] : [0, maps.columns];
    const reads = [
      row * down - above,
      column * right - left,
      tall,
      (nColumns - 1) * right + wide,
    ];
    frameCells(parts.from.canvas.getContext("2d"), source.maps, reads, theme.now);
    const writes = [row, column, 1, nColumns];
    frameCells(parts.to.canvas.getContext("2d"), maps, writes, theme.now, scale);
  }

  function paintPanel({ canvas, words }, station, share, scale = 1) {
    paintMaps(canvas.getContext("2d"), station, share, theme, scale);
    const isImage = station.operation === "image";
    canvas.classList.toggle("image", isImage);
    label(words, isImage ? digit.title : station.title, station.shape);
    if (canvas.getAttribute("aria-label") !== station.alt) {
      canvas.setAttribute("aria-label", station.alt);
    }
  }

  function label(words, title, shape) {
    const text = `${title} ${shape}`;
    if (words.dataset.text === text) return;
    words.dataset.text = text;
    words.replaceChildren(element("b", {}, [title]), element("small", {}, [shape]));
  }

  /** While the pen moves: what the network sees, and nothing of the way yet. */
  function paintLive() {
    const maps = digit.live;
    const station = { operation: "image", maps, sheet: sheetOf(maps, theme), shape: "28 × 28" };
    paintPanel(parts.from, { ...station, alt: digit.title }, 1);
    const context = parts.to.canvas.getContext("2d");
    context.clearRect(0, 0, context.canvas.width, context.canvas.width);
    label(parts.to.words, "", "");
  }

  function paintTile(n, share) {
    const [canvas] = parts.tiles.children[n - 1].firstChild.children;
    if (!canvas.width || painted.get(canvas) === share) return;
    painted.set(canvas, share);
    paintMaps(canvas.getContext("2d"), digit.stations[n], share, theme);
    canvas.closest("li").classList.toggle("reached", share > 0);
  }

  function paintAnswer(grown) {
    const known = isOwn ? 1 : grown;
    parts.bars.forEach(({ bar, share, row }, i) => {
      const [probability, words] = digit.bars[i] ?? [0, ""];
      bar.style.setProperty("--share", String(known * probability));
      const text = known === 1 ? words : "";
      if (share.textContent !== text) share.textContent = text;
      row.classList.toggle("first", known === 1 && i === digit.digit);
    });
    const isKnown = known === 1 && digit.bars.length > 0;
    const says = isKnown ? digit.says : WORDS.unknown;
    if (parts.says.textContent !== says) parts.says.textContent = says;
    const verdict = isKnown ? digit.verdict : "";
    if (parts.verdict.textContent !== verdict) parts.verdict.textContent = verdict;
    root.dataset.doubt = isKnown ? digit.doubt : "";
    root.dataset.answered = String(isKnown);
    const image = digit.stations[0]?.sheet ?? sheetOf(digit.live, theme);
    parts.mini.getContext("2d").drawImage(image, 0, 0, 28, 28);
  }

  function say(words) {
    if (parts.caption.textContent === words) return;
    // What goes by itself is not read out; the answer to a drawing and single steps are.
    parts.caption.setAttribute("aria-live", playing ? "off" : "polite");
    parts.says.setAttribute("aria-live", isOwn ? "polite" : "off");
    parts.caption.textContent = words;
  }

  function readColours() {
    const style = getComputedStyle(root);
    const words = ["--st-background-color", "--st-text-color", "--st-primary-color"]
      .map((name) => style.getPropertyValue(name))
      .join();
    if (words === themeWords) return;
    themeWords = words;
    theme = readTheme(root);
    if (digit?.stations.length) digit.stations = coloured(digit.stations);
    for (const { firstChild } of parts.tiles.children) painted.delete(firstChild.firstChild);
  }

  function fit() {
    const ratio = window.devicePixelRatio || 1;
    for (const canvas of root.querySelectorAll("figure canvas, .tiles canvas")) {
      const side = Math.round(canvas.clientWidth * ratio);
      if (!side || side === canvas.width) continue;
      [canvas.width, canvas.height] = [side, side];
      painted.delete(canvas);
    }
    paint();
  }

  function onKey(event) {
    const [target] = event.composedPath();
    const isFree = target === document.body || (root.contains(target) && !target.closest?.("button, a, input"));
    if (event.key !== " " || !isFree || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    play(!playing);
  }

  const sizes = new ResizeObserver(fit);
  sizes.observe(root);
  window.addEventListener("keydown", onKey);

  return {
    update(sent, chooser, keep) {
      const isNew = data?.first.name !== sent.first.name;
      data = sent;
      choose = chooser;
      readColours();
      if (!board) {
        board = boardNamed(data.board.name);
        board.moveTo(parts.pen);
      }
      board.update(data.board, keep);
      parts.about.textContent = data.tiles;
      if (data.more) programmes.set(data.first.name, data.more);
      if (isNew) {
        digits = [data.first];
        show(0);
      }
      const more = programmes.get(data.first.name);
      if (more && digits.length === 1) {
        digits = [data.first, ...more];
        if (wanted) show(wanted);
        wanted = 0;
      }
      takeDrawing(data.own);
      if (data.kiosk) walk(data.kiosk, () => play(false));
      fit();
    },
    stop() {
      playing = false;
      cancelAnimationFrame(waiting);
      waiting = 0;
      sizes.disconnect();
      window.removeEventListener("keydown", onKey);
      board?.leave(parts.pen);
    },
  };
}
