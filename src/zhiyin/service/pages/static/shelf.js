// A shelf: one titled list of cards that changes in place, so that what stays slides and what is new appears.
import { card } from "./card.js";
import { h } from "./element.js";
import { meetNames } from "./known.js";
import { t } from "./language.js";

const calm = matchMedia("(prefers-reduced-motion: reduce)");

export class Shelf {
  /** `title` gives the heading in the language spoken now; `grid` shows all cards at once, else one row. */
  constructor(name, title, acts, { grid = false } = {}) {
    this.title = title;
    this.acts = acts;
    this.list = null;
    this.heading = h("h2", { id: `shelf-${name}` });
    this.cards = h("ul", { class: grid ? "cards grid" : "cards row", role: "list" });
    this.cards.addEventListener("keydown", (event) => step(event, this.cards));
    this.element = h(
      "section",
      { class: "shelf", "aria-labelledby": this.heading.id, "data-shelf": name },
      this.heading,
      this.cards,
    );
  }

  /** Show a list; gives how many of its items were not there before. */
  show(list) {
    const before = new Set((this.list?.items || []).map((place) => place.item_id));
    const rectangles = this.#rectangles();
    const focused = this.cards.contains(document.activeElement) && this.#focused();
    this.list = list;
    meetNames(list.titles || {});
    this.heading.textContent = this.title();
    this.cards.replaceChildren(...list.items.map((place, n) => card(place, list, n, this.acts)));
    if (!list.items.length) this.cards.append(h("li", { class: "nothing" }, t("nothing")));
    this.element.hidden = false;
    const fresh = list.items.filter((place) => !before.has(place.item_id)).length;
    if (before.size) this.#move(rectangles);
    if (focused) this.#focus(focused);
    return fresh;
  }

  /** The same list in the language spoken now. */
  again() {
    if (this.list) this.show(this.list);
  }

  /** Take an item out at once, without waiting for the next list. */
  without(itemId) {
    if (!this.list?.items.some((place) => place.item_id === itemId)) return;
    const cards = [...this.cards.children];
    const at = cards.findIndex((element) => element.dataset.zhiyinItem === itemId);
    const focused = cards[at]?.contains(document.activeElement);
    this.list = { ...this.list, items: this.list.items.filter((place) => place.item_id !== itemId) };
    const rectangles = this.#rectangles();
    cards[at]?.remove();
    this.#move(rectangles);
    if (focused) this.#focus({ item: null, n: at });
  }

  hide() {
    this.list = null;
    this.cards.replaceChildren();
    this.element.hidden = true;
  }

  #focused() {
    const element = document.activeElement.closest(".card");
    return element && { item: element.dataset.zhiyinItem, n: [...this.cards.children].indexOf(element) };
  }

  /** The card that had the focus, or the one that took its place. */
  #focus({ item, n }) {
    const cards = [...this.cards.children];
    const same = cards.find((element) => element.dataset.zhiyinItem === item) || cards[Math.min(n, cards.length - 1)];
    same?.querySelector(".card-open")?.focus({ preventScroll: true });
  }

  #rectangles() {
    return new Map([...this.cards.children].map((e) => [e.dataset.zhiyinItem, e.getBoundingClientRect()]));
  }

  #move(before) {
    if (calm.matches) return;
    for (const element of this.cards.children) {
      const from = before.get(element.dataset.zhiyinItem);
      const to = element.getBoundingClientRect();
      const frames = from
        ? [{ transform: `translate(${from.x - to.x}px, ${from.y - to.y}px)` }, { transform: "none" }]
        : [{ opacity: 0, transform: "translateY(12px)" }, { opacity: 1, transform: "none" }];
      element.animate(frames, { duration: 420, easing: "cubic-bezier(.2,.7,.2,1)" });
    }
  }
}

/** Arrow keys go from card to card. */
function step(event, cards) {
  const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const here = event.target.closest(".card");
  if (!move || !here) return;
  const next = [...cards.children][[...cards.children].indexOf(here) + move];
  if (!next) return;
  event.preventDefault();
  next.querySelector(".card-open")?.focus();
}
