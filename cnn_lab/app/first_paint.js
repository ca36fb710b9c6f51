// Says of the page that it is still loading, until everything on it has been drawn.
{
  const MAX_MS = 8000; // a slow server must not keep everything back
  const READY =
    '[data-testid="stApp"][data-test-connection-state="CONNECTED"][data-test-script-state="notRunning"]';
  const page = document.documentElement;
  page.dataset.loading = "";

  const drawn = {
    '[data-testid="stBidiComponentIsolated"]': ({ shadowRoot }) =>
      shadowRoot?.querySelector(".kit:not(.landing, .follow, .answer)")?.childElementCount !== 0 &&
      !shadowRoot?.querySelector(".stage:not([data-steps])"),
    '[data-testid="stVegaLiteChart"]': (chart) => chart.querySelector("svg, canvas"),
    img: (image) => image.complete,
  };

  function isDrawn() {
    return (
      page.querySelector(READY) &&
      page.querySelector('[data-testid="stMain"] h1') &&
      !page.querySelector('[data-testid="stSkeleton"]') &&
      document.fonts.status === "loaded" &&
      Object.entries(drawn).every(([kind, test]) => [...page.querySelectorAll(kind)].every(test))
    );
  }

  function look(wasDrawn) {
    const nowDrawn = isDrawn();
    if (performance.now() > MAX_MS || (wasDrawn && nowDrawn)) delete page.dataset.loading;
    else requestAnimationFrame(() => look(nowDrawn));
  }
  look(false);
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
