// The player as a separate script for all stages of a page. It never changes, so it is sent once,
// and a stage costs no more than its traces.

import { createPlayer } from "./player.js";
import { readTheme } from "./theme.js";

window.cnnLabPlayer = { createPlayer, readTheme };
window.dispatchEvent(new Event("cnn-lab-player"));

/** Streamlit needs a function to call; loading the module is all there is to do. */
export default function () {}
