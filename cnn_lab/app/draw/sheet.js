// A picture with a button around each digit found in it, and the digits as they are read, in rows.
// The tab keeps the picture, and gives it back to a new session whose drawing came from it.

import { component, element } from "../../stage/js/kit.js";

const MANY = 40; // digits; the numbers of more would hide them, so only that of a pointed one shows
const STORAGE = "cnn_lab_sheet";

function keep(sheet) {
  try {
    sessionStorage.setItem(STORAGE, JSON.stringify(sheet));
  } catch {
    sessionStorage.removeItem(STORAGE); // larger than the tab may keep: it lasts for the session
  }
}

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(STORAGE));
  } catch {
    return null;
  }
}

export default component((root) => {
  let asked = false;
  const image = element("img", { alt: "" });
  const boxes = element("div", { class: "boxes", role: "group" });
  const picture = element("div", { class: "picture" }, [image, boxes]);
  const rows = element("div", { class: "rows" });
  root.replaceChildren(picture, rows);

  return {
    update(data, choose) {
      picture.hidden = rows.hidden = !data.picture;
      if (!data.picture) {
        const before = asked ? null : kept();
        asked = true;
        if (before?.note === data.note) choose(before);
        return;
      }
      keep({ picture: data.picture, chosen: data.chosen, note: data.note });
      if (image.getAttribute("src") !== data.picture) image.src = data.picture;
      const [width, height] = data.size;
      picture.style.aspectRatio = `${width} / ${height}`;
      boxes.setAttribute("aria-label", data.label);
      boxes.classList.toggle("many", data.digits.length > MANY);
      // The same buttons stay, so that the keyboard keeps its place.
      while (boxes.children.length > data.digits.length) boxes.lastChild.remove();
      data.digits.forEach(({ frame, name, doubt }, place) => {
        let box = boxes.children[place];
        if (!box) {
          box = element("button", { type: "button" }, [element("span", { "aria-hidden": "true" })]);
          boxes.append(box);
        }
        const [left, top, right, low] = frame;
        box.style.left = `${(100 * left) / width}%`;
        box.style.top = `${(100 * top) / height}%`;
        box.style.width = `${(100 * (right - left)) / width}%`;
        box.style.height = `${(100 * (low - top)) / height}%`;
        box.firstChild.textContent = String(place + 1);
        box.title = name;
        box.setAttribute("aria-label", name);
        box.setAttribute("aria-pressed", String(place === data.chosen));
        box.classList.toggle("doubt", doubt);
        box.onclick = () => choose(place);
      });
      rows.replaceChildren(
        ...data.rows.map((numbers) =>
          element(
            "div",
            {},
            numbers.flatMap((number, at) => [
              at ? " " : "", // copied along, and spoken as a pause
              element(
                "span",
                { class: "number" },
                number.map((place) => {
                  const { text, doubt } = data.digits[place];
                  const kind = `${doubt ? "doubt" : ""} ${place === data.chosen ? "chosen" : ""}`;
                  return element("span", { class: kind.trim() }, [text]);
                }),
              ),
            ]),
          ),
        ),
      );
    },
  };
});
