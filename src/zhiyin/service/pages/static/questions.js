// A few questions to somebody new: five things to like or not, then five more. They open when asked for, and skipping
// is always one press away.
import { h } from "./element.js";
import { t } from "./language.js";
import { actedAs } from "./liked.js";
import { Shelf } from "./shelf.js";

const DONE = "zhiyin.look.asked"; // of whom enough was asked
const AT_ONCE = 5;
const ROUNDS = 2;

export class Questions {
  /** `acts` as of any shelf; `answered` is called after each answer. */
  constructor(acts, answered) {
    this.answered = answered;
    this.asked = [];
    this.round = 0;
    this.shelf = new Shelf("questions", () => t("questions"), {
      open: acts.open,
      like: (place, list, position) => this.#answer("like", place, list, position, acts.like),
      hide: (place, list, position) => this.#answer("dislike", place, list, position),
    });
    this.next = h("button", { class: "button", type: "button", onclick: this.others }, t("questions_others"));
    this.skip = h("button", { class: "quiet", type: "button", onclick: this.enough }, t("questions_skip"));
    this.note = h("p", { class: "note soft" }, t("questions_note"));
    this.offer = h("h2", {}, t("questions_offer"));
    this.element = h(
      "details",
      { class: "portrait questions", ontoggle: () => this.element.open && !this.shelf.list && this.#ask() },
      h("summary", {}, this.offer),
      this.note,
      this.shelf.element,
      h("p", { class: "questions-ways" }, this.next, this.skip),
    );
    this.#close();
  }

  /** Offer to ask, where nothing is known of who is looking and they did not wave it off. */
  begin() {
    const { user } = window.zhiyin;
    this.asked = [];
    this.round = 0;
    this.#close();
    this.element.hidden = actedAs(user) || localStorage.getItem(DONE) === user;
  }

  others = () => (this.round < ROUNDS ? this.#ask() : this.enough());

  enough = () => {
    localStorage.setItem(DONE, window.zhiyin.user);
    this.#close();
    document.getElementById("main").focus({ preventScroll: true });
  };

  again() {
    this.shelf.again();
    this.next.textContent = t("questions_others");
    this.skip.textContent = t("questions_skip");
    this.note.textContent = t("questions_note");
    this.offer.textContent = t("questions_offer");
  }

  #close() {
    this.shelf.hide();
    this.element.open = false;
    this.element.hidden = true;
  }

  async #ask() {
    const query = { scenario: "questions", n: AT_ONCE, exclude: this.asked };
    const list = await window.zhiyin.recommend(query);
    if (!list.items.length) return this.enough();
    this.round += 1;
    this.asked.push(...list.items.map((place) => place.item_id));
    this.next.hidden = this.round >= ROUNDS;
    this.shelf.show(list);
  }

  #answer(type, place, list, position, like) {
    if (like) like(place, list, position);
    else window.zhiyin.track(type, place.item_id, { recommendation_id: list.recommendation_id, position });
    this.shelf.without(place.item_id);
    if (!this.shelf.list.items.length) this.others();
    if (!like) this.answered(place);
  }
}
