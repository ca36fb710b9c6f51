// Keeps a place of the page in the window while the page is still being built.

const HOLD_MS = 4000;
const READER = ["pointerdown", "wheel", "keydown", "touchstart"];

/**
 * Calls `bring` now and whenever the page's size has changed, until the reader does something, but
 * not for long.
 * @param {Element | null} page
 * @param {() => void} bring
 * @returns {() => void} ends it
 */
export function hold(page, bring) {
  const watcher = new ResizeObserver(bring);

  // Otherwise the browser scrolls when a part above the window grows, to go on showing the same.
  page?.style.setProperty("overflow-anchor", "none");

  function stop() {
    watcher.disconnect();
    page?.style.removeProperty("overflow-anchor");
    clearTimeout(timer);
    for (const kind of READER) window.removeEventListener(kind, stop, true);
  }

  for (const kind of READER) window.addEventListener(kind, stop, true);
  const timer = setTimeout(stop, HOLD_MS);
  if (page) watcher.observe(page);
  return stop;
}
