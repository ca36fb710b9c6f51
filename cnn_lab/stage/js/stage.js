// What Streamlit calls: one player per mounted element, kept while its data changes.

const mounted = new WeakMap();

export default function ({ data, parentElement }) {
  const stage = mounted.get(parentElement) ?? {};
  mounted.set(parentElement, stage);
  stage.wanted = data;
  if (window.cnnLabPlayer) show(stage, parentElement);
  else if (!stage.waiting) {
    stage.waiting = () => show(stage, parentElement);
    window.addEventListener("cnn-lab-player", stage.waiting, { once: true });
  }
  return () => {
    window.removeEventListener("cnn-lab-player", stage.waiting);
    stage.player?.destroy();
    mounted.delete(parentElement);
  };
}

function show(stage, parentElement) {
  const { createPlayer, readTheme } = window.cnnLabPlayer;
  const root = parentElement.querySelector(".stage");
  const theme = readTheme(root);
  const look = JSON.stringify(theme);
  if (!stage.player) {
    stage.player = createPlayer(root, stage.wanted, { theme });
  } else {
    if (stage.look !== look) stage.player.setTheme(theme);
    if (stage.data !== stage.wanted) stage.player.update(stage.wanted);
  }
  Object.assign(stage, { data: stage.wanted, look });
}
