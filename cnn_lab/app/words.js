// Links from a page's text to other pages, which open without a new session; and what a term means,
// beside its word. A link to a term reads "glossary?term=NAME#WHERE IT CAN BE SEEN", and its title is
// "Name: sentence"; without this script it is a plain link with a tooltip.
if (!window.cnnLabWords) {
  window.cnnLabWords = true;
  const OPEN_MS = 150, CLOSE_MS = 250, GAP_PX = 6, EDGE_PX = 12;
  const WITHIN = /^[a-z_]+(?=[?#]|$)/; // a page of the lab, as our own links name it
  const OF_STREAMLIT = '[data-testid="stSidebarNavLink"], [data-testid^="stPageLink"]';
  const KEPT = ["embed", "embed_options"];
  const [note, title, sentence, see, all] = ["div", "strong", "p", "a", "a"].map((tag) =>
    document.createElement(tag),
  );
  note.append(title, sentence, see, all);
  note.id = "term_note";
  note.popover = "manual";
  note.setAttribute("role", "dialog");
  sentence.id = "term_sentence";
  see.textContent = "See it";
  all.textContent = "Glossary";
  let shown = null; // the link whose term is explained
  let timer = 0;
  let pointer = "mouse";

  const linkAt = (target) => target.closest?.('a[href^="glossary?term="]:not(#term_note a)');

  function visit(address) {
    hide();
    const url = new URL(address, document.baseURI);
    const now = new URLSearchParams(location.search);
    for (const name of KEPT)
      for (const value of now.getAll(name)) url.searchParams.append(name, value);
    history.pushState({}, "", url);
    dispatchEvent(new PopStateEvent("popstate")); // Streamlit then opens the page of the address
  }

  function show(link) {
    clearTimeout(timer);
    if (shown === link) return;
    hide();
    shown = link;
    if (link.title) link.dataset.says = link.title; // otherwise the browser shows it as well
    link.removeAttribute("title");
    const [address, seen] = link.getAttribute("href").split("#");
    const [name, ...words] = link.dataset.says.split(": ");
    title.textContent = name;
    sentence.textContent = words.join(": ");
    see.href = seen;
    all.href = address;
    note.setAttribute("aria-label", name);
    link.setAttribute("aria-describedby", sentence.id);
    document.body.append(note);
    note.showPopover();
    place();
  }

  function place() {
    const box = shown?.getClientRects()[0]; // of the first of its lines
    if (!box || 0 > box.bottom || box.top > innerHeight) return hide();
    const { offsetWidth: width, offsetHeight: height } = note;
    const most = document.documentElement.clientWidth - width - EDGE_PX;
    const below = box.bottom + GAP_PX;
    const fits = innerHeight > below + height;
    note.style.left = `${Math.max(EDGE_PX, Math.min(box.left, most))}px`;
    note.style.top = `${fits ? below : Math.max(EDGE_PX, box.top - GAP_PX - height)}px`;
  }

  function hide() {
    clearTimeout(timer);
    if (!shown) return;
    shown.removeAttribute("aria-describedby");
    shown.title = shown.dataset.says;
    shown = null;
    note.hidePopover();
  }

  const later = (act, after) => {
    clearTimeout(timer);
    timer = setTimeout(act, after);
  };

  const listeners = {
    pointerdown: ({ pointerType }) => { pointer = pointerType; },
    pointerover: ({ pointerType, target }) => {
      if (pointerType !== "mouse") return;
      const link = linkAt(target);
      if (link) later(() => show(link), OPEN_MS);
      else if (note.contains(target)) clearTimeout(timer);
      else if (shown && !note.contains(document.activeElement)) later(hide, CLOSE_MS);
      else if (!shown) clearTimeout(timer);
    },
    focusin: ({ target }) => {
      const link = linkAt(target);
      if (link?.matches(":focus-visible")) show(link);
      else if (!note.contains(target) && target !== shown) hide();
    },
    keydown: (event) => {
      if (!shown) return;
      const inside = note.contains(event.target);
      if (event.key === "Escape") {
        const link = shown;
        hide();
        if (inside) link.focus({ preventScroll: true });
        hide(); // focus has shown it again
      } else if (event.key === "Tab" && event.target === shown && !event.shiftKey) {
        event.preventDefault();
        see.focus();
      } else if (event.key === "Tab" && inside && event.shiftKey === (event.target === see)) {
        shown.focus(); // backwards to the word; forwards the browser goes on from there
        if (event.shiftKey) event.preventDefault();
      }
    },
    click: (event) => {
      const { target } = event;
      const link = target.closest?.("a[href]");
      const address = link?.getAttribute("href") ?? "";
      if (!note.contains(target) && linkAt(target) !== shown) hide();
      if (!WITHIN.test(address) || link.closest(OF_STREAMLIT)) return;
      if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      const term = linkAt(target);
      if (term && pointer === "touch" && shown !== term) show(term);
      else visit(address.startsWith("glossary?") ? address.split("#")[0] : address);
    },
    scroll: () => { if (shown) place(); },
  };
  for (const [kind, listen] of Object.entries(listeners))
    document.addEventListener(kind, listen, true);
}
