// Joins a Plotly chart on the page: says what was clicked, shows a picture of what is pointed at,
// and lets a finger scroll the page across the chart.

import { component, element } from "../../stage/js/kit.js";

const BESIDE_PX = 14; // between pointer and picture
const PICTURE_PX = 84;
const CHART = ".js-plotly-plot";
// Up and down is the page's, left and right the chart's.
const SCROLLING = `${CHART}, ${CHART} * { touch-action: pan-y !important }`;

export default component((root) => {
  root.replaceChildren(element("span")); // drawn, as far as the page has to wait for it
  const style = element("style", {}, [SCROLLING]);
  const picture = element("canvas", { "aria-hidden": "true" });
  picture.style.cssText = `position: absolute; z-index: 5; width: ${PICTURE_PX}px;
    height: ${PICTURE_PX}px; pointer-events: none; image-rendering: pixelated; display: none;
    border-radius: 6px`;
  document.head.append(style);
  let data = null;
  let choose = () => {};
  let chart = null;
  let sheet = null;
  let pointer = { x: 0, y: 0 };

  function number(event) {
    const found = event.points?.[0];
    const value = Array.isArray(found?.customdata) ? found.customdata[0] : found?.customdata;
    return Number.isInteger(value) && value >= 0 ? value : null;
  }

  function show(event) {
    const shown = number(event);
    if (shown === null || !sheet?.complete) return hide();
    const { side, across, every } = data.pictures;
    const index = shown / every;
    picture.width = picture.height = side;
    const place = [side * (index % across), side * Math.floor(index / across)];
    picture.getContext("2d").drawImage(sheet, ...place, side, side, 0, 0, side, side);
    const room = chart.clientWidth - PICTURE_PX;
    const right = pointer.x + BESIDE_PX;
    picture.style.left = `${Math.max(0, right < room ? right : pointer.x - PICTURE_PX - BESIDE_PX)}px`;
    picture.style.top = `${Math.max(0, pointer.y - PICTURE_PX - BESIDE_PX)}px`;
    picture.style.display = "block";
    picture.dataset.number = String(shown);
  }

  function hide() {
    picture.style.display = "none";
    delete picture.dataset.number;
  }

  function follow(event) {
    const box = chart.getBoundingClientRect();
    pointer = { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  /** In a flat chart, taps alone reach Plotly; in a scene, it must not keep the page from scrolling. */
  function touch(event) {
    if (chart.querySelector(".gl-container canvas") && chart.querySelector("#scene")) {
      event.preventDefault = () => {};
    } else {
      event.stopPropagation();
    }
  }

  function join() {
    const found = document.querySelector(`.st-key-${data.box} ${CHART}`);
    if (!found?.on || found === chart) return;
    leave();
    chart = found;
    chart.style.position = "relative";
    chart.append(picture);
    chart.addEventListener("pointermove", follow, true);
    for (const kind of ["touchstart", "touchmove", "touchend"]) {
      chart.addEventListener(kind, touch, { capture: true, passive: true });
    }
    chart.on("plotly_hover", show);
    chart.on("plotly_unhover", hide);
    chart.on("plotly_click", (event) => {
      const clicked = number(event);
      if (clicked !== null) choose({ number: clicked });
      else if (event.points?.[0]) choose({ x: event.points[0].x, y: event.points[0].y });
    });
    chart.dataset.joined = "";
  }

  function leave() {
    chart?.removeEventListener("pointermove", follow, true);
    for (const kind of ["touchstart", "touchmove", "touchend"]) {
      chart?.removeEventListener(kind, touch, { capture: true });
    }
    picture.remove();
    chart = null;
  }

  const watcher = new MutationObserver(() => join());

  return {
    stop() {
      watcher.disconnect();
      leave();
      style.remove();
    },
    update(wanted, chooser) {
      data = wanted;
      choose = chooser;
      if (data.pictures && sheet?.src !== data.pictures.url) {
        sheet = element("img", { src: data.pictures.url, alt: "" });
      }
      join();
      const box = document.querySelector(`.st-key-${data.box}`);
      if (box) watcher.observe(box, { childList: true, subtree: true });
    },
  };
});
