// Tells the tabs below an instrument when its settings have changed, once the stage shows them.
// The instrument has one of these, which leads, and its tabs another, which asks the server for
// them again. Each carries the number of times that its own part of the page has been computed for.

import { component, whenResting } from "../../stage/js/kit.js";

const CHANGED = "cnn-lab-instrument";
const LATEST_MS = 300; // for a busy browser

export default component(() => {
  let data;
  let choose;
  let asked = 0;
  let giveUp = () => {}; // what is to be asked

  function follow({ detail }) {
    if (data.leads || detail.of !== data.of || detail.count <= Math.max(data.count, asked)) return;
    asked = detail.count;
    giveUp();
    giveUp = whenResting(() => choose(asked));
  }

  window.addEventListener(CHANGED, follow);
  return {
    update(now, chooseNow) {
      const changed = now.leads && now.count !== data?.count;
      data = now;
      choose = chooseNow;
      if (!changed) return;
      const { of, count } = now;
      const tell = () => window.dispatchEvent(new CustomEvent(CHANGED, { detail: { of, count } }));
      requestAnimationFrame(() => requestIdleCallback(tell, { timeout: LATEST_MS }));
    },
    stop() {
      giveUp();
      window.removeEventListener(CHANGED, follow);
    },
  };
});
