// The storefront: asks for lists, shows them, and asks again after everything a visitor does.
import { Detail } from "./detail.js";
import { h } from "./element.js";
import { Guqin } from "./guqin.js";
import { choose, forgetVisitor, item, lastChosen, like as likeItem } from "./known.js";
import { listen, number, reading, t } from "./language.js";
import { Liked } from "./liked.js";
import { Portrait } from "./portrait.js";
import { Questions } from "./questions.js";
import { Search } from "./search.js";
import { Shelf } from "./shelf.js";
import { Visitor } from "./visitor.js";

const N_FOR_YOU = 10;
const N_ROW = 12;
const KNOCK_AGAIN = 1000; // milliseconds
const zhiyin = window.zhiyin;
const byId = (id) => document.getElementById(id);

class Storefront {
  constructor() {
    const acts = { open: this.open, like: this.like, hide: this.hide };
    this.because = null; // the item of the second shelf
    this.shelves = {
      found: new Shelf("found", () => t("found", { text: this.search.text }), acts, { grid: true }),
      for_you: new Shelf("for_you", () => t("for_you"), acts, { grid: true }),
      because: new Shelf("because", () => t("because", { title: reading(item(this.because)).title }), acts),
      trending: new Shelf("trending", () => t("trending"), acts),
      latest: new Shelf("latest", () => t("latest"), acts),
    };
    this.liked = new Liked();
    this.questions = new Questions(acts, (place) => this.turnDown(place));
    this.guqin = new Guqin();
    this.search = new Search(byId("ask"), byId("ask-clear"), this.find);
    this.detail = new Detail(byId("detail"), { ...acts, closed: this.closed });
    this.portrait = new Portrait(byId("portrait"), this.said);
    this.visitor = new Visitor(byId("viewer"), byId("receipt"), this.everything);
    byId("strings").append(this.guqin.element);
    byId("portrait").after(this.questions.element);
    byId("shelves").append(...Object.values(this.shelves).map((shelf) => shelf.element), this.liked.element);
    for (const shelf of Object.values(this.shelves)) shelf.hide();
    document.addEventListener("language", this.retell);
    byId("forget").addEventListener("click", () => this.#safely(() => this.visitor.forget()));
    byId("again").addEventListener("click", this.everything);
  }

  /** Somebody else is asking, or nothing is known yet: all shelves anew. */
  everything = async () => {
    forgetVisitor();
    this.because = null;
    this.shelves.because.hide();
    await this.#safely(async () => {
      await Promise.all([this.liked.read(), this.portrait.read()]);
      this.questions.begin();
      await Promise.all([this.#ask("for_you", N_FOR_YOU), this.#ask("trending", N_ROW), this.#ask("latest", N_ROW)]);
      await this.#because();
    });
  };

  /** A visitor did something: what depends on it, at once. */
  async react() {
    this.guqin.pluck();
    this.liked.acted();
    await this.#safely(async () => {
      const [fresh] = await Promise.all([
        this.search.text ? this.#find() : this.#ask("for_you", N_FOR_YOU),
        this.#because(),
      ]);
      if (fresh) this.say(t("updated", { n: fresh }));
      await this.portrait.read();
    });
  }

  /** The visitor said something of their profile: what they never want leaves every shelf. */
  said = async () => {
    this.say(t("heard"));
    this.guqin.pluck();
    this.liked.acted();
    await this.#safely(() =>
      Promise.all([
        this.search.text ? this.#find() : this.#ask("for_you", N_FOR_YOU),
        this.#ask("trending", N_ROW),
        this.#ask("latest", N_ROW),
      ]),
    );
  };

  open = (place, list, position) => {
    choose(place.item_id);
    this.detail.open(place, list, position);
    this.react();
  };

  like = (place, list, position) => {
    zhiyin.track("like", place.item_id, { recommendation_id: list.recommendation_id, position });
    choose(place.item_id);
    likeItem(place.item_id);
    this.liked.draw();
    this.react();
  };

  hide = (place, list, position) => {
    zhiyin.track("hide", place.item_id, { recommendation_id: list.recommendation_id, position });
    this.turnDown(place);
  };

  /** Not wanted: it leaves every shelf. */
  turnDown(place) {
    for (const shelf of Object.values(this.shelves)) shelf.without(place.item_id);
    this.say(t("hidden"));
    this.react();
  }

  /** The wish changed; an empty one brings the usual list back. */
  find = async () => {
    this.guqin.pluck();
    this.shelves.for_you.element.hidden = Boolean(this.search.text);
    if (!this.search.text) {
      this.shelves.found.hide();
      await this.react();
    } else await this.#safely(() => this.#find());
  };

  closed = (itemId) => {
    const cards = [...document.querySelectorAll(".shelf:not([hidden]) .card")];
    const same = cards.find((card) => card.dataset.zhiyinItem === itemId) || cards[0];
    same?.querySelector(".card-open").focus({ preventScroll: true });
  };

  retell = () => {
    for (const shelf of Object.values(this.shelves)) shelf.again();
    this.questions.again();
    this.liked.draw();
    this.portrait.read();
    this.detail.again();
    if (this.told) this.tell(this.told);
  };

  async #ask(name, n) {
    const list = await zhiyin.recommend({ scenario: name, n });
    if (name === "for_you") this.tell(list);
    return this.shelves[name].show(list);
  }

  async #find() {
    const text = this.search.text;
    const list = await zhiyin.search(text, { n: N_FOR_YOU }, { log: false });
    if (text !== this.search.text) return 0; // typed on meanwhile
    this.tell(list);
    return this.shelves.found.show(list);
  }

  async #because() {
    const chosen = lastChosen();
    if (!chosen || this.search.text) return this.shelves.because.hide();
    this.because = chosen;
    this.shelves.because.show(await zhiyin.similar(chosen, { n: N_ROW }));
  }

  /** The visible line about who answers: the mode, the bundle, the time it took. */
  tell(list) {
    this.told = list;
    const line = byId("mode");
    line.dataset.mode = list.mode;
    line.replaceChildren(
      h("span", { class: "dot", "aria-hidden": "true" }),
      h("span", {}, t(`mode_${list.mode}`)),
      h("span", { class: "soft" }, ` ${list.bundle.slice(0, 8)} · ${number(list.took_ms, 1)} ms`),
    );
  }

  say(text) {
    byId("status").textContent = text;
  }

  async #safely(work) {
    const failed = byId("failed");
    try {
      await work();
      failed.hidden = true;
    } catch (error) {
      const opening = error.status === 503; // the first bundle is being made, or very many ask
      failed.hidden = false;
      byId("failed-why").textContent = opening ? t("opening") : t("failed", { why: error.message });
      clearTimeout(this.knocking);
      if (opening) this.knocking = setTimeout(this.everything, KNOCK_AGAIN);
    }
  }
}

listen();
new Storefront().everything();
