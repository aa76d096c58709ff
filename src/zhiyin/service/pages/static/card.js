// A card: what it is, what it costs, why it is here, and what a visitor can do with it.
import { cover } from "./cover.js";
import { h, icon } from "./element.js";
import { likes, meet } from "./known.js";
import { number, reading, t } from "./language.js";
import { whyLine } from "./reasons.js";

/** A card for one place of a list; `acts` = {open, like, hide}, each called with (place, list). */
export function card(place, list, position, acts) {
  const item = meet(place);
  const { title, lang } = reading(item);
  const act = (name) => () => acts[name](place, list, position);
  const element = h(
    "li",
    { class: `card${place.explored ? " explored" : ""}` },
    h(
      "button",
      { class: "card-open", type: "button", "data-zhiyin-open": true, onclick: act("open") },
      cover(item),
      h("span", { class: "card-title", lang }, title),
    ),
    h("p", { class: "card-facts" }, h("span", {}, kind(item)), h("span", { class: "price" }, price(item))),
    h("p", { class: "card-why" }, whyLine(place)),
    h(
      "div",
      { class: "card-acts" },
      heart(item, title, act("like")),
      h(
        "button",
        { class: "act hide", type: "button", "aria-label": t("hide", { title }), onclick: act("hide") },
        icon("hide"),
      ),
    ),
  );
  window.zhiyin.mark(element, place.item_id, list.recommendation_id, position);
  return element;
}

/** The heart of an item; once liked it stays so, for the log is not unwritten. */
export function heart(item, title, onclick) {
  const pressed = likes(item.item_id);
  return h(
    "button",
    {
      class: "act heart",
      type: "button",
      "aria-pressed": String(pressed),
      "aria-label": t("like", { title }),
      onclick: (event) => {
        if (event.currentTarget.getAttribute("aria-pressed") === "true") return;
        event.currentTarget.setAttribute("aria-pressed", "true");
        onclick();
      },
    },
    icon("heart"),
  );
}

/** Brand, or the most telling category. */
export function kind(item) {
  return item.brand || (item.categories || []).slice(-2).join(" · ");
}

export function price(item) {
  return typeof item.price === "number" ? number(item.price, 2) : "";
}
