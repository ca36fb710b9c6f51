// Entry point of the canvas for drawing: puts a board into its place on the page.

import { component } from "../../stage/js/kit.js";
import { boardNamed } from "./board.js";

export default component((root) => {
  let board = null;
  return {
    update(data, _, keep) {
      if (!board) {
        board = boardNamed(data.name);
        board.moveTo(root);
      }
      board.update(data, keep);
    },
    stop() {
      board?.leave(root);
    },
  };
});
