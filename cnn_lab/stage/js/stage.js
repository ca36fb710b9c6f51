// Entry point for Streamlit: creates a player in each stage once the player script has loaded.

import { component } from "./kit.js";

export default component((root) => {
  let player = null;
  let wanted = null;
  let shown = null;
  let look = "";
  let keep = () => {};
  let choose = () => {};

  function show() {
    const { createPlayer, readTheme } = window.cnnLabPlayer;
    const theme = readTheme(root);
    const before = look;
    look = JSON.stringify(theme);
    if (!player) {
      player = createPlayer(root, wanted, {
        theme,
        keep: (state) => keep(state),
        choose: (what) => choose(what),
      });
    } else {
      if (look !== before) player.setTheme(theme);
      if (shown !== wanted) player.update(wanted);
    }
    shown = wanted;
  }

  return {
    update(data, chooser, keeper) {
      wanted = data;
      choose = chooser;
      keep = keeper;
      if (window.cnnLabPlayer) show();
      else window.addEventListener("cnn-lab-player", show, { once: true });
    },
    stop() {
      window.removeEventListener("cnn-lab-player", show);
      player?.destroy();
    },
  };
});
