// How far down the reader has been on each page: a link leads to the top of the next one, Back and
// Forward to where the reader left it.

import { hold } from "../stage/js/hold.js";

export function keepPlaces() {
  const tops = new Map(); // in pixels, by address
  const main = () => document.querySelector('[data-testid="stMain"]');
  const bring = (top) => main()?.scrollTo({ top, behavior: "instant" });
  let stop = () => {};

  /** Notes how far down the page of an address is now. */
  function note(address) {
    if (main()) tops.set(address, main().scrollTop);
  }

  /** Brings up the top of the page that comes next. */
  function begin() {
    stop();
    // Otherwise a slow browser, which never shows an empty page between the two, stays where it was.
    bring(0);
  }

  /**
   * Brings up the place that was noted for an address, as soon as its page is long enough.
   * @param {string} address
   * @param {() => boolean} isTold whether what is shown is that page's, and not the one's before
   */
  function comeBack(address, isTold) {
    const top = tops.get(address);
    if (!top) return begin();
    stop();
    stop = hold(document.querySelector('[data-testid="stMainBlockContainer"]'), () => {
      if (isTold()) bring(top);
    });
  }

  return { note, begin, comeBack };
}
