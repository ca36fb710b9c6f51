// Brings the keyboard into an open menu, out of it, and back to its button when it closes.
//
// Streamlit puts an open menu at the end of the document, and leaves the focus on its button. Tab
// would come to the menu only after all else on the page, and where a menu closes by itself, such as
// when its file is taken, the focus would be on nothing.

const MENU = '[data-testid="stPopoverBody"]';
const OPEN_BUTTON = '[data-testid="stPopoverButton"][aria-expanded="true"]';

const menu = () => document.querySelector(MENU);

/** What Tab stops at below a node, in its order, inside components too. */
function stops(root) {
  return [...root.querySelectorAll("*")].flatMap((node) => {
    if (node.shadowRoot) return stops(node.shadowRoot);
    const isStop = node.tabIndex >= 0 && !node.disabled && node.getClientRects().length;
    return isStop && !isPassed(node) ? [node] : [];
  });
}

/** Whether Tab passes a button of a group, of which it stops at one. */
function isPassed(node) {
  if (node.type !== "radio" || node.checked) return false;
  const group = [...node.getRootNode().querySelectorAll(`[name="${CSS.escape(node.name)}"]`)];
  return group.some((other) => other.checked) || group[0] !== node;
}

function focused() {
  let node = document.activeElement;
  while (node.shadowRoot?.activeElement) node = node.shadowRoot.activeElement;
  return node;
}

/** Has Tab go from the button of an open menu into it, and from its ends back to the button. */
export function leadThroughMenus() {
  document.addEventListener(
    "keydown",
    (event) => {
      const [open, button] = [menu(), document.querySelector(OPEN_BUTTON)];
      if (event.key !== "Tab" || !open || !button) return;
      const [inside, here] = [stops(open), focused()];
      if (here === button && !event.shiftKey) {
        open.tabIndex = -1; // what it holds may still be on its way
        (inside[0] ?? open).focus();
        event.preventDefault();
      } else if (event.shiftKey && (here === inside[0] || here === open)) {
        button.focus();
        event.preventDefault();
      } else if (!event.shiftKey && here === inside.at(-1)) {
        button.focus(); // from which the browser goes on
      }
    },
    true,
  );

  let left = null; // the button of the menu that has the focus
  document.addEventListener("focusin", ({ target }) => {
    left = target.closest(MENU) ? document.querySelector(OPEN_BUTTON) : null;
  });
  document.addEventListener("pointerdown", ({ target }) => {
    if (!target.closest(MENU)) left = null;
  });
  new MutationObserver(() => {
    if (!left || menu() || document.activeElement !== document.body) return;
    left.focus({ preventScroll: true });
    left = null;
  }).observe(document.body, { childList: true, subtree: true });
}
