// Moves through the moments of a run: pictures cut from sheets, a table, and a mark on a curve.
// It computes nothing: every number, shade and place comes from Python.

import {
  component,
  drawn,
  element,
  scale,
  showPlaying,
  slide,
  slider as makeSlider,
  toggleButton,
} from "../../stage/js/kit.js";
import { addressWith, copyButton, takeFromAddress } from "../../stage/js/moment.js";

const WHOLE_RUN_MS = 9000;
const FASTEST_MS = 60;
const SLOWEST_MS = 450;

export default component(createMachine);

/**
 * Builds the controls once; what they show changes with `update`.
 * @param {HTMLElement} root
 */
function createMachine(root) {
  const toggle = toggleButton(() => (timer === null ? play() : pause()));
  const slider = makeSlider("Moment", goTo);
  const words = element("p", { class: "words" });
  const plot = element("div", { class: "plot" });
  const panels = element("div", { class: "panels" });
  const link = copyButton("Copy link to this moment", "Link to this moment", () =>
    addressWith({ ...data.address, [data.momentParameter]: moment + 1 }),
  );
  root.replaceChildren(
    element("div", { class: "controls" }, [toggle, slider]),
    words,
    plot,
    panels,
    element("div", { class: "below" }, [link]),
  );

  let data = null;
  let moment = 0;
  let timer = null;
  let show = [];

  const last = () => data.words.length - 1;

  function visit(wanted) {
    moment = Math.min(Math.max(wanted, 0), last());
    slide(slider, moment, data.words[moment]);
    words.textContent = data.words[moment];
    for (const part of show) part(moment);
  }

  function pause() {
    clearInterval(timer);
    timer = null;
    showPlaying(toggle, false);
  }

  function play() {
    if (moment === last()) visit(0);
    const gap = Math.min(Math.max(WHOLE_RUN_MS / (last() + 1), FASTEST_MS), SLOWEST_MS);
    timer = setInterval(() => {
      visit(moment + 1);
      if (moment === last()) pause();
    }, gap);
    showPlaying(toggle, true);
  }

  function goTo(wanted) {
    pause();
    visit(wanted);
  }

  return {
    stop: pause,
    update(wanted) {
      if (data === wanted) return;
      const first = data === null;
      data = wanted;
      slider.max = String(last());
      const curve = makeCurve(plot, data, goTo);
      const parts = data.sheets.map((sheet) => makePicture(sheet, () => moment));
      const matrix = makeMatrix(data);
      panels.replaceChildren(...parts.map((part) => part.node), matrix.node);
      show = [curve, ...parts.map((part) => part.show), matrix.show];
      const [asked] = takeFromAddress([data.momentParameter]) ?? [];
      if (asked !== undefined) pause();
      if (Number.isInteger(asked)) moment = asked - 1;
      else if (first) moment = last();
      visit(moment);
    },
  };
}

/** One picture of a sheet, whose file arrives by itself; nothing jumps when it does. */
function makePicture(sheet, present) {
  const canvas = element("canvas", {
    width: String(sheet.width),
    height: String(sheet.height),
    role: "img",
    "aria-label": sheet.alt,
  });
  canvas.style.width = `${sheet.width * sheet.factor}px`;
  canvas.style.aspectRatio = `${sheet.width} / ${sheet.height}`;
  const context = canvas.getContext("2d");
  const image = new Image();
  function show(moment) {
    if (!image.complete || !image.naturalWidth) return;
    const column = moment % sheet.columns;
    const row = Math.floor(moment / sheet.columns);
    const from = [column * sheet.width, row * sheet.height, sheet.width, sheet.height];
    context.drawImage(image, ...from, 0, 0, sheet.width, sheet.height);
  }
  image.onload = () => show(present());
  image.src = sheet.picture;
  const legend = element("div", { class: "legend" }, scale(sheet.low, sheet.colours, sheet.high));
  const title = element("figcaption", {}, [sheet.title]);
  return { node: element("figure", {}, [title, canvas, legend]), show };
}

/** What was read as what: the same cells for every moment, with other counts. */
function makeMatrix({ names, confusion, shades, matrix }) {
  const cells = [];
  const head = element("tr", {}, [element("td")]);
  for (const name of names) head.append(element("th", { scope: "col", title: name }, [short(name)]));
  const body = names.map((name) => {
    const row = element("tr", {}, [element("th", { scope: "row", title: name }, [short(name)])]);
    for (let i = 0; i < names.length; i++) {
      const cell = element("td");
      cells.push(cell);
      row.append(cell);
    }
    return row;
  });
  const table = element("table", { "aria-label": matrix.alt }, [
    element("thead", {}, [head]),
    element("tbody", {}, body),
  ]);
  const title = element("figcaption", {}, [matrix.title]);
  const legend = element("div", { class: "legend" }, [matrix.legend]);
  return {
    node: element("figure", {}, [title, table, legend]),
    show(moment) {
      confusion[moment].forEach((count, i) => {
        cells[i].textContent = count ? String(count) : "";
        cells[i].style.setProperty("--shade", `${100 * shades[count]}%`);
        cells[i].classList.toggle("dark", shades[count] > 0.5);
      });
    },
  };
}

function short(name) {
  return name.length > 2 ? name.slice(0, 2) : name;
}

/** The curve, its ticks and the mark; a click goes to the nearest moment. */
function makeCurve(plot, { curve, points, ticks }, choose) {
  const svg = drawn("svg", {
    viewBox: "0 0 1 1",
    preserveAspectRatio: "none",
    role: "img",
    "aria-label": curve,
  });
  for (const [height] of ticks) {
    svg.append(drawn("path", { class: "tick", d: `M0 ${1 - height}H1` }));
  }
  svg.append(
    drawn("polyline", {
      class: "curve",
      points: points.map(([across, up]) => `${across},${1 - up}`).join(" "),
    }),
  );
  const mark = drawn("path", { class: "mark" });
  svg.append(mark);
  const dot = element("span", { class: "dot" });
  const labels = ticks.map(([height, text]) => {
    const label = element("span", { class: "label", "aria-hidden": "true" }, [text]);
    label.style.bottom = `${100 * height}%`;
    return label;
  });
  svg.onclick = (event) => {
    const box = svg.getBoundingClientRect();
    const across = (event.clientX - box.left) / box.width;
    const apart = points.map(([at]) => Math.abs(at - across));
    choose(apart.indexOf(Math.min(...apart)));
  };
  plot.replaceChildren(svg, dot, ...labels);
  return (moment) => {
    const [across, up] = points[moment];
    mark.setAttribute("d", `M${across} 0V1`);
    dot.style.left = `${100 * across}%`;
    dot.style.bottom = `${100 * up}%`;
  };
}
