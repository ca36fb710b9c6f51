// The lab by itself on a screen in a corridor: Home, then each page of the course with its stage
// playing, until the screen is touched. Only the change from page to page asks anything of the server.

const STAY_MS = 60_000; // on each page
const LOOK_MS = 1000;
const READER = ["pointerdown", "wheel", "keydown", "touchstart"];

let timer = 0;

/** Whether the lab is walking by itself. */
export const isWalking = () => timer !== 0;

/**
 * Starts walking; `onStop` is called when the screen is touched.
 * @param {string[]} pages the course
 * @param {() => void} onStop
 */
export function walk(pages, onStop) {
  if (isWalking()) return;
  const home = location.pathname.replace(/\/?$/, "/");
  const way = [home, ...pages.map((page) => home + page)];
  let at = 0;
  let since = Date.now();

  function look() {
    if (document.hidden) return;
    if (Date.now() - since > STAY_MS) goOn();
    else playStages();
  }

  function goOn() {
    at = (at + 1) % way.length;
    since = Date.now();
    const links = document.querySelectorAll('[data-testid="stSidebarNavLink"]');
    [...links].find((link) => link.pathname === way[at])?.click();
  }

  function stop(event) {
    if (!event.isTrusted) return; // the walk's own clicks
    clearInterval(timer);
    timer = 0;
    for (const kind of READER) window.removeEventListener(kind, stop, true);
    const address = new URL(location.href);
    address.searchParams.delete("kiosk");
    history.replaceState(history.state, "", address);
    onStop();
  }

  timer = setInterval(look, LOOK_MS);
  for (const kind of READER) window.addEventListener(kind, stop, true);
}

function playStages() {
  for (const { shadowRoot } of document.querySelectorAll(
    '[data-testid="stBidiComponentIsolated"]',
  )) {
    shadowRoot?.querySelector('.stage[data-steps] .toggle[title="Play"]')?.click();
  }
}
