// One person: the past, what each channel alone would show, and what all together show, side by side.
import { partName } from "./bars.js";
import { h } from "./element.js";
import { moment, number, t } from "./language.js";

export function drawPerson(person) {
  const fused = person.fused.map((place) => ({ ...place, title: person.titles[place.item_id] }));
  const where = new Map(fused.map((place, n) => [place.item_id, n + 1]));
  return [
    h("p", { class: "soft small-print" }, `${t("c_mode")}: ${t(`c_mode_${person.mode}`)}`),
    h(
      "div",
      { class: "columns scroll", tabindex: "0", role: "group", "aria-label": t("c_person") },
      past(person.history),
      column(t("c_fused"), fused, where, "fused"),
      ...Object.entries(person.channels).map(([name, places]) => column(partName(name), places, where, name, name)),
    ),
  ];
}

function past(history) {
  return h(
    "section",
    { class: "column past" },
    h("h3", {}, t("c_past")),
    history.length
      ? h(
          "ul",
          {},
          ...visits(history).map((deeds) =>
            h(
              "li",
              {},
              deeds[0].title,
              " ",
              ...[...new Set(deeds.map((deed) => deed.type))].map((type) => h("span", { class: `deed ${type}` }, type)),
              h("small", { class: "soft" }, moment(deeds[0].at)),
            ),
          ),
        )
      : h("p", { class: "soft" }, t("c_past_none")),
  );
}

/** What was done with one item after another, together. */
function visits(history) {
  const found = [];
  for (const deed of history) {
    if (found.at(-1)?.[0].item_id === deed.item_id) found.at(-1).push(deed);
    else found.push([deed]);
  }
  return found;
}

/** A list; items that are in the fused list too carry their place there. */
function column(title, places, where, name, code = null) {
  return h(
    "section",
    { class: name === "fused" ? "column fused" : "column", "data-channel": name },
    h("h3", {}, title, code && h("code", { class: "soft" }, ` ${code}`)),
    places.length
      ? h("ol", {}, ...places.map((place) => entry(place, name === "fused" ? null : where.get(place.item_id))))
      : h("p", { class: "soft" }, t("c_silent")),
  );
}

function entry(place, at) {
  return h(
    "li",
    { class: at ? "shared" : null },
    h("span", { class: place.explored ? "place explored" : "place" }, place.title),
    at && h("span", { class: "badge" }, `${at}`),
    h("small", { class: "soft" }, number(place.score, 3)),
  );
}
