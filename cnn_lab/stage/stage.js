// What Streamlit calls: one player per mounted element, kept while its data changes.

import { createPlayer } from "./player.js";
import { readTheme } from "./theme.js";

const mounted = new WeakMap();

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".stage");
  const theme = readTheme(root);
  const look = JSON.stringify(theme);
  const known = mounted.get(parentElement);
  if (!known) {
    mounted.set(parentElement, { player: createPlayer(root, data, { theme }), data, look });
  } else {
    if (known.look !== look) known.player.setTheme(theme);
    if (known.data !== data) known.player.update(data);
    Object.assign(known, { data, look });
  }
  return () => {
    mounted.get(parentElement)?.player.destroy();
    mounted.delete(parentElement);
  };
}
