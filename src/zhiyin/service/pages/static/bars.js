// Small charts as inline SVG; numbers stand beside every bar.
import { h, svg } from "./element.js";
import { number, t } from "./language.js";

const RULE = "rule:"; // before the name of a rule of the house
const VECTOR = "vector_"; // before the name of a vector that items bring along

/** The parts of a score as bars from a common zero, largest first, and the sum they make; `notes` say by part what
 * it came through. */
export function partsChart(parts, notes = {}) {
  const entries = Object.entries(parts).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
  const score = entries.reduce((sum, [, value]) => sum + value, 0);
  const low = Math.min(0, ...entries.map(([, value]) => value));
  const high = Math.max(0, score, ...entries.map(([, value]) => value));
  const row = (name, value, kind, note) => partRow({ name, value, kind, note }, low, high - low || 1);
  return h(
    "table",
    { class: "parts" },
    h("tbody", {}, ...entries.map(([name, value]) => row(partName(name), value, value < 0 ? "minus" : "plus", notes[name]))),
    h("tfoot", {}, row(t("why_score"), score, "sum")),
  );
}

/** A channel, or a rule of the house by its own name. */
export function partName(name) {
  if (name.startsWith(VECTOR)) return t("part_vector", { name: name.slice(VECTOR.length) });
  return name.startsWith(RULE) ? t("part_rule", { name: name.slice(RULE.length) }) : t(`part_${name}`);
}

function partRow({ name, value, kind, note }, low, span) {
  const bar = svg("rect", {
    class: kind,
    x: (100 * (Math.min(value, 0) - low)) / span,
    width: Math.max((100 * Math.abs(value)) / span, 0.6),
    y: 1,
    height: 8,
  });
  const zero = svg("line", { class: "zero", x1: (-100 * low) / span, x2: (-100 * low) / span, y1: 0, y2: 10 });
  return h(
    "tr",
    { "data-part-value": value },
    h("th", { scope: "row" }, name, note && h("small", {}, note)),
    h(
      "td",
      { class: "bar" },
      svg("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" }, bar, zero),
    ),
    h("td", { class: "number" }, (value > 0 ? "+" : "") + number(value, 3)),
  );
}

/** Counts as bars with their numbers: [[name, count], …]. */
export function countBars(entries) {
  const most = Math.max(1, ...entries.map(([, count]) => count));
  return h(
    "table",
    { class: "parts counts" },
    h(
      "tbody",
      {},
      ...entries.map(([name, count]) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, name),
          h(
            "td",
            { class: "bar" },
            svg(
              "svg",
              { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
              svg("rect", { class: "plus", x: 0, y: 1, height: 8, width: Math.max((100 * count) / most, 0.6) }),
            ),
          ),
          h("td", { class: "number" }, number(count)),
        ),
      ),
    ),
  );
}

/** A line of values in time, with its ends named for those who cannot see it. */
export function sparkline(values, label) {
  const most = Math.max(1, ...values);
  const x = (n) => (values.length > 1 ? (n * 200) / (values.length - 1) : 100);
  const points = values.map((value, n) => `${x(n).toFixed(1)},${(38 - (34 * value) / most).toFixed(1)}`);
  return svg(
    "svg",
    { class: "spark", viewBox: "0 0 200 40", preserveAspectRatio: "none", role: "img", "aria-label": label },
    svg("polygon", { class: "under", points: `0,40 ${points.join(" ")} 200,40` }),
    svg("polyline", { class: "over", points: points.join(" ") }),
  );
}
