// Links to a moment. What moves is not in the page's address, so that playing leaves it alone; a
// link that was asked for has it, and it is taken out again when that link is opened.

import { element } from "./kit.js";

const COPIED_MS = 2000;
const MOST_FRAMES = 600; // that a question may take to appear

/**
 * Takes numbers out of the page's address.
 * @param {string[]} names of parameters
 * @returns {number[]|null} NaN for what is not a number; null if none of them is there
 */
export function takeFromAddress(names) {
  const url = new URL(window.location.href);
  const texts = names.map((name) => url.searchParams.get(name));
  if (texts.every((text) => text === null)) return null;
  for (const name of names) url.searchParams.delete(name);
  window.history.replaceState(window.history.state, "", url);
  return texts.map((text) => (text ? Number(text) : NaN));
}

/** The page's address with more parameters. */
export function addressWith(values) {
  const url = new URL(window.location.href);
  for (const [name, value] of Object.entries(values)) url.searchParams.set(name, String(value));
  return url.href;
}

/** Brings a question into view once the page has it; a keyboard goes on in its first field. */
export function goToQuestion(key, byKeyboard, left = MOST_FRAMES) {
  const field = document.querySelector(`.st-key-${CSS.escape(key)} input`);
  if (!field) {
    if (left) requestAnimationFrame(() => goToQuestion(key, byKeyboard, left - 1));
    return;
  }
  const question = field.closest(`.st-key-${CSS.escape(key)}`);
  question.scrollIntoView({ block: "center" });
  if (byKeyboard) field.focus({ preventScroll: true });
}

/** A button that looks like a link and copies a text; `describe` says what the text is. */
export function copyButton(label, describe, read) {
  const copy = element("button", { type: "button", class: "copy" }, [label]);
  copy.onclick = () => copyText(read(), copy, label, describe);
  return copy;
}

/** Copies to the clipboard or, if the browser does not allow that, shows a field to copy from. */
async function copyText(text, copy, label, describe) {
  copy.parentElement.querySelector(".copied")?.remove();
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = element("textarea", {
      class: "copied",
      readonly: "",
      rows: "4",
      "aria-label": describe,
    });
    field.value = text;
    copy.after(field);
    field.select();
    return;
  }
  copy.textContent = "Copied";
  setTimeout(() => (copy.textContent = label), COPIED_MS);
}
