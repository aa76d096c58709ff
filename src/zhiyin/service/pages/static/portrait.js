// What the shop knows of whoever looks: lines with their evidence, to be struck, strengthened, or said by oneself.
import { h } from "./element.js";
import { meetNames, named } from "./known.js";
import { language, reading, t } from "./language.js";
import { actedAs } from "./liked.js";

const CLOSED = [401, 403]; // the profile of a name needs a key here
const UNKNOWN = 404; // nothing is known of this person
const STANCES = ["more", "less", "never"];

export class Portrait {
  /** `panel` is a details element with a form and a list; `edited` is called when something was said. */
  constructor(panel, edited) {
    this.panel = panel;
    this.edited = edited;
    this.lines = panel.querySelector("ul");
    this.note = panel.querySelector(".note");
    this.input = panel.querySelector("input");
    this.opened = new Set(); // lines whose evidence is shown
    panel.addEventListener("toggle", () => this.read());
    panel.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#add();
    });
  }

  /** Ask again what is known, if anybody looks. Of a visitor who did nothing yet there is nothing to ask. */
  async read() {
    const { user } = window.zhiyin;
    if (!this.panel.open) return;
    if (!actedAs(user)) return this.#draw([]);
    await this.#told(() => window.zhiyin.profile(language()), user);
  }

  async #add() {
    const value = this.input.value.trim();
    if (value && (await this.#say([{ value }]))) {
      this.input.value = "";
      this.input.focus();
    }
  }

  /** Say something of a line; whether it was heard. */
  async #say(edits) {
    const { user } = window.zhiyin;
    const heard = await this.#told(() => window.zhiyin.say(edits, language()), user);
    if (heard) this.edited();
    return heard;
  }

  /** Draw what an answer tells, or why there is none. */
  async #told(ask, user) {
    try {
      const profile = await ask();
      if (user !== window.zhiyin.user) return false; // somebody else looks meanwhile
      meetNames(profile.titles);
      this.#draw(profile.lines);
      return true;
    } catch (error) {
      if (error.status === UNKNOWN) this.#draw([]);
      else this.#draw([], CLOSED.includes(error.status) ? t("profile_closed") : t("failed", { why: error.message }));
      return false;
    }
  }

  #draw(lines, trouble) {
    const focused = document.activeElement?.closest?.("[data-line]")?.dataset.line;
    this.note.textContent = trouble || (lines.length ? t("profile_lead") : t("profile_none"));
    this.lines.replaceChildren(...lines.map((line, n) => this.#line(line, n)));
    if (focused) this.#refocus(focused);
  }

  /** Whoever works with the keyboard stays at their line, or where it went at the list. */
  #refocus(name) {
    const same = [...this.lines.children].find((line) => line.dataset.line === name);
    (same?.querySelector("button") || this.input).focus();
  }

  #line(line, n) {
    const name = `${line.field}=${line.value}`;
    const evidence = h("div", { class: "evidence", id: `evidence-${n}`, hidden: !this.opened.has(name) }, ...because(line));
    const why = h(
      "button",
      {
        class: "quiet line-why",
        type: "button",
        "aria-expanded": String(this.opened.has(name)),
        "aria-controls": evidence.id,
        onclick: () => this.#show(name, why, evidence),
      },
      line.sentence,
    );
    return h(
      "li",
      { class: `line ${line.source} ${line.leaning}`, "data-line": name },
      h("div", { class: "line-said" }, why, h("span", { class: "line-acts" }, ...this.#acts(line))),
      evidence,
    );
  }

  #show(name, why, evidence) {
    evidence.hidden = !evidence.hidden;
    why.setAttribute("aria-expanded", String(!evidence.hidden));
    if (evidence.hidden) this.opened.delete(name);
    else this.opened.add(name);
  }

  /** What can be said of a line: what stands is pressed, and pressed again it is taken back. */
  #acts(line) {
    return STANCES.map((stance) =>
      h(
        "button",
        {
          class: "stance",
          type: "button",
          "data-stance": stance,
          "aria-pressed": String(line.stance === stance),
          "aria-label": `${t(`line_${stance}`)}: ${line.value}`,
          onclick: () =>
            this.#say([{ field: line.field, value: line.value, stance: line.stance === stance ? "unsaid" : stance }]),
        },
        t(`line_${stance}`),
      ),
    );
  }
}

function because(line) {
  const items = line.evidence.items.filter(named);
  return [
    h("p", {}, line.because),
    items.length > 0 && h("ul", {}, ...items.map((itemId) => h("li", {}, reading(named(itemId)).title))),
  ];
}
