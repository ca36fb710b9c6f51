// Keeps a lesson's answers in the storage of the browser's tab, and brings them back when the server
// knows none: the page was loaded again, or another server has taken it over.

import { component } from "../../stage/js/kit.js";

export default component(() => {
  let asked = "";
  return {
    update({ name, answers }, choose) {
      const place = `cnn-lab-answers ${name}`;
      try {
        if (answers) {
          sessionStorage.setItem(place, JSON.stringify(answers));
          asked = "";
        } else if (asked !== place) {
          asked = place;
          const kept = sessionStorage.getItem(place);
          if (kept) choose(kept);
        }
      } catch {
        // without storage, answers last as long as the session
      }
    },
  };
});
