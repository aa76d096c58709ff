// The console: shows its own read-only answers. Where the service wants a key, the browser asked for it already.
import { drawBundle, drawEvaluation } from "./console_bundle.js";
import { drawExploration } from "./console_exploration.js";
import { drawHealth } from "./console_health.js";
import { drawLabels } from "./console_labels.js";
import { drawPerson } from "./console_person.js";
import { drawRecent } from "./console_recent.js";
import { drawWatch, watchForm } from "./console_watch.js";
import { h } from "./element.js";
import { listen, t } from "./language.js";

const EVERY = 15000; // milliseconds between two looks at what is new
const byId = (id) => document.getElementById(id);
const latest = {}; // the last answers, to draw them again in the other language

const look = (path) => asked(`/console/api/${path}`);

async function asked(address, options = {}) {
  const answer = await fetch(address, options);
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.detail || String(answer.status));
  return said;
}

const panels = {
  health: { path: "health", draw: drawHealth, at: byId("health") },
  bundle: { path: "bundle", draw: drawBundle, at: byId("bundle") },
  evaluation: { path: "bundle", draw: drawEvaluation, at: byId("evaluation") },
  exploration: { path: "exploration", draw: drawExploration, at: byId("exploration") },
  labels: { path: "labels", draw: (labels) => [...drawLabels(labels, decide), ...watching(labels)], at: byId("labels") },
  recent: { path: "recommendations", draw: (lists) => drawRecent(lists, explore), at: byId("recent") },
};

async function refresh(names = Object.keys(panels)) {
  await safely(() => Promise.all(names.map(show)));
}

async function show(name) {
  const { path, at } = panels[name];
  const said = JSON.stringify(await look(path));
  if (latest[name] === said) return; // nothing new: leave scrolling and open details alone
  latest[name] = said;
  at.replaceChildren(...panels[name].draw(JSON.parse(said)));
}

async function explore(userId) {
  byId("person").value = userId;
  await safely(async () => {
    latest.person = await look(`person?user_id=${encodeURIComponent(userId)}`);
    byId("explored").replaceChildren(...drawPerson(latest.person));
  });
}

async function decide(name, itemId, label) {
  await safely(async () => {
    await asked(`/v1/labels/${name}/decisions`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ item_id: itemId, label }),
    });
    await show("labels");
  });
}

/** The form and, once somebody asked, what was found; both stay when the panel is drawn again. */
function watching(labels) {
  const trained = labels.models.filter((model) => model.model).map((model) => model.name);
  if (!trained.length) return [];
  const found = h("div", { id: "watched", "aria-live": "polite" }, ...(latest.watched ? drawWatch(latest.watched) : []));
  return [h("h3", {}, t("c_watch")), watchForm(trained, latest.watch ?? { period: "week" }, watch), found];
}

async function watch(chosen) {
  await safely(async () => {
    const { model, ...choice } = chosen;
    latest.watch = chosen;
    latest.watched = await asked(`/v1/labels/${encodeURIComponent(model)}/watch?${new URLSearchParams(choice)}`);
    byId("watched").replaceChildren(...drawWatch(latest.watched));
  });
}

async function people() {
  const found = await look("people");
  byId("people").replaceChildren(...found.map((person) => h("option", { value: person.user_id })));
  if (found.length) await explore(found[0].user_id);
}

async function safely(work) {
  try {
    await work();
    byId("failed").hidden = true;
  } catch (error) {
    byId("failed").hidden = false;
    byId("failed-why").textContent = t("failed", { why: error.message });
  }
}

byId("person-form").addEventListener("submit", (event) => {
  event.preventDefault();
  explore(byId("person").value);
});
document.addEventListener("language", () => {
  for (const [name, { draw, at }] of Object.entries(panels))
    if (latest[name]) at.replaceChildren(...draw(JSON.parse(latest[name])));
  if (latest.person) byId("explored").replaceChildren(...drawPerson(latest.person));
});

listen();
await refresh();
await safely(people);
setInterval(() => document.hidden || refresh(["health", "recent"]), EVERY);
