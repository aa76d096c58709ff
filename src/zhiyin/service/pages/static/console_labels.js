// Label models, and what a person is asked: items whose harm is uncertain.
import { h } from "./element.js";
import { moment, number, t } from "./language.js";

const OTHERS = 6; // labels that are no harm and offered as buttons

export function drawLabels(labels, decide) {
  document.getElementById("labels-panel").hidden = !labels.models.length;
  const queues = Object.entries(labels.queues);
  return [models(labels.models), ...queues.flatMap(([name, items]) => queue(labels.models.find((one) => one.name === name), items, decide))];
}

function models(models) {
  const heads = ["c_label_model", "c_made", "c_examples", "c_label_count", "c_accuracy", "c_macro_f1", "c_calibration"];
  return h(
    "table",
    { class: "grid-table labels" },
    h("thead", {}, h("tr", {}, ...heads.map((key) => h("th", { scope: "col" }, t(key))))),
    h("tbody", {}, ...models.map(modelRow)),
  );
}

function modelRow(model) {
  const share = (value) => (value === null ? "–" : value.toFixed(3));
  return h(
    "tr",
    { "data-label-model": model.name },
    h("td", {}, model.name),
    h("td", { class: "nowrap soft" }, model.made ? moment(model.made) : t("c_not_trained")),
    h("td", { class: "number" }, number(model.n_examples)),
    h("td", { class: "number" }, number(model.labels.length)),
    ...[model.accuracy, model.macro_f1, model.calibration_error].map((value) => h("td", { class: "number" }, share(value))),
  );
}

function queue(model, items, decide) {
  const title = h("h3", {}, t("c_review", { name: model.name }));
  if (!items.length) return [title, h("p", { class: "fact good" }, t("c_review_none"))];
  const fine = model.labels.filter((label) => !model.harmful.includes(label)).slice(0, OTHERS);
  const row = (item) =>
    h(
      "li",
      { "data-review": item.item_id },
      h("p", {}, h("strong", {}, item.title || item.item_id), " ", h("span", { class: "soft" }, t("c_harm", { p: item.harm.toFixed(2) }))),
      h("p", { class: "soft" }, item.text.slice(0, 300)),
      h(
        "p",
        {},
        ...[...fine, ...model.harmful].map((label) =>
          h("button", { class: "button", type: "button", onclick: () => decide(model.name, item.item_id, label) }, t("c_it_is", { label })),
        ),
      ),
    );
  return [title, h("ul", { class: "review" }, ...items.map(row))];
}
