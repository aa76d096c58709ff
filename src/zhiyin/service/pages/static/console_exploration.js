// What exploring cost, day by day, and what it bought.
import { sparkline } from "./bars.js";
import { h } from "./element.js";
import { number, t } from "./language.js";

export function drawExploration(found) {
  if (!found) return [h("p", { class: "fact" }, t("c_x_none"))];
  return [...spent(found), ...bought(found.newcomers), ...looks(found.sights), ...beliefs(found.widths)];
}

function spent(found) {
  const facts = { lists: number(found.n_lists), explored: percent(found.explored, 1) };
  const days = found.days.filter((day) => day.lost);
  const costs = days.map((day) => Math.max(day.lost.value, 0));
  const ends = days.length > 1 && { first: days[0].day, last: days.at(-1).day, most: percent(Math.max(...costs), 2) };
  const omitted = Object.values(found.left_out).reduce((sum, n) => sum + n, 0);
  return [
    h("h3", {}, t("c_x_spent")),
    h("p", { class: "fact" }, h("strong", { "data-spent": found.lost?.value ?? "" }, share(found.lost)), " ", t("c_x_lost", facts)),
    found.budget !== null && h("p", { class: "fact" }, t("c_x_budget", { budget: percent(found.budget, 2) })),
    drawn(found.mixing),
    foretold(found.stages),
    omitted > 0 && h("p", { class: "fact warn" }, t("c_x_left_out", { n: number(omitted) })),
    ends && sparkline(costs.map((cost) => cost / (Math.max(...costs) || 1)), t("c_x_days", ends)),
    ends && h("p", { class: "soft small-print" }, t("c_x_days", ends)),
  ].filter(Boolean);
}

function drawn({ temperature, adaptive, coefficient, surprise }) {
  if (temperature === null && coefficient === null) return null;
  const at = temperature === null ? "" : t("c_x_temperature", { temperature: number(temperature, 3) });
  const facts = { coefficient: number(coefficient ?? 1, 2), surprise: number(Math.max(surprise ?? 0, 0), 2) };
  const mixed = coefficient === null ? "" : t(adaptive ? "c_x_mixed" : "c_x_not_mixed", facts);
  return h("p", { class: "fact", "data-mixing": coefficient ?? "" }, at, " ", mixed);
}

function foretold(stages) {
  if (!stages.length) return null;
  const known = stages.map((one) => t("c_x_stage", { known: number(one.known, 2), hours: number(one.after / 3600, 2) }));
  return h("p", { class: "fact", "data-stages": stages.length }, t("c_x_stages", { known: known.join(", ") }));
}

function bought(newcomers) {
  const { aim, n, n_there: there, median_hours: median, curve } = newcomers;
  if (!n) return [h("h3", {}, t("c_x_bought")), h("p", { class: "soft" }, t("c_x_no_new"))];
  const words = t("c_x_new", { there: number(there), n: number(n), aim: number(aim) });
  const when = median === null ? t("c_x_not_yet") : t("c_x_median", { hours: number(median, 1) });
  return [
    h("h3", {}, t("c_x_bought")),
    h("p", { class: "fact", "data-newcomers": n }, words, " ", when),
    ...(curve.length > 1 ? [sparkline([0, ...curve.map(([, part]) => part)], words)] : []),
  ];
}

function looks(sights) {
  const known = Object.entries(sights);
  if (!known.length) return [h("h3", {}, t("c_x_looks")), h("p", { class: "soft" }, t("c_x_no_clicks"))];
  const places = known[0][1].chance.map((_, place) => h("th", { scope: "col" }, place + 1));
  return [
    h("h3", {}, t("c_x_looks")),
    h(
      "div",
      { class: "scroll" },
      h(
        "table",
        { class: "grid-table sights" },
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("c_x_surface")), ...places)),
        h("tbody", {}, ...known.map(([name, sight]) => surface(name, sight))),
      ),
    ),
  ];
}

function surface(name, { chance, low, high, n_clicks: clicks }) {
  const between = (n) => `${number(low[n], 2)} – ${number(high[n], 2)}`;
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, name, h("small", {}, " ", t("c_x_clicks", { n: number(clicks) }))),
    ...chance.map((value, n) => h("td", { title: between(n) }, number(value, 2))),
  );
}

function beliefs(widths) {
  if (!widths.length) return [];
  const often = ({ least, most }) => (most === null ? `${least}+` : least === most ? `${least}` : `${least}–${most}`);
  return [
    h("h3", {}, t("c_x_sure")),
    h(
      "table",
      { class: "grid-table" },
      h("thead", {}, h("tr", {}, ...["c_x_shown", "c_items", "c_x_within"].map((name) => h("th", { scope: "col" }, t(name))))),
      h(
        "tbody",
        {},
        ...widths.map((one) =>
          h("tr", {}, h("th", { scope: "row" }, often(one)), h("td", {}, number(one.n_items)), h("td", {}, number(one.sd, 3))),
        ),
      ),
    ),
  ];
}

const percent = (part, digits) => `${number(100 * part, digits)} %`;

function share(lost) {
  return lost ? `${percent(lost.value, 2)} [${percent(lost.low, 2)}, ${percent(lost.high, 2)}]` : "?";
}
