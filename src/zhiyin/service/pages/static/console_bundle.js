// The live bundle: what it is made of, how loud each channel is, what was measured, what was live before.
import { h, svg } from "./element.js";
import { moment, number, t } from "./language.js";

export function drawBundle(served) {
  const { manifest } = served;
  const { data } = manifest;
  const fitted = { items: number(data.n_items), users: number(data.n_users), events: number(data.n_events) };
  return [
    h("p", { class: "bundle-name" }, h("code", { title: served.name }, served.name.slice(0, 12))),
    h(
      "dl",
      { class: "facts" },
      fact(t("c_mode"), t(`c_mode_${manifest.mode}`)),
      fact(t("c_fitted_on"), t("c_fitted", fitted)),
      fact(t("c_channels"), manifest.channels.join(", ")),
      fact(t("c_policy"), served.policy),
      fact(t("c_encoder"), manifest.encoder),
    ),
    h("h3", {}, `${t("c_gates")} (${t(manifest.fusion_learned ? "c_gates_learned" : "c_gates_prior")})`),
    gates(served),
    h("h3", {}, t("c_history")),
    h("ol", { class: "publications" }, ...served.history.map(publication)),
    h(
      "details",
      {},
      h("summary", {}, t("c_recipe")),
      h(
        "pre",
        { tabindex: "0" },
        JSON.stringify({ recipe: manifest.recipe, versions: manifest.versions, licences: manifest.licences }, null, 2),
      ),
    ),
  ];
}

function fact(name, value) {
  return h("div", {}, h("dt", {}, name), h("dd", {}, value));
}

function gates(served) {
  const loudest = Math.max(0.01, ...served.gates.flatMap((gate) => [...gate.warm, ...gate.cold]));
  const heads = served.buckets.map((from, n) => (n + 1 === served.buckets.length ? `${from}+` : String(from)));
  return h(
    "div",
    { class: "scroll" },
    h(
      "table",
      { class: "grid-table gates" },
      h("caption", { class: "soft" }, t("c_history_of")),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("c_channel")), ...heads.map((n) => h("th", { scope: "col" }, n)))),
      h("tbody", {}, ...served.gates.map((gate) => gateRow(gate, loudest))),
    ),
  );
}

function gateRow(gate, loudest) {
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, gate.channel),
    ...gate.warm.map((value, n) =>
      h("td", { title: ofCold(gate, n) }, dial(value / loudest), number(value, 2)),
    ),
  );
}

function ofCold(gate, n) {
  return `${t("c_cold")}: ${number(gate.cold[n], 2)}, ${t("c_blank")}: ${number(gate.blank[n], 2)}`;
}

function dial(share) {
  return svg(
    "svg",
    { class: "dial", viewBox: "0 0 20 20", "aria-hidden": "true" },
    svg("rect", { x: 0, y: 20 - 20 * Math.max(share, 0), width: 20, height: 20 * Math.max(share, 0) }),
  );
}

/** What was measured of the live bundle. */
export function drawEvaluation({ measured }) {
  if (!measured) return [h("p", { class: "fact" }, t("c_not_measured"))];
  const { whole, metrics } = measured;
  const peers = Object.keys(whole.peers);
  const cell = (value) => (value === undefined ? "–" : number(value, 4));
  return [
    h("p", { class: "soft small-print" }, t("c_on", { words: measured.words, n: number(measured.n_users) })),
    h(
      "div",
      { class: "scroll" },
      h(
        "table",
        { class: "grid-table evaluation" },
        h("thead", {}, h("tr", {}, ...[t("c_metric"), t("c_ours"), ...peers.map(titled)].map((name) => h("th", { scope: "col" }, name)))),
        h(
          "tbody",
          {},
          ...metrics.map((metric) =>
            h(
              "tr",
              {},
              h("th", { scope: "row" }, metric),
              h("td", { class: "ours" }, cell(whole.ours[metric]), interval(whole, metric)),
              ...peers.map((peer) => h("td", {}, cell(whole.peers[peer][metric]))),
            ),
          ),
        ),
      ),
    ),
    h("ul", { class: "verdict" }, ...measured.verdict.map((sentence) => h("li", { class: "fact" }, sentence))),
  ];
}

/** A baseline as people call it. */
function titled(peer) {
  const key = `peer_${peer}`;
  return t(key) === key ? peer : t(key);
}

function interval(whole, metric) {
  const bounds = whole.interval[metric];
  if (!bounds) return null;
  return h("small", { class: "soft", title: t("c_interval") }, ` ${number(bounds[0], 4)} – ${number(bounds[1], 4)}`);
}

function publication(one) {
  return h("li", {}, h("code", {}, one.bundle.slice(0, 12)), ` ${one.reason} `, h("time", { class: "soft" }, moment(one.at)));
}
