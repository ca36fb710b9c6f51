// Entry point for Streamlit: creates a player in each stage once the player script has loaded.

import { component } from "./kit.js";

export default component((root) => {
  let player = null;
  let wanted = null;
  let shown = null;
  let look = "";

  function show() {
    const { createPlayer, readTheme } = window.cnnLabPlayer;
    const theme = readTheme(root);
    const before = look;
    look = JSON.stringify(theme);
    if (!player) {
      player = createPlayer(root, wanted, { theme });
    } else {
      if (look !== before) player.setTheme(theme);
      if (shown !== wanted) player.update(wanted);
    }
    shown = wanted;
  }

  return {
    update(data) {
      wanted = data;
      if (window.cnnLabPlayer) show();
      else window.addEventListener("cnn-lab-player", show, { once: true });
    },
    stop() {
      window.removeEventListener("cnn-lab-player", show);
      player?.destroy();
    },
  };
});
