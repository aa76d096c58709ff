// What the visitor liked: from the log, so that it is there on the next visit too.
import { cover } from "./cover.js";
import { h, icon } from "./element.js";
import { like, likedItems, meet } from "./known.js";
import { reading, t } from "./language.js";

export class Liked {
  constructor() {
    this.heading = h("h2", { id: "shelf-liked" });
    this.cards = h("ul", { class: "cards row small", role: "list" });
    this.element = h(
      "section",
      { class: "shelf", "aria-labelledby": "shelf-liked", "data-shelf": "liked" },
      this.heading,
      this.cards,
    );
  }

  /** Ask the service what this person liked. */
  async read() {
    const path = `v1/users/${encodeURIComponent(window.zhiyin.user)}/profile`;
    const profile = await window.zhiyin.ask(path, null, "GET");
    for (const event of profile.history) {
      meet(event);
      if (event.type === "like") like(event.item_id);
    }
    this.draw();
  }

  draw() {
    const items = likedItems();
    this.element.hidden = !items.length;
    this.heading.textContent = t("kept");
    this.cards.replaceChildren(...items.map(kept));
  }
}

function kept(item) {
  const { title, lang } = reading(item);
  return h(
    "li",
    { class: "card kept", "data-liked": item.item_id },
    cover(item),
    h("p", { class: "card-title", lang }, icon("heart"), title),
  );
}
