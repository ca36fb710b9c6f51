// What every page's frame does in the browser: its language, the menu of a phone, the browser's
// history, and the summary for those who listen to the page.

import { sendInOrder } from "./in_order.js";
import { leadThroughMenus } from "./menus.js";
import { isElsewhere, keepVisits, stepOf } from "./visits.js";
import "./words.js";

if (!window.cnnLabFrame) {
  window.cnnLabFrame = true;

  const about = () => document.querySelector(".cnn-lab-frame")?.dataset ?? {};
  const main = () => document.querySelector('[data-testid="stMain"]');

  // In a narrow window the sidebar covers the page. Streamlit closes it after a choice only if the
  // browser calls itself a phone, and remembers it as open.
  document.addEventListener("click", ({ target }) => {
    if (!target.closest('[data-testid="stSidebarNavLink"]')) return;
    const close = document.querySelector('[data-testid="stSidebarCollapseButton"] button');
    const covers = matchMedia("(max-width: 768px)").matches; // Streamlit's width of a tablet
    if (covers && close?.ariaExpanded === "true") close.click();
  });

  // An experiment is below the stage, and what it changes is at the top of the page.
  document.addEventListener(
    "click",
    (event) => {
      const isExperiment = event.target.closest(".st-key-experiments a");
      if (isExperiment && !isElsewhere(event)) main().scrollTo({ top: 0 });
    },
    true, // before Streamlit handles the click
  );

  // Streamlit scrolls to a tab that it opens. That is right for a row of tabs wider than the window,
  // and wrong for the page, which may have been brought to another place.
  const bringIntoView = Element.prototype.scrollIntoView;
  Element.prototype.scrollIntoView = function (how) {
    if (this.dataset?.testid !== "stTab") return bringIntoView.call(this, how);
    const { scrollTop } = main();
    bringIntoView.call(this, { ...how, behavior: "instant" });
    main().scrollTop = scrollTop;
  };

  sendInOrder();
  leadThroughMenus();
  keepVisits(JSON.parse(about().titles));

  // The summary is the first thing in the page: what is here, how it stands, where to begin. It is
  // made of what the page shows now, because much of that never goes through the server.
  const MOST = 12; // settings that are listed
  const MOST_FIGURES = 4;
  const LONGEST = 160; // characters of a text with a number that is taken over
  const WAIT_MS = 300;
  const HEADINGS = '[data-testid="stHeading"]:not(:has(h1))';
  const NAMED = 'input[type="number"], input[role="combobox"], [role="slider"]';
  const summary = document.createElement("section");
  summary.className = "cnn-lab-summary";
  summary.setAttribute("aria-label", "Summary of this page");
  const words = document.createElement("p");
  const news = document.createElement("span"); // a heading that has changed, to be spoken
  news.setAttribute("aria-live", "polite");
  summary.append(words, news);
  for (const [text, find] of [
    ["Go to the stage", () => stage()?.querySelector(".picture")],
    ["Go to the page", () => main()?.querySelector("h1")],
  ]) {
    const link = document.createElement("button");
    link.type = "button";
    link.textContent = text;
    link.onclick = () => goTo(find());
    summary.append(link);
  }
  document.body.prepend(summary);

  function goTo(place) {
    if (!place) return;
    if (place.tabIndex < 0) place.tabIndex = -1;
    place.focus();
    place.scrollIntoView({ block: "nearest" });
  }

  /** The roots of all components on the page. */
  function components() {
    const hosts = main()?.querySelectorAll('[data-testid="stBidiComponentIsolated"]') ?? [];
    return [...hosts].flatMap(({ shadowRoot }) => shadowRoot ?? []);
  }

  function stage() {
    return components().map((root) => root.querySelector(".stage[data-steps]")).find(Boolean);
  }

  const isSeen = (node) => node.getClientRects().length > 0;
  const clean = (text) => (text ?? "").replace(/\s+/g, " ").trim();
  const ICON = '[data-testid="stIconMaterial"]'; // an icon is a word in a font of icons

  function textOf(node) {
    const copy = node?.cloneNode(true);
    for (const icon of copy?.querySelectorAll(ICON) ?? []) icon.remove();
    return clean(copy?.textContent);
  }

  const all = (query, root = main()) => [...root.querySelectorAll(query)].filter(isSeen);

  /** The settings that are shown, by name. */
  function settings() {
    const values = all(NAMED).map((node) => [
      node.ariaLabel,
      node.ariaValueText ?? node.ariaValueNow ?? node.value,
    ]);
    const chosen = all('[role="radiogroup"]').map((group) => [
      group.ariaLabel,
      textOf(group.querySelector('[aria-checked="true"], label:has(:checked)')),
    ]);
    const switches = all('label:has(input[type="checkbox"])').map((label) => [
      textOf(label),
      label.querySelector("input").checked ? "on" : "off",
    ]);
    return [...values, ...chosen, ...switches]
      .map((pair) => pair.map(clean))
      .filter((pair) => pair.every(Boolean))
      .map(([name, value]) => `${name} ${value}`);
  }

  /** What the page says of itself in a few numbers, outside its tabs. */
  function figures() {
    return all(`${HEADINGS}, [data-testid="stMarkdown"], dl.figures > div`)
      .filter((node) => !node.closest('[role="tabpanel"], [role="radiogroup"], label'))
      .filter((node) => !node.closest(".st-key-lesson"))
      .filter((node) => !node.querySelector(".katex"))
      .map((node) => clean(node.innerText))
      .filter((text) => /\d/.test(text) && text.length < LONGEST)
      .slice(0, MOST_FIGURES);
  }

  /** The lesson that runs above the page, its step and what that is called. */
  function lesson() {
    const panel = main()?.querySelector(".st-key-lesson");
    const step = textOf(panel?.querySelector('[data-testid="stMarkdown"]'));
    return panel ? [`Lesson: ${step}`, textOf(panel.querySelector("h3"))] : [];
  }

  function sentences() {
    const { begin } = about();
    const player = stage();
    const tabs = all('[role="tab"]');
    const open = tabs.find((tab) => tab.ariaSelected === "true");
    const listed = settings();
    const more = listed.length - MOST;
    const says = [
      ...all('[data-testid="stAlert"], [role="status"]'),
      ...components().flatMap((root) => [...root.querySelectorAll('[role="status"]')]),
    ];
    return [
      textOf(main()?.querySelector("h1")),
      ...lesson(),
      tabs.length ? `Tabs: ${tabs.map((tab) => textOf(tab)).join(", ")}` : "",
      player ? `On the stage: ${clean(player.querySelector(".heading").textContent)}` : "",
      player ? `Step ${Number(player.dataset.step) + 1} of ${player.dataset.steps}` : "",
      listed.length ? `Settings: ${listed.slice(0, MOST).join(", ")}` : "",
      more > 0 ? `${more} more settings are on the page` : "",
      open ? `Open tab: ${textOf(open)}` : "",
      ...(player ? [] : figures()),
      ...says.map(textOf),
      begin ? `To begin: ${begin}` : "",
    ].filter(Boolean);
  }

  // A new step of a lesson begins with its title, for the eye, the keyboard and the ear. Its address
  // may come after the title; what the reader does in between must not lose the focus.
  // Streamlit may put another title in its place while the page is being built: until the reader
  // does something, the focus that went with the old one goes to the new one.
  let step = null;
  let titled = "";
  let isFurther = false; // the reader has done something since the title came
  const holder = new MutationObserver(() => {
    const title = document.activeElement === document.body && stepTitle();
    if (title) goTo(title);
  });
  for (const kind of ["keydown", "pointerdown"]) {
    document.addEventListener(
      kind,
      () => {
        isFurther = true;
        holder.disconnect();
      },
      true,
    );
  }
  const stepTitle = () => main()?.querySelector(".st-key-lesson h3");
  const stepShown = (title) => title && `${stepOf(new URL(location.href))} ${textOf(title)}`;
  function beginStep() {
    const title = stepTitle();
    if (!title) return; // between two pages there is none for a moment
    const before = step;
    step = stepShown(title);
    if (!before || before === step || isFurther) return;
    goTo(title);
    holder.observe(document.body, { childList: true, subtree: true });
  }

  const seen = () => ({
    page: location.pathname,
    headings: all(HEADINGS).map(textOf).filter((text) => /\d/.test(text)),
  });
  const isWhole = () =>
    main() &&
    document.documentElement.dataset.loading === undefined &&
    document.querySelector('[data-test-script-state="notRunning"]');
  let before = null;

  /** Speaks headings with numbers that were not there before: the page has another result. */
  function announce() {
    const now = seen();
    const found = now.headings.filter((text) => !before?.headings.includes(text));
    if (before?.page === now.page && found.length) news.textContent = found.join(" ");
    before = now;
  }

  let due = 0;
  function refresh() {
    // At once: a button may be pressed before the wait is over.
    step ??= stepShown(stepTitle()) ?? null;
    const title = textOf(stepTitle());
    if (title && title !== titled) {
      titled = title;
      isFurther = false;
    }
    if (!before && isWhole()) before = seen();
    clearTimeout(due);
    due = setTimeout(() => {
      beginStep();
      document.documentElement.lang = about().lang ?? "en";
      summary.querySelector("button").hidden = !stage();
      const text = main() ? sentences().map((each) => (/[.?!]$/.test(each) ? each : `${each}.`)).join(" ") : "";
      if (words.textContent !== text) words.textContent = text;
      if (main()) announce();
    }, WAIT_MS);
  }

  // What a run shows comes before or after the change of Streamlit's script state, which a busy
  // browser may skip; the stage and other components tell when they rest.
  const observer = new MutationObserver(refresh);
  observer.observe(document.documentElement, {
    attributes: true,
    attributeFilter: ["data-test-script-state", "data-begin", "data-loading"],
    subtree: true,
  });
  observer.observe(document.getElementById("root"), {
    childList: true,
    characterData: true,
    subtree: true,
  });
  for (const kind of ["cnn-lab-rest", "focusin", "change"]) document.addEventListener(kind, refresh);
  refresh();
}
