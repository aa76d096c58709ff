// How the data is.
import { countBars, sparkline } from "./bars.js";
import { h } from "./element.js";
import { moment, number, t } from "./language.js";

const FIGURES = ["items", "users", "events", "recommendations", "relations", "aliases"];

export function drawHealth(health) {
  const types = Object.entries(health.types).sort((a, b) => b[1] - a[1]);
  return [
    h(
      "dl",
      { class: "figures" },
      ...FIGURES.filter((name) => name in health.counts).map((name) =>
        h("div", {}, h("dt", {}, t(`c_${name}`)), h("dd", { "data-count": name }, number(health.counts[name]))),
      ),
    ),
    h("p", { class: "fact" }, h("span", { class: "soft" }, t("c_last_event")), " ", moment(health.last_event)),
    unknown(health),
    ...days(health.days),
    h("h3", {}, t("c_by_type")),
    types.length ? countBars(types) : h("p", { class: "soft" }, t("nothing")),
  ];
}

function unknown(health) {
  if (!health.unknown_items) return h("p", { class: "fact good" }, t("c_unknown_none"));
  const examples = health.unknown_examples.slice(0, 3).join(", ");
  return h("p", { class: "fact warn" }, t("c_unknown", { n: number(health.unknown_items), examples }));
}

function days(days) {
  if (days.length < 2) return [];
  const counts = days.map((day) => day.events);
  const words = t("c_days", { first: days[0].day, last: days.at(-1).day, most: number(Math.max(...counts)) });
  return [h("h3", {}, t("c_by_day")), sparkline(counts, words), h("p", { class: "soft small-print" }, words)];
}
