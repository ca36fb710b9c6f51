// Plays images one after another, with what a network answers to each. It computes no numbers:
// images, shares and words come from Python. While Python has not computed all of them, the player
// asks for more each time it has drawn what came, so nothing is computed ahead of what is watched.

import {
  component,
  drawn,
  element,
  scale,
  showPlaying,
  slide,
  slider as makeSlider,
  toggleButton,
  whenResting,
} from "../../stage/js/kit.js";

const BARS_PX = 225;
const GAP_PX = 24;
const NARROW_GAP_PX = 8;
const NARROW_PX = 640;
const LEAST_PX = 84;
const MOST_PX = 336;
const MOST_SHARE = 0.3; // of the width, where that is more
const MOST_NARROW_PX = 224;
const ASK_AGAIN_MS = 4000;

export default component(createPlayer);

/**
 * Builds the controls once; what they show changes with `update`.
 * @param {HTMLElement} root
 */
function createPlayer(root) {
  const toggle = toggleButton(() => (timer === null ? play() : pause()));
  const slider = makeSlider("Frame", goTo);
  const stop = element("button", { type: "button", class: "stop" });
  stop.onclick = () => {
    stopped = !stopped;
    say();
    ask();
  };
  const words = element("p", { class: "words" });
  const verdict = element("p", { class: "verdict", role: "status" });
  const figures = element("div", { class: "figures" });
  const along = element("div", { class: "along" });
  root.replaceChildren(
    figures,
    element("div", { class: "controls" }, [toggle, slider, stop]),
    words,
    verdict,
    along,
  );
  const still = matchMedia("(prefers-reduced-motion: reduce)");

  let data = null;
  let send = () => {};
  let at = 0;
  let timer = null;
  let stopped = false;
  let asked = "";
  let waiting = null;
  let giveUp = () => {}; // what is to be asked
  let parts = [];
  let sizing = [];
  let side = null;
  let curve = null; // below the bars where there is room beside the pictures

  const count = () => data.words.length;

  function visit(wanted) {
    at = Math.min(Math.max(wanted, 0), count() - 1);
    slide(slider, at, data.words[at]);
    words.textContent = data.words[at];
    root.dataset.frame = String(at);
    for (const part of parts) part.show(at);
  }

  function pause() {
    clearInterval(timer);
    timer = null;
    showPlaying(toggle, false);
  }

  function play() {
    if (at === count() - 1 && !data.more) visit(0);
    clearInterval(timer);
    timer = setInterval(() => {
      if (at < count() - 1) visit(at + 1);
      else if (!data.more || stopped) pause();
    }, data.frameMs);
    showPlaying(toggle, true);
  }

  function goTo(wanted) {
    pause();
    visit(wanted);
  }

  /** Asks for what is missing, once for each state of things, and again if nothing comes. */
  function ask() {
    clearTimeout(waiting);
    if (!data?.more || stopped) return;
    const state = `${data.run} ${count()}`;
    if (state !== asked) {
      asked = state;
      giveUp();
      giveUp = whenResting(() => send({ run: data.run, have: count() }));
    }
    waiting = setTimeout(() => {
      asked = "";
      ask();
    }, ASK_AGAIN_MS);
  }

  function say() {
    stop.hidden = !data.more;
    stop.textContent = stopped ? "Continue" : "Stop";
    verdict.textContent = data.more && stopped ? data.stopped : data.verdict;
    root.dataset.state = data.more ? (stopped ? "stopped" : "going") : "done";
  }

  function arrange() {
    if (!data || !root.clientWidth) return;
    const narrow = root.clientWidth < NARROW_PX;
    const n = data.pictures.length;
    const gap = narrow ? NARROW_GAP_PX : GAP_PX;
    const room = root.clientWidth - (narrow ? 0 : BARS_PX + GAP_PX) - (n - 1) * gap;
    root.classList.toggle("narrow", narrow);
    const most = narrow ? MOST_NARROW_PX : Math.max(MOST_PX, MOST_SHARE * root.clientWidth);
    if (curve) (narrow ? along : side).append(curve);
    for (const fit of sizing) fit(Math.min(Math.max(room / n, LEAST_PX), most));
  }

  const watcher = new ResizeObserver(arrange);
  watcher.observe(root);

  return {
    stop() {
      pause();
      clearTimeout(waiting);
      giveUp();
      watcher.disconnect();
    },
    update(wanted, sender) {
      send = sender;
      if (data === wanted) return;
      const fresh = data?.run !== wanted.run;
      const following = data !== null && at === data.words.length - 1;
      data = wanted;
      slider.max = String(Math.max(data.total, count()) - 1);
      slider.setAttribute("aria-label", data.noun);
      root.setAttribute("aria-label", data.label);
      root.setAttribute("role", "group");
      root.dataset.frames = String(count());
      const pictures = data.pictures.map(makePicture);
      const bars = makeBars(data);
      const roll = data.roll && makeRoll(data, root, goTo);
      const line = data.curve && makeCurve(data, goTo);
      curve = line && line.node;
      side = element("div", { class: "side" }, [bars.node]);
      const shown = element("div", { class: "pictures" }, pictures.map((part) => part.node));
      figures.replaceChildren(shown, side);
      along.replaceChildren(...(roll ? [roll.node] : []));
      parts = [...pictures, bars, roll, line].filter(Boolean);
      sizing = pictures.map((part) => part.fit);
      arrange();
      if (fresh) {
        stopped = false;
        pause();
        visit(0);
        if (!still.matches && (count() > 1 || data.more)) play();
      } else visit(at);
      if (still.matches && (fresh || following)) visit(count() - 1);
      say();
      ask();
    },
  };
}

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

