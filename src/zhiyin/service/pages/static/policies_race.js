// Curves and numbers of two policies before the same made-up people.
import { h, svg } from "./element.js";
import { number, t } from "./language.js";

const WIDTH = 320;
const HEIGHT = 170;
const EDGE = { left: 34, right: 8, top: 10, bottom: 20 };
const SIDES = ["left", "right"];

/** Regret added up, and clicks a list with what chance earns. */
export function raceCurves(steps) {
  const of = (name) => SIDES.map((side, n) => ({ side, values: steps.map((step) => step.sides[n][name]) }));
  const chance = { side: "rest", values: steps.map((step) => step.sides[0].chance) };
  return [
    plot(t("p_regret"), t("p_regret_about"), of("regret"), steps[0].of),
    plot(t("p_clicks"), t("p_clicks_about"), [chance, ...of("clicks")], steps[0].of),
  ];
}

/** The same after the last round, as numbers. */
export function raceTable(last, policies) {
  const columns = ["clicks", "best", "chance", "happened"];
  const row = (side, n) =>
    h(
      "tr",
      { "data-race": SIDES[n] },
      h("th", { scope: "row" }, named(policies[n])),
      h("td", { "data-regret": side.regret }, number(side.regret, 2)),
      ...columns.map((name) => h("td", {}, number(side[name], 2))),
      h("td", {}, `${number(100 * side.explored)} %`),
    );
  const heads = ["p_policy", "p_regret", "p_clicks", "p_best", "p_chance", "p_happened", "p_explored"];
  return h(
    "table",
    { class: "race-table" },
    h("thead", {}, h("tr", {}, ...heads.map((key) => h("th", { scope: "col" }, t(key))))),
    h("tbody", {}, ...last.sides.map(row)),
  );
}

function named({ name, temperature, floor }) {
  const dials = [name === "softmax" && temperature, name !== "greedy" && floor];
  return [name, ...dials.filter((dial) => dial !== false).map(String)].join(" · ");
}

function plot(title, about, drawn, rounds) {
  const top = Math.max(1e-9, ...drawn.flatMap(({ values }) => values)) * 1.06;
  const x = (n) => EDGE.left + ((WIDTH - EDGE.left - EDGE.right) * (n + 1)) / rounds;
  const y = (value) => HEIGHT - EDGE.bottom - ((HEIGHT - EDGE.top - EDGE.bottom) * value) / top;
  const line = (value) => svg("line", { class: "axis", x1: EDGE.left, x2: WIDTH - EDGE.right, y1: y(value), y2: y(value) });
  const text = (where, what, anchor) => svg("text", { ...where, "text-anchor": anchor }, what);
  const chart = svg(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title}: ${ends(drawn)}` },
    ...[0, top / 2, top].map(line),
    ...[0, top / 2, top].map((value) => text({ x: EDGE.left - 5, y: y(value) + 3 }, number(value, top < 10 ? 1 : 0), "end")),
    text({ x: x(0), y: HEIGHT - 5 }, "1", "middle"),
    text({ x: x(rounds - 1), y: HEIGHT - 5 }, String(rounds), "end"),
    ...drawn.map(({ side, values }) =>
      svg("polyline", { class: side, points: values.map((value, n) => `${x(n).toFixed(1)},${y(value).toFixed(1)}`).join(" ") }),
    ),
  );
  return h("figure", {}, h("figcaption", {}, h("b", {}, title), " ", h("span", { class: "soft" }, about)), chart);
}

function ends(drawn) {
  const named = { left: t("p_left"), right: t("p_right"), rest: t("p_chance") };
  return drawn.map(({ side, values }) => `${named[side]} ${number(values.at(-1), 2)}`).join(", ");
}
