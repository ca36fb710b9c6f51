// Shows what Python drew of a network, and tells it which layer was chosen. Scrolling and the
// focus stay where they are when the drawing changes.

import { component } from "../../stage/js/kit.js";

export default component((box) => {
  let html = "";
  let selected = "";
  box.tabIndex = 0;
  box.setAttribute("role", "region");

  const find = (layer) => box.querySelector(`[data-layer="${CSS.escape(layer)}"]`);
  const layerOf = (node) => node?.closest?.("[data-layer]")?.dataset.layer;

  return {
    update(data, choose) {
      const focused = layerOf(box.getRootNode().activeElement);
      box.setAttribute("aria-label", data.label);
      if (html !== data.html) {
        box.innerHTML = html = data.html;
        if (focused !== undefined) {
          const found = find(focused);
          (found?.querySelector("button") ?? found)?.focus();
        }
      }
      if (selected !== data.selected) {
        selected = data.selected;
        bringIntoView(box, find(selected));
      }
      box.onclick = (event) => {
        const layer = layerOf(event.target);
        if (layer !== undefined) choose(layer);
      };
      box.onkeydown = (event) => {
        if (event.target.localName !== "g" || !["Enter", " "].includes(event.key)) return;
        event.preventDefault();
        choose(layerOf(event.target));
      };
    },
  };
});

/** Scroll sideways, and never the page, as far as it takes to see a block of the diagram. */
function bringIntoView(box, block) {
  if (!block?.closest("svg")) return;
  const outer = box.getBoundingClientRect();
  const inner = block.getBoundingClientRect();
  if (inner.left < outer.left) box.scrollLeft += inner.left - outer.left;
  if (inner.right > outer.right) box.scrollLeft += inner.right - outer.right;
}
