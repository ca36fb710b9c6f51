// Brings its own place on the page to the top of the window, and holds it there while what is above
// it is still being built.

import { hold } from "../../stage/js/hold.js";
import { component } from "../../stage/js/kit.js";

export default component((root) => {
  const place = root.getRootNode().host;
  const page = place.closest('[data-testid="stMainBlockContainer"]');
  return { update() {}, stop: hold(page, () => place.scrollIntoView()) };
});
