// The two languages of the pages: which one is spoken, the words in it, and an item as it reads in it.
import * as console from "./console_words.js";
import * as policies from "./policies_words.js";
import * as storefront from "./words.js";

const WORDS = {
  en: { ...storefront.EN, ...console.EN, ...policies.EN },
  zh: { ...storefront.ZH, ...console.ZH, ...policies.ZH },
};
const root = document.documentElement;

export function language() {
  return root.lang === "zh" ? "zh" : "en";
}

/** Speak the other language, and tell the page. */
function speak(next) {
  root.lang = next;
  localStorage.setItem("zhiyin.look.language", next);
  translate(document);
  document.dispatchEvent(new CustomEvent("language"));
}

/** Say everything in the language spoken, and let the switch change it. */
export function listen() {
  translate(document);
  document.getElementById("language").addEventListener("click", () => speak(language() === "zh" ? "en" : "zh"));
}

/** The words for a key, {name} replaced. */
export function t(key, values = {}) {
  const text = WORDS[language()][key] ?? WORDS.en[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Put the words into what the server rendered: data-t is the text, data-t-label and data-t-hint attributes. */
function translate(under) {
  for (const element of under.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const element of under.querySelectorAll("[data-t-label]"))
    element.setAttribute("aria-label", t(element.dataset.tLabel));
  for (const element of under.querySelectorAll("[data-t-hint]")) element.placeholder = t(element.dataset.tHint);
}

/** Title, text and the language they are in, of an item's metadata in the language spoken where there is one. */
export function reading(item) {
  const translated = item.translations?.[language()];
  const lang = translated?.title ? language() : item.language || undefined;
  return { title: translated?.title || item.title || item.item_id, text: translated?.text || item.text || "", lang };
}

export function number(value, digits = 0) {
  return new Intl.NumberFormat(language(), { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(
    value,
  );
}

export function moment(iso) {
  return iso ? new Date(iso).toLocaleString(language() === "zh" ? "zh-CN" : "en-GB") : "–";
}
