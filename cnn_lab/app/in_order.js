// Sends what the reader does in the order in which it was done.
//
// Streamlit sends a change with a timer of 0 ms, together with all that is changed until then. A tap
// on a button ends typing in a field and presses the button at once: the server would run only what
// the field concerns, and of a link or of Back it would hear before the field's value, and show the
// old page again.

const INPUTS = ["pointerdown", "mousedown", "focusout", "keydown", "click"];

/** Has timers of 0 ms that one of the reader's inputs has set go off before the next. */
export function sendInOrder() {
  const [later, cancel] = [window.setTimeout, window.clearTimeout];
  const due = new Map();

  window.setTimeout = (act, wait, ...given) => {
    if (wait || typeof act !== "function") return later(act, wait, ...given);
    const timer = later(() => {
      due.delete(timer);
      act(...given);
    });
    due.set(timer, () => act(...given));
    return timer;
  };
  window.clearTimeout = (timer) => {
    due.delete(timer);
    cancel(timer);
  };

  function send({ isTrusted }) {
    if (!isTrusted) return; // it is part of another one
    for (const [timer, act] of [...due]) {
      window.clearTimeout(timer);
      act();
    }
  }
  for (const kind of INPUTS) window.addEventListener(kind, send, true);
  // A tap changes a tab before the field that it leaves tells its value, and a busy browser does both
  // at once. The field is left first.
  const leaveField = ({ isTrusted, pointerType, target }) => {
    const field = document.activeElement;
    if (isTrusted && pointerType === "touch" && field?.matches("input, textarea") && field !== target) {
      field.blur();
    }
  };
  window.addEventListener("pointerup", leaveField, true);
  document.addEventListener("pointerup", send, true); // which comes after the field's own work
  window.cnnLabSend = send; // for Back and Forward, which first_paint.js hears before Streamlit
}
