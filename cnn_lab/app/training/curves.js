// Draws the curves of a run and reads them out. It computes nothing but which point is nearest:
// every place, label and number comes from Python.

import { component, drawn, element } from "../../stage/js/kit.js";

const COLUMNS = 60; // of a sketched curve
const STEPS = { ArrowLeft: -1, ArrowRight: 1, PageDown: -10, PageUp: 10 };

export default component(createCurves);

/** @param {HTMLElement} root */
function createCurves(root) {
  const legend = element("div", { class: "keys", "aria-hidden": "true" });
  const panels = element("div", { class: "panels" });
  const changes = element("ol", { class: "changes" });
  root.replaceChildren(legend, panels, changes);
  const shown = [];
  let data = null;
  let onSketched = () => {};

  return {
    update(wanted, choose) {
      onSketched = choose;
      if (data === wanted) return;
      data = wanted;
      legend.replaceChildren(
        ...data.legend.map(([of, words]) =>
          element("span", {}, [element("i", { class: `key ${of}` }), words]),
        ),
      );
      while (shown.length < data.panels.length) {
        shown.push(makePanel((places) => onSketched(places)));
        panels.append(shown.at(-1).node);
      }
      data.panels.forEach((panel, i) => shown[i].update(panel, data));
      changes.replaceChildren(...data.marks.map(([, words]) => element("li", {}, [words])));
      changes.hidden = !data.marks.length;
    },
  };
}

/** One chart. It stays the same element during a run; only what is in it changes. */
function makePanel(onSketched) {
  const svg = drawn("svg", { viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true" });
  const over = element("div", { class: "over", "aria-hidden": "true" });
  const line = drawn("polyline", { class: "line expected" });
  const cursor = element("div", { class: "cursor", hidden: "" });
  const reading = element("div", { class: "reading", role: "status" });
  const plot = element("div", { class: "plot", tabindex: "0", role: "img" }, [svg, over, cursor]);
  const title = element("h3");
  const axis = element("div", { class: "axis" });
  const head = element("div", { class: "head" }, [title, reading]);
  const node = element("section", { class: "panel" }, [head, plot, axis]);
  let points = [];
  let at = -1;
  let sketch = null; // how high the curve is in each column, while one may be drawn
  let last = null; // column and height of the pen, while it is down

  function read(index) {
    at = Math.min(Math.max(index, 0), points.length - 1);
    cursor.hidden = at < 0;
    reading.textContent = at < 0 ? "" : points[at][2];
    if (at < 0) return;
    cursor.style.left = `${100 * points[at][0]}%`;
    cursor.style.setProperty("--up", `${100 * points[at][1]}%`);
  }

  function leave() {
    at = -1;
    cursor.hidden = true;
    reading.textContent = "";
  }

  function draw(across, up) {
    over.querySelector(".invitation")?.remove();
    const column = Math.round(COLUMNS * across);
    const [from, height] = last ?? [column, up];
    const way = Math.sign(column - from);
    for (let i = from; i !== column; i += way) {
      sketch[i] = height + ((up - height) * (i - from)) / (column - from);
    }
    sketch[column] = up;
    last = [column, up];
    const drawing = places().map(([x, y]) => `${x},${1 - y}`);
    line.setAttribute("points", drawing.join(" "));
  }

  function places() {
    return sketch.flatMap((up, i) => (up === null ? [] : [[i / COLUMNS, Number(up.toFixed(3))]]));
  }

  plot.onpointerup = plot.onpointercancel = () => {
    last = null;
    if (sketch && places().length > COLUMNS / 2) onSketched(places());
  };

  plot.onpointermove = plot.onpointerdown = (event) => {
    const box = plot.getBoundingClientRect();
    const across = (event.clientX - box.left) / box.width;
    const down = (event.clientY - box.top) / box.height;
    if (sketch) {
      if (event.type === "pointerdown") plot.setPointerCapture(event.pointerId);
      else if (!last) return;
      draw(...[across, 1 - down].map((share) => Math.min(Math.max(share, 0), 1)));
      return;
    }
    const far = ([x, y]) => Math.abs(x - across) + 0.05 * Math.abs(1 - y - down);
    read(points.reduce((best, point, i) => (far(point) < far(points[best]) ? i : best), 0));
  };
  plot.onpointerleave = plot.onblur = leave;
  plot.onkeydown = (event) => {
    if (!(event.key in STEPS) || !points.length) return;
    event.preventDefault();
    read(at < 0 ? points.length - 1 : at + STEPS[event.key]);
  };

  return {
    node,
    update(panel, { across, axis: name, marks }) {
      node.classList.toggle("low", Boolean(panel.low));
      title.textContent = panel.title;
      plot.setAttribute("aria-label", panel.alt);
      axis.textContent = name;
      svg.replaceChildren(
        ...panel.ticks.map(([up]) => drawn("path", { class: "tick", d: `M0 ${1 - up}H1` })),
        ...across.map(([x]) => drawn("path", { class: "tick", d: `M${x} 0V1` })),
        ...marks.map(([x]) => drawn("path", { class: "change", d: `M${x} 0V1` })),
        ...panel.lines.map(({ of, points }) => drawn("polyline", { class: `line ${of}`, points })),
      );
      sketch = panel.sketch ? Array(COLUMNS + 1).fill(null) : null;
      plot.classList.toggle("sketched", Boolean(sketch));
      line.removeAttribute("points");
      if (sketch) svg.append(line);
      over.replaceChildren(
        ...(sketch ? [element("span", { class: "invitation" }, [panel.sketch])] : []),
        ...panel.ticks.map(([up, text]) => placed("up", { bottom: up }, text)),
        ...across.map(([x, text]) => placed("across", { left: x }, text)),
        ...marks.map(([x], i) => placed("number", { left: x }, String(i + 1))),
        ...panel.dots.map(([of, x, y]) => placed(`dot ${of}`, { left: x, bottom: y }, "")),
      );
      points = [...panel.readings, ...panel.dots.map((dot) => dot.slice(1))];
      points.sort((one, other) => one[0] - other[0]);
      if (at >= 0) read(at);
    },
  };
}

function placed(kind, where, text) {
  const node = element("span", { class: kind }, [text]);
  for (const [side, share] of Object.entries(where)) node.style[side] = `${100 * share}%`;
  return node;
}
