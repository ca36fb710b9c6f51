// The server is where the page's files come from. Opened at /pooling, Streamlit's page would look
// for it below that address first, and wait before it looks again.
window.__streamlit = { BACKEND_BASE_URL: new URL(".", document.baseURI).href };

// Says of the page that it is still loading, until everything on it has been drawn. What takes long
// then keeps back only what is below it. The limits are in frames, of which a busy machine draws fewer.
{
  const LATE = 480; // from here on the parts of a page are shown one by one, from the top
  const MAX = 1800; // a part that never comes must not keep back the others
  const READY =
    '[data-testid="stApp"][data-test-connection-state="CONNECTED"][data-test-script-state="notRunning"]';
  const MAIN = '[data-testid="stMain"]';
  const page = document.documentElement;
  page.dataset.loading = "";

  const drawn = {
    // Streamlit fills a component in three steps: its root, its markup, what its script makes of it.
    '[data-testid="stBidiComponentIsolated"]': ({ shadowRoot }) =>
      shadowRoot?.firstElementChild &&
      shadowRoot.querySelector(".kit:not(.landing, .follow, .answer)")?.childElementCount !== 0 &&
      !shadowRoot.querySelector(".stage:not([data-steps])"),
    '[data-testid="stVegaLiteChart"]': (chart) => chart.querySelector("svg, canvas"),
    img: (image) => image.complete,
  };

  const isWhole = (part) =>
    !part.querySelector('[data-testid="stSkeleton"]') &&
    Object.entries(drawn).every(([kind, test]) => [...part.querySelectorAll(kind)].every(test));

  let frames = 0; // since the page has got its first part

  function look(wasDrawn) {
    const title = page.querySelector(`${MAIN} h1`);
    const isThere = title && page.querySelector(READY) && document.fonts.status === "loaded";
    const nowDrawn = isThere && isWhole(page);
    if (page.querySelector(`${MAIN} [data-testid="stElementContainer"]`)) frames += 1;
    if ((wasDrawn && nowDrawn) || frames > MAX) {
      delete page.dataset.loading;
      return;
    }
    if (isThere && frames > LATE) {
      const block = title.closest('[data-testid="stVerticalBlock"]');
      for (const part of block.children) {
        if (!isWhole(part)) break;
        part.dataset.whole = "";
      }
    }
    requestAnimationFrame(() => look(nowDrawn));
  }
  look(false);
}

// A visit to a page is one entry of the browser's history. The frame (visits.js) sees to that, but
// comes with the first run, which may already complete the address or lead to another page.
{
  const push = history.pushState;
  history.pushState = (...entry) => {
    if (window.cnnLabFrame) push.apply(history, entry);
    else history.replaceState(...entry);
  };
  // What was set before Back is sent before Streamlit, whose listener comes later, asks for the page
  // (in_order.js).
  addEventListener("popstate", (event) => window.cnnLabSend?.(event));
}

// A dialog tells of a lost connection. Streamlit's own words name Streamlit, and not what happens next.
{
  const LOST = '[data-testid="stApp"]:not([data-test-connection-state="CONNECTED"])';

  function explain(dialog) {
    const ours = dialog.querySelector('[data-testid="stVerticalBlock"]');
    const heading = dialog.querySelector("h2");
    if (ours || !heading?.nextElementSibling || !document.querySelector(LOST)) return;
    const words = JSON.parse(document.getElementById("cnn-lab-lost").textContent);
    heading.firstChild.data = words.title;
    const told = document.createTreeWalker(heading.nextElementSibling, NodeFilter.SHOW_TEXT);
    for (let text = words.sentence; told.nextNode(); text = "") told.currentNode.data = text;
  }

  const watched = new MutationObserver((changes) => {
    for (const node of changes.flatMap(({ addedNodes }) => [...addedNodes])) {
      if (node.matches?.('[data-testid="stDialog"]')) explain(node);
    }
  });
  addEventListener("DOMContentLoaded", () => watched.observe(document.body, { childList: true }));
}
