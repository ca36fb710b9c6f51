// Draws the curves of a run and reads them out. It computes nothing but which point is nearest:
// every place, label and number comes from Python.

import { component, drawn, element } from "../../stage/js/kit.js";

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

  return {
    update(wanted) {
      if (data === wanted) return;
      data = wanted;
      legend.replaceChildren(
        ...data.legend.map(([of, words]) =>
          element("span", {}, [element("i", { class: `key ${of}` }), words]),
        ),
      );
      while (shown.length < data.panels.length) {
        shown.push(makePanel());
        panels.append(shown.at(-1).node);
      }
      data.panels.forEach((panel, i) => shown[i].update(panel, data));
      changes.replaceChildren(...data.marks.map(([, words]) => element("li", {}, [words])));
      changes.hidden = !data.marks.length;
    },
  };
}

/** One chart. It stays the same element during a run; only what is in it changes. */
function makePanel() {
  const svg = drawn("svg", { viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true" });
  const over = element("div", { class: "over", "aria-hidden": "true" });
  const cursor = element("div", { class: "cursor", hidden: "" });
  const reading = element("div", { class: "reading", role: "status" });
  const plot = element("div", { class: "plot", tabindex: "0", role: "img" }, [svg, over, cursor]);
  const title = element("h3");
  const axis = element("div", { class: "axis" });
  const head = element("div", { class: "head" }, [title, reading]);
  const node = element("section", { class: "panel" }, [head, plot, axis]);
  let points = [];
  let at = -1;

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

  plot.onpointermove = plot.onpointerdown = ({ clientX, clientY }) => {
    const box = plot.getBoundingClientRect();
    const across = (clientX - box.left) / box.width;
    const down = (clientY - box.top) / box.height;
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
      over.replaceChildren(
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
