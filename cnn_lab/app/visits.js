// One visit to a page, or to a step of a lesson, is one entry of the browser's history, and its
// address has the page's settings.

import { beginVisit, isBusy, leave } from "../stage/js/kit.js";
import { keepPlaces } from "./places.js";

// What the next address is that Streamlit sets:
const READING = "reading"; // a new entry, because the reader has done something
const LEAVING = "leaving"; // that of the page which a link leads to; others are late
const ENTERED = "entered"; // the same visit's, which is being completed

/** Says whether a click opens another tab or window. */
export const isElsewhere = ({ ctrlKey, metaKey, shiftKey }) => ctrlKey || metaKey || shiftKey;

/** The step of a lesson that an address names. */
export const stepOf = ({ searchParams }) => `${searchParams.get("lesson")} ${searchParams.get("at")}`;

/**
 * Makes one entry of each visit. Streamlit makes several: when a page is left, one without settings,
 * and when it is entered, one for each setting that the session has kept, some of them under the old
 * page's name. After Back it goes on telling what the run of the page that was left says, and makes
 * an entry of that, too.
 * @param {Record<string, string>} titles of the window, by page
 */
export function keepVisits(titles) {
  const places = keepPlaces();
  let phase = ENTERED;
  let wasBusy = false; // at the reader's latest input: what that run says is not the answer to it
  let target = ""; // of the link that was followed
  let address = location.href; // also while another page is on its way
  const left = new Set(); // pages and steps that Back and Forward have led away from

  const pageOf = ({ pathname }) => pathname.split("/").at(-1);

  /** Whether what Streamlit says now is said of this page: its title comes before all else. */
  const isTold = (place) => document.title === (titles[pageOf(place) || "home"] ?? document.title);

  /** Whether an address is one of a page or a step that the reader has left. */
  function isLate(here, there) {
    if (phase === LEAVING) return pageOf(there) !== target;
    const isOtherPage = pageOf(here) !== pageOf(there);
    if (!isTold(here)) return isOtherPage ? left.has(pageOf(there)) : left.size > 0;
    const isBeginning = here.searchParams.has("lesson") && !here.searchParams.has("at");
    const isOtherStep = !isBeginning && stepOf(here) !== stepOf(there);
    return !isOtherPage && isOtherStep && left.has(stepOf(there));
  }

  for (const kind of ["pointerdown", "keydown", "click"]) {
    document.addEventListener(
      kind,
      () => {
        phase = READING;
        wasBusy = isBusy();
        if (isTold(location)) left.clear();
      },
      true,
    );
  }
  document.addEventListener(
    "click",
    (event) => {
      if (isTold(location)) places.note(address); // whatever was clicked, it may lead to another page
      const link = event.target.closest('[data-testid="stSidebarNavLink"], [data-testid^="stPageLink"]');
      if (!link?.href || isElsewhere(event)) return;
      wasBusy = false; // a link is an entry in any case
      target = pageOf(new URL(link.href));
      if (target === pageOf(location)) return;
      phase = LEAVING;
      leave();
    },
    true,
  );
  const onPop = () => {
    const before = new URL(address);
    left.add(pageOf(before)).add(stepOf(before));
    if (pageOf(before) !== pageOf(location)) {
      beginVisit();
      if (isTold(before)) places.note(address);
      places.comeBack(location.href, () => isTold(location));
    }
    phase = ENTERED;
    address = location.href;
  };
  addEventListener("popstate", onPop, true);

  // Streamlit replaces what it sets after Back, and what the reader has set in a field.
  const [push, replace] = [history.pushState, history.replaceState].map((each) => each.bind(history));
  history.replaceState = (...entry) => {
    if (isLate(new URL(location.href), new URL(entry[2], location.href))) return;
    replace(...entry);
    address = location.href;
  };
  history.pushState = (...entry) => {
    const [here, there] = [new URL(location.href), new URL(entry[2], location.href)];
    if (isLate(here, there)) return;
    const isOtherPage = pageOf(here) !== pageOf(there);
    if (isOtherPage) {
      beginVisit();
      places.begin();
      left.clear();
    }
    const isAnswer = isOtherPage || stepOf(here) !== stepOf(there) || !wasBusy;
    if (phase !== ENTERED && isAnswer) {
      push(...entry);
      phase = ENTERED;
    } else replace(...entry);
    address = location.href;
  };
}
