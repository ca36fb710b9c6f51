// Brings its own place on the page to the top of the window, and holds it there while what is above
// it is still being built, unless the reader does something first.

import { component } from "../../stage/js/kit.js";

const HOLD_MS = 4000;
const READER = ["pointerdown", "wheel", "keydown", "touchstart"];

export default component((root) => {
  const place = root.getRootNode().host;
  const watcher = new ResizeObserver(() => place.scrollIntoView());
  const page = place.closest('[data-testid="stMainBlockContainer"]');

  function stop() {
    watcher.disconnect();
    clearTimeout(timer);
    for (const kind of READER) window.removeEventListener(kind, stop, true);
  }

  for (const kind of READER) window.addEventListener(kind, stop, true);
  const timer = setTimeout(stop, HOLD_MS);
  if (page) watcher.observe(page);
  return { update() {}, stop };
});
