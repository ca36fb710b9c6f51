// Planes in space, turned by dragging or by the arrow keys. The browser projects them; Python
// has drawn what is on them.

import { component, element } from "../../stage/js/kit.js";

const FIRST = { turn: -52, tilt: -16 };
const MOST_TILT = 80;
const KEY_DEGREES = 6;
const DRAG_DEGREES = 0.4; // for each pixel
const CLICK_PX = 4; // moved less, it was a click
const MARGIN = 0.12; // of the width

export default component(createSpace);

/**
 * Builds the scene once; what it shows changes with `update`, and the view stays.
 * @param {HTMLElement} root
 */
function createSpace(root) {
  const scene = element("div", { class: "scene" });
  root.replaceChildren(scene);
  root.tabIndex = 0;
  root.setAttribute("role", "application");
  let data = null;
  let choose = () => {};
  let view = { ...FIRST };
  let held = null;

  function look() {
    root.style.setProperty("--turn", `${view.turn}deg`);
    root.style.setProperty("--tilt", `${view.tilt}deg`);
    root.dataset.turn = String(Math.round(view.turn));
  }

  function turn(right, up) {
    view.turn += right;
    view.tilt = Math.min(Math.max(view.tilt + up, -MOST_TILT), MOST_TILT);
    look();
  }

  /** As far apart as fills the width at the first view; all of it smaller where that is narrow. */
  function arrange() {
    if (!data || !root.clientWidth) return;
    const { planes } = data;
    const angle = (Math.abs(FIRST.turn) * Math.PI) / 180;
    const widest = Math.max(...planes.map((plane) => plane.width));
    const width = (1 - MARGIN) * root.clientWidth;
    const room = width - widest * Math.cos(angle);
    const between = Math.max(room / Math.sin(angle) / Math.max(planes.length - 1, 1), 0.7 * widest);
    const length = between * (planes.length - 1);
    const across = length * Math.sin(angle) + widest * Math.cos(angle);
    const scale = Math.min(1, width / across);
    root.style.setProperty("--scale", String(scale));
    root.style.setProperty("--low", `${Math.max(...planes.map(({ height }) => height)) / 2}px`);
    [...scene.children].forEach((node, i) => {
      node.style.transform = `translateZ(${length / 2 - i * between}px)`;
    });
  }

  function draw() {
    const planes = data.planes.map(({ name, words, picture, width, height }) => {
      const image = element("img", { src: picture, alt: "", draggable: false, "data-name": name });
      const size = `--width: ${width}px; --height: ${height}px`;
      return element("div", { class: name ? "plane" : "plane image", style: size }, [
        image,
        element("span", {}, [name || words]),
      ]);
    });
    scene.replaceChildren(...planes);
  }

  root.onpointerdown = (event) => {
    if (event.button !== 0) return;
    held = { x: event.clientX, y: event.clientY, moved: 0 };
  };
  root.onpointermove = (event) => {
    if (!held) return;
    const [right, down] = [event.clientX - held.x, event.clientY - held.y];
    held.moved += Math.abs(right) + Math.abs(down);
    if (held.moved > CLICK_PX && !root.hasPointerCapture(event.pointerId)) {
      root.setPointerCapture(event.pointerId);
    }
    [held.x, held.y] = [event.clientX, event.clientY];
    turn(DRAG_DEGREES * right, -DRAG_DEGREES * down);
  };
  root.onpointerup = (event) => {
    const name = held && held.moved <= CLICK_PX && event.target.dataset?.name;
    held = null;
    if (name) choose(name);
  };
  root.onpointercancel = () => {
    held = null;
  };
  root.ondblclick = () => {
    view = { ...FIRST };
    look();
  };
  root.onkeydown = (event) => {
    const step = {
      ArrowLeft: [-KEY_DEGREES, 0],
      ArrowRight: [KEY_DEGREES, 0],
      ArrowUp: [0, KEY_DEGREES],
      ArrowDown: [0, -KEY_DEGREES],
    }[event.key];
    if (!step) return;
    event.preventDefault();
    turn(...step);
  };

  const watcher = new ResizeObserver(arrange);
  watcher.observe(root);
  look();

  return {
    stop: () => watcher.disconnect(),
    update(wanted, chooser) {
      const names = JSON.stringify(wanted.planes);
      const fresh = !data || JSON.stringify(data.planes) !== names;
      data = wanted;
      choose = chooser;
      root.setAttribute("aria-label", data.label);
      if (fresh) draw();
      for (const image of scene.querySelectorAll("img")) {
        image.parentElement.classList.toggle("now", image.dataset.name === data.chosen);
      }
      arrange();
    },
  };
}
