// Shows what Python drew of a network, and tells it which layer was chosen. Scrolling and the
// focus stay where they are when the drawing changes.

export default function ({ data, parentElement, setTriggerValue }) {
  const box = parentElement.querySelector(".layers");
  const focused = parentElement.activeElement?.closest?.("[data-layer]")?.dataset.layer;
  box.setAttribute("aria-label", data.label);
  if (box.drawn !== data.html) {
    box.innerHTML = box.drawn = data.html;
    if (focused !== undefined) find(box, focused)?.querySelector("button")?.focus();
  }
  if (box.selected !== data.selected) {
    box.selected = data.selected;
    bringIntoView(box, find(box, data.selected));
  }
  box.onclick = (event) => {
    const layer = event.target.closest("[data-layer]")?.dataset.layer;
    if (layer !== undefined) setTriggerValue("chosen", layer);
  };
}

function find(box, layer) {
  return box.querySelector(`[data-layer="${CSS.escape(layer)}"]`);
}

/** Scroll sideways, and never the page, as far as it takes to see a block of the diagram. */
function bringIntoView(box, block) {
  if (!block?.closest("svg")) return;
  const outer = box.getBoundingClientRect();
  const inner = block.getBoundingClientRect();
  if (inner.left < outer.left) box.scrollLeft += inner.left - outer.left;
  if (inner.right > outer.right) box.scrollLeft += inner.right - outer.right;
}
