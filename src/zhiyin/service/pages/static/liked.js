// What the visitor liked: from the log, so that it is there on the next visit too.
import { cover } from "./cover.js";
import { h, icon } from "./element.js";
import { like, likedItems, meet } from "./known.js";
import { reading, t } from "./language.js";

const ACTED = "zhiyin.look.acted";
const CLOSED = [401, 403, 404]; // profiles need a key here, or nothing is known of this person

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

  /** Ask the service what this person liked; of a visitor who did nothing yet there is nothing to ask. */
  async read() {
    const { user } = window.zhiyin;
    const history = actedAs(user) ? await past(user) : [];
    for (const event of history.filter((one) => one.type === "like").reverse()) {
      meet(event);
      like(event.item_id);
    }
    this.draw();
  }

  /** From now on, the service knows something about this visitor. */
  acted() {
    localStorage.setItem(ACTED, window.zhiyin.user);
  }

  draw() {
    const items = likedItems();
    this.element.hidden = !items.length;
    this.heading.textContent = t("kept");
    this.cards.replaceChildren(...items.map(kept));
  }
}

/** Whether the service may know something of this person. */
export function actedAs(user) {
  return !user.startsWith("anon-") || localStorage.getItem(ACTED) === user;
}

async function past(user) {
  try {
    return (await window.zhiyin.ask(`v1/users/${encodeURIComponent(user)}/profile`, null, "GET")).history;
  } catch (error) {
    if (CLOSED.includes(error.status)) return [];
    throw error;
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
