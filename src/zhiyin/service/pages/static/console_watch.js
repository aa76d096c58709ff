// The share of labels over time: what to look at is chosen, the answer is the public API's.
import { sparkline } from "./bars.js";
import { h } from "./element.js";
import { number, t } from "./language.js";

const PERIODS = ["day", "week", "month"];
const SOURCES = ["events", "items"];
const MOST_ALERTS = 20; // the newest of them

/** What to look at: one of the trained models, in steps, of whose texts. `asked` is what was chosen last. */
export function watchForm(models, asked, look) {
  const choice = (name, values, word) =>
    h(
      "label",
      {},
      t(`c_watch_${name}`),
      " ",
      h("select", { name }, ...values.map((value) => h("option", { value, selected: value === asked[name] }, word(value)))),
    );
  const form = h(
    "form",
    { class: "person-form", "data-watch-form": true },
    choice("model", models, (name) => name),
    choice("period", PERIODS, (value) => t(`c_watch_${value}`)),
    choice("source", SOURCES, (value) => t(`c_watch_${value}`)),
    h("button", { class: "button" }, t("c_look")),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    look(Object.fromEntries(new FormData(form)));
  });
  return form;
}

/** A row a label: its line in time, its newest share with the interval, and what was expected. */
export function drawWatch(watched) {
  const labels = new Map();
  for (const share of watched.shares) labels.set(share.label, [...(labels.get(share.label) ?? []), share]);
  const heads = ["c_watch_label", "c_watch_line", "c_watch_newest", "c_interval", "c_watch_expected"];
  const shown = [...labels].filter(([, shares]) => shares.some((share) => share.n));
  return [
    ...alerts(watched.shares.filter((share) => share.alert)),
    h(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": t("c_watch") },
      h(
        "table",
        { class: "grid-table watched" },
        h("thead", {}, h("tr", {}, ...heads.map((key) => h("th", { scope: "col" }, t(key))))),
        h("tbody", {}, ...shown.map(([label, shares]) => row(label, shares))),
      ),
    ),
    h("p", { class: "soft small-print" }, t("c_watch_texts", { n: number(watched.n_texts), undated: number(watched.undated) })),
  ];
}

function row(label, shares) {
  const last = shares.at(-1);
  const line = t("c_watch_from", { label, from: day(shares[0]), to: day(last) });
  return h(
    "tr",
    { "data-watched": label },
    h("th", { scope: "row" }, label),
    h("td", {}, sparkline(shares.map((share) => (100 * share.n) / share.total), line)),
    h("td", { class: "number nowrap" }, `${percent(last.n / last.total)} (${number(last.n)}/${number(last.total)})`),
    h("td", { class: "number nowrap" }, `${percent(last.low)} – ${percent(last.high)}`),
    h("td", { class: "number" }, last.expected === null ? "–" : percent(last.expected)),
  );
}

function alerts(found) {
  if (!found.length) return [h("p", { class: "fact good" }, t("c_watch_calm"))];
  const newest = [...found].sort((a, b) => (a.start < b.start ? 1 : -1)).slice(0, MOST_ALERTS);
  return newest.map((share) =>
    h(
      "p",
      { class: "fact warn", "data-alert": share.label },
      t("c_watch_alert", {
        day: day(share),
        label: share.label,
        share: percent(share.n / share.total),
        expected: percent(share.expected),
      }),
    ),
  );
}

function day(share) {
  return share.start.slice(0, 10);
}

function percent(value) {
  return `${number(100 * value, 1)} %`;
}