/** Red, green and blue of 256 steps along a scale of a few colours. */
function tableOf(colours) {
  const table = new Uint8Array(256 * 3);
  const last = colours.length - 1;
  for (let i = 0; i < 256; i++) {
    const place = (i / 255) * last;
    const below = Math.min(Math.floor(place), last - 1);
    for (let c = 0; c < 3; c++) {
      const [from, to] = [colours[below][c], colours[below + 1][c]];
      table[3 * i + c] = Math.round(from + (place - below) * (to - from));
    }
  }
  return table;
}

function makePicture({ title, alt, bytes, rows, columns, colours, ends }) {
  const canvas = element("canvas", {
    width: String(columns),
    height: String(rows),
    role: "img",
    "aria-label": alt,
  });
  const values = bytesOf(bytes);
  const table = tableOf(colours);
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, rows);
  const size = rows * columns;
  const css = ends && colours.map((colour) => `rgb(${colour.join(" ")})`);
  const legend = ends && element("div", { class: "legend" }, scale(ends[0], css, ends[1]));
  const children = [element("figcaption", {}, [title]), canvas, ...(legend ? [legend] : [])];
  return {
    node: element("figure", {}, children),
    fit(room) {
      const factor = Math.max(Math.floor(room / columns), 1);
      canvas.style.width = `${factor * columns}px`;
      canvas.style.height = `${factor * rows}px`;
    },
    show(frame) {
      const start = Math.min(frame, values.length / size - 1) * size;
      for (let i = 0; i < size; i++) {
        const value = 3 * values[start + i];
        image.data.set([table[value], table[value + 1], table[value + 2], 255], 4 * i);
      }
      context.putImageData(image, 0, 0);
    },
  };
}

/** Ten bars with their numbers, and a tick where each was at first. */
function makeBars({ names, shares, texts, barsTitle, wanted }) {
  const rows = names.map((name, i) => {
    const bar = element("i");
    const first = element("b");
    first.style.left = `${100 * shares[0][i]}%`;
    const number = element("span", { class: "number" });
    const track = element("span", { class: "track", "aria-hidden": "true" }, [bar, first]);
    const label = element("span", { class: i === wanted ? "name wanted" : "name" }, [name]);
    return { node: element("li", {}, [label, track, number]), bar, number };
  });
  const list = element("ul", { "aria-label": barsTitle }, rows.map((row) => row.node));
  return {
    node: element("figure", { class: "bars" }, [element("figcaption", {}, [barsTitle]), list]),
    show(frame) {
      const best = shares[frame].indexOf(Math.max(...shares[frame]));
      rows.forEach(({ node, bar, number }, i) => {
        bar.style.width = `${100 * shares[frame][i]}%`;
        number.textContent = texts[frame][i];
        node.classList.toggle("answer", i === best);
      });
    },
  };
}

/** A row for each class and a column for each frame, the darker the more probable. */
function makeRoll({ names, shares, total, roll }, root, choose) {
  const columns = Math.max(total, shares.length);
  const canvas = element("canvas", {
    width: String(columns),
    height: String(names.length),
    role: "img",
    "aria-label": roll.alt,
  });
  const mark = element("span", { class: "mark" });
  const labels = element(
    "div",
    { class: "labels", "aria-hidden": "true" },
    names.map((name) => element("span", {}, [name])),
  );
  const box = element("div", { class: "roll" }, [canvas, mark]);
  box.onclick = (event) => {
    const { left, width } = box.getBoundingClientRect();
    choose(Math.floor(((event.clientX - left) / width) * columns));
  };
  let painted = "";
  function paint() {
    const style = getComputedStyle(root);
    const [ink, now] = [style.color, style.getPropertyValue("--now")];
    if (painted === ink + now) return;
    painted = ink + now;
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, columns, names.length);
    shares.forEach((row, frame) => {
      const best = row.indexOf(Math.max(...row));
      row.forEach((share, i) => {
        context.globalAlpha = share;
        context.fillStyle = i === best ? now : ink;
        context.fillRect(frame, i, 1, 1);
      });
    });
  }
  const caption = element("figcaption", {}, [roll.title]);
  return {
    node: element("figure", {}, [caption, element("div", { class: "rolled" }, [labels, box])]),
    show(frame) {
      paint();
      mark.style.left = `${(100 * frame) / columns}%`;
      mark.style.width = `${100 / columns}%`;
    },
  };
}

/** A line over all frames, with the numbers of its ends, and a dot on it. */
function makeCurve({ curve, total }, choose) {
  const last = Math.max(total, curve.heights.length, 2) - 1;
  const points = curve.heights.map((height, i) => [i / last, height]);
  const svg = drawn("svg", {
    viewBox: "0 0 1 1",
    preserveAspectRatio: "none",
    role: "img",
    "aria-label": curve.alt,
  });
  svg.append(
    drawn("polyline", { points: points.map(([x, y]) => `${x},${1 - y}`).join(" ") }),
  );
  const dot = element("span", { class: "dot" });
  const ends = curve.ends.map((text, i) => element("span", { class: i ? "high" : "low" }, [text]));
  const plot = element("div", { class: "plot" }, [svg, dot, ...ends]);
  plot.onclick = (event) => {
    const { left, width } = plot.getBoundingClientRect();
    choose(Math.round(((event.clientX - left) / width) * last));
  };
  return {
    node: element("figure", {}, [element("figcaption", {}, [curve.title]), plot]),
    show(frame) {
      const [x, y] = points[frame];
      dot.style.left = `${100 * x}%`;
      dot.style.bottom = `${100 * y}%`;
    },
  };
}
