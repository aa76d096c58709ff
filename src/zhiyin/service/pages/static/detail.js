// One item, opened: what it is, exactly why it stands where it stands, and what is like it.
import { partsChart } from "./bars.js";
import { card, heart, kind, price } from "./card.js";
import { cover } from "./cover.js";
import { h, icon } from "./element.js";
import { item as known, named } from "./known.js";
import { number, reading, t } from "./language.js";

const SIMILAR = 6;
const NOTED = 2; // items of the past named beside a part

export class Detail {
  constructor(dialog, acts) {
    this.dialog = dialog;
    this.acts = acts;
    dialog.addEventListener("close", () => {
      window.zhiyin.endView();
      acts.closed(this.opened?.place.item_id);
      this.opened = null;
    });
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  }

  open(place, list, position) {
    this.opened = { place, list, position };
    const item = known(place.item_id);
    this.#draw(item);
    if (!this.dialog.open) this.dialog.showModal();
    this.dialog.scrollTop = 0;
    window.zhiyin.view(place.item_id);
    this.#similar(place.item_id);
    this.#why(place, list);
  }

  /** The same item in the language spoken now. */
  again() {
    if (this.opened) this.open(this.opened.place, this.opened.list, this.opened.position);
  }

  #draw(item) {
    const { title, text, lang } = reading(item);
    const { place, list, position } = this.opened;
    const link = window.zhiyin.safeLink(item.url);
    this.why = h("div", { class: "why" }, partsChart(place.parts));
    this.like = h("ul", { class: "cards row small", role: "list" });
    this.dialog.setAttribute("aria-labelledby", "detail-title");
    this.dialog.replaceChildren(
      h(
        "div",
        { class: "detail" },
        h("button", { class: "act close", "aria-label": t("close"), onclick: () => this.dialog.close() }, icon("hide")),
        h("div", { class: "detail-cover" }, cover(item)),
        h(
          "div",
          { class: "detail-words", lang },
          h("p", { class: "card-facts" }, kind(item)),
          h("h2", { id: "detail-title", tabindex: "-1", autofocus: true }, title),
          text && h("p", { class: "detail-text" }, text),
          attributes(item),
          h(
            "p",
            { class: "detail-acts" },
            h("span", { class: "price" }, price(item)),
            heart(item, title, () => this.acts.like(place, list, position)),
            link && h("a", { class: "button", href: link, rel: "noopener noreferrer", target: "_blank" }, t("open_shop")),
          ),
        ),
        h("section", { class: "detail-why" }, h("h3", {}, t("why")), this.why, h("p", { class: "soft" }, t("why_sum"))),
        h("section", { class: "detail-similar" }, h("h3", {}, t("similar")), this.like),
      ),
    );
  }

  async #similar(itemId) {
    const list = await window.zhiyin.similar(itemId, { n: SIMILAR });
    if (this.opened?.place.item_id !== itemId) return; // another one was opened meanwhile
    this.like.replaceChildren(...list.items.map((place, n) => card(place, list, n, this.acts)));
  }

  /** The parts as the log has them: the arithmetic of the list that was shown. */
  async #why(place, list) {
    const path = `v1/recommendations/${list.recommendation_id}/why/${encodeURIComponent(place.item_id)}`;
    const said = await window.zhiyin.ask(path, null, "GET");
    if (this.opened?.place.item_id === place.item_id)
      this.why.replaceChildren(partsChart(said.parts, { ...through(said.contributions), profile: lines(said.lines) }));
  }
}

/** By part, the items of the visitor's past that brought most of it. */
function through(contributions) {
  const note = (one) => `${reading(named(one.item_id) || one).title} ${one.value > 0 ? "+" : ""}${number(one.value, 3)}`;
  return Object.fromEntries(
    Object.entries(contributions).map(([name, found]) => [name, found.slice(0, NOTED).map(note).join(", ")]),
  );
}

/** What the visitor said of their profile, with what each line added. */
function lines(said) {
  return said.map((line) => `${line.text} ${line.value > 0 ? "+" : ""}${number(line.value, 3)}`).join(", ");
}

function attributes(item) {
  const entries = Object.entries(item.attributes || {});
  if (!entries.length) return null;
  return h(
    "dl",
    { class: "attributes" },
    ...entries.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, String(value)))),
  );
}
