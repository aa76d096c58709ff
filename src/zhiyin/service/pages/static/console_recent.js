// The newest lists of the log.
import { h } from "./element.js";
import { moment, t } from "./language.js";

const NAMED = 4; // places that are spelled out

export function drawRecent(lists, explore) {
  if (!lists.length) return [h("p", { class: "soft" }, t("nothing"))];
  const heads = ["c_when", "c_who", "c_list", "c_mode", "c_policy", "c_place", "c_explored"];
  return [
    h(
      "table",
      { class: "grid-table recent" },
      h("thead", {}, h("tr", {}, ...heads.map((key) => h("th", { scope: "col" }, t(key))))),
      h("tbody", {}, ...lists.map((list) => listRow(list, explore))),
    ),
  ];
}

function listRow(list, explore) {
  const explored = list.items.filter((place) => place.explored).length;
  const who = list.user_id
    ? h("button", { class: "quiet link", type: "button", onclick: () => explore(list.user_id) }, short(list.user_id))
    : h("span", { class: "soft" }, t("c_nobody"));
  const asked = list.asked && h("q", {}, list.asked);
  return h(
    "tr",
    { "data-recommendation": list.recommendation_id },
    h("td", { class: "nowrap soft" }, moment(list.at)),
    h("td", { class: "nowrap" }, who),
    h("td", {}, list.scenario, " ", asked),
    h("td", { class: "nowrap" }, list.mode),
    h("td", {}, list.policy),
    h("td", { class: "titles" }, ...titles(list.items)),
    h("td", { class: "number" }, explored ? `${explored} / ${list.items.length}` : "–"),
  );
}

function titles(items) {
  const named = items.slice(0, NAMED).map((place) => h("span", { class: place.explored ? "place explored" : "place" }, place.title));
  const more = items.length - named.length;
  return more > 0 ? [...named, h("span", { class: "soft" }, `+${more}`)] : named;
}

export function short(id) {
  return id.length > 18 ? `${id.slice(0, 15)}…` : id;
}
