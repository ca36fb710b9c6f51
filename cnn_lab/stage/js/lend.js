// The player on its own, for all stages of a page. It never changes, so it travels once; a stage
// then costs no more than its traces.

import { createPlayer } from "./player.js";
import { readTheme } from "./theme.js";

window.cnnLabPlayer = { createPlayer, readTheme };
window.dispatchEvent(new Event("cnn-lab-player"));

/** Streamlit asks every component for a function to call; loading the module was all. */
export default function () {}
