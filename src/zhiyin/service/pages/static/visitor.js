// Who is asking: the visitor's own anonymous id, or for a demonstration somebody the shop knows; and forgetting.
import { h } from "./element.js";
import { t } from "./language.js";

const ME = "zhiyin.look.me";

export class Visitor {
  /** `changed` is called when somebody else is asking. */
  constructor(select, receipt, changed) {
    this.select = select;
    this.receipt = receipt;
    this.changed = changed;
    if (window.zhiyin.user.startsWith("anon-")) localStorage.setItem(ME, window.zhiyin.user);
    select.addEventListener("change", () => this.#become(select.value || localStorage.getItem(ME)));
    this.#people();
  }

  #become(userId) {
    window.zhiyin.identify(userId);
    this.changed();
  }

  /** People the shop knows. Where the console wants a key there are none to choose from, and none is asked for. */
  async #people() {
    const answer = await fetch("console/api/people", { credentials: "omit" });
    const people = answer.ok ? await answer.json() : [];
    this.select.append(...people.map((person) => h("option", { value: person.user_id }, person.user_id)));
    const me = localStorage.getItem(ME);
    this.select.value = window.zhiyin.user === me ? "" : window.zhiyin.user;
    this.select.closest(".viewer").hidden = !people.length;
  }

  /** Forget who is asking, and show the receipt. */
  async forget() {
    const receipt = await window.zhiyin.forget();
    localStorage.setItem(ME, window.zhiyin.user);
    this.select.value = "";
    this.#show(receipt);
    this.changed();
  }

  #show(receipt) {
    const names = (bundles) => bundles.map((name) => name.slice(0, 12)).join(", ");
    const bundles = names(receipt.bundles);
    const unreadable = names(receipt.unreadable);
    const told = [
      h("h2", { id: "receipt-title" }, t("forgotten")),
      h("p", {}, t("forgotten_rows", receipt.rows)),
      bundles && h("p", {}, t("forgotten_bundles", { bundles })),
      unreadable && h("p", {}, t("forgotten_unreadable", { bundles: unreadable })),
      !bundles && !unreadable && h("p", {}, t("forgotten_none")),
      h(
        "details",
        {},
        h("summary", {}, t("receipt")),
        h("pre", {}, JSON.stringify(receipt, null, 2)),
      ),
      h("button", { class: "button", autofocus: true, onclick: () => this.receipt.close() }, t("close")),
    ];
    this.receipt.replaceChildren(...told.filter(Boolean));
    this.receipt.showModal();
  }
}
