// Says of the page that it is still loading, until everything on it has been drawn.
{
  const MAX_MS = 8000; // a slow server must not keep everything back
  const READY =
    '[data-testid="stApp"][data-test-connection-state="CONNECTED"][data-test-script-state="notRunning"]';
  const page = document.documentElement;
  page.dataset.loading = "";

  const drawn = {
    '[data-testid="stBidiComponentIsolated"]': ({ shadowRoot }) =>
      shadowRoot?.querySelector(".kit:not(.landing, .follow)")?.childElementCount !== 0 &&
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
