// Two policies side by side: their lists for one person, and what both earn before made-up people. Nothing is sent
// to the log: no card is marked, and no list that is shown here was stored.
import { cover } from "./cover.js";
import { h, svg } from "./element.js";
import { meet } from "./known.js";
import { listen, number, reading, t } from "./language.js";
import { raceCurves, raceTable } from "./policies_race.js";
import { whyLine } from "./reasons.js";

const SOON = 150; // milliseconds of rest after which a slider counts
const KNOCK_AGAIN = 1000; // milliseconds
const SIDES = ["left", "right"];
const byId = (id) => document.getElementById(id);
const state = { draw: 0, pair: null, steps: [], policies: null, running: null, asked: 0 };

/** What a side's dials say, as [policy] of zhiyin.toml has it. */
function policyOf(side) {
  const value = (name) => byId(`${side}-${name}`).value;
  return { name: value("name"), temperature: Number((10 ** value("temperature")).toPrecision(3)), floor: Number(value("floor")) };
}

function sayDials() {
  for (const side of SIDES) {
    const { name, temperature, floor } = policyOf(side);
    const dial = (what, shown, usable) => {
      const input = byId(`${side}-${what}`);
      input.disabled = !usable;
      input.setAttribute("aria-valuetext", shown);
      input.nextElementSibling.textContent = usable ? shown : "–";
    };
    dial("temperature", String(temperature), name === "softmax"); // that of budgeted is solved for
    dial("floor", percent(floor), name !== "greedy");
  }
}

const percent = (share) => `${number(100 * share, share < 0.0995 ? 1 : 0)} %`;

const both = () => Object.fromEntries(SIDES.map((side) => [side, JSON.stringify(policyOf(side))]));

async function asked(path, { signal, tries = 1 } = {}) {
  const answer = await fetch(`/console/api/policies/${path}`, { signal });
  if (answer.ok) return answer;
  if (answer.status === 503 && tries > 1) {
    await new Promise((done) => setTimeout(done, KNOCK_AGAIN)); // one that was stopped is just leaving
    return asked(path, { signal, tries: tries - 1 });
  }
  throw new Error((await answer.json()).detail || String(answer.status));
}

async function compare() {
  const mine = ++state.asked;
  const [kind, one] = byId("person").value.split(/:(.*)/s);
  const whom = kind === "made-up" ? { made_up: one } : kind === "user" ? { user_id: one } : {};
  await safely(async () => {
    const found = await (await asked(`pair?${new URLSearchParams({ ...both(), ...whom, draw: state.draw })}`)).json();
    if (mine !== state.asked) return; // a dial was moved meanwhile
    state.pair = found;
    drawPair();
  });
}

function drawPair() {
  const { sides, shared, loved } = state.pair;
  const ids = sides.map((side) => new Set(side.items.map((place) => place.item_id)));
  sides.forEach((side, n) => {
    const section = document.querySelector(`[data-side=${SIDES[n]}]`);
    const told = [t("p_told", { n: side.items.filter((place) => place.explored).length, of: side.items.length })];
    if (side.expected !== null) told.push(t("p_expected", { clicks: number(side.expected, 2) }));
    section.querySelector("[data-told]").textContent = told.join(" ");
    section.querySelector("ol").replaceChildren(...side.items.map((place) => card(place, !ids[1 - n].has(place.item_id))));
  });
  byId("loved").textContent = [
    loved.length ? t("p_loved", { titles: loved.join(t("on_and")) }) : "",
    t("p_shared", { n: shared, of: sides[0].items.length }),
  ].join(" ");
}

function card(place, only) {
  const item = meet(place);
  const { title, lang } = reading(item);
  const odds = [t("p_drawn", { share: percent(place.probability) })];
  if (place.want !== null) odds.push(t("p_wants", { share: percent(place.want) }));
  const bar = svg("rect", { x: 0, y: 0, height: 10, width: Math.max(100 * place.probability, 0.5) });
  return h(
    "li",
    { class: `place${only ? " only" : ""}`, "data-item": place.item_id, "data-probability": place.probability },
    cover(item),
    h("div", {}, h("b", { lang }, title), " ", place.explored && h("span", { class: "tries" }, t("explored"))),
    h(
      "p",
      { class: "odds" },
      svg("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" }, bar),
      h("span", {}, odds.join(" · ")),
    ),
    h("p", {}, whyLine({ ...place, explored: false })),
  );
}

/** Let people come, and draw the curves as the rounds go by; while they come the button stops it. */
async function race() {
  if (state.running) return state.running.abort();
  state.running = new AbortController();
  state.steps = [];
  state.policies = SIDES.map(policyOf);
  byId("run").textContent = t("p_stop");
  const progress = byId("progress");
  progress.hidden = false;
  progress.value = 0;
  const terms = Object.fromEntries(["people", "rounds", "seed"].map((name) => [name, byId(name).value]));
  await safely(async () => {
    const answer = await asked(`race?${new URLSearchParams({ ...both(), ...terms })}`, { signal: state.running.signal, tries: 5 });
    for await (const step of lines(answer.body)) {
      if (step.detail) throw new Error(step.detail);
      state.steps.push(step);
      progress.value = step.round / step.of;
      drawRace();
    }
  });
  state.running = null;
  byId("run").textContent = t("p_run");
  progress.hidden = true;
  drawRace();
}

async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    const parts = (rest + (value ?? "")).split("\n");
    rest = done ? "" : parts.pop();
    for (const line of parts) if (line.trim()) yield JSON.parse(line);
    if (done) return;
  }
}

function drawRace() {
  const { steps, policies } = state;
  const last = steps.at(-1);
  if (!last) return;
  byId("curves").replaceChildren(...raceCurves(steps));
  byId("numbers").replaceChildren(raceTable(last, policies));
  const regret = last.sides.map((side) => number(side.regret, 2));
  const done = !state.running;
  say(done ? t("p_done", { left: regret[0], right: regret[1] }) : t("p_round", { n: last.round, of: last.of }));
}

function say(text) {
  byId("status").textContent = text;
}

async function safely(work) {
  const failed = byId("failed");
  try {
    await work();
    failed.hidden = true;
  } catch (error) {
    if (error.name === "AbortError") return;
    failed.hidden = false;
    byId("failed-why").textContent = t("failed", { why: error.message });
  }
}

async function people() {
  const answer = await fetch("/console/api/people");
  const found = answer.ok ? await answer.json() : [];
  byId("person").append(...found.map((one) => h("option", { value: `user:${one.user_id}` }, one.user_id)));
}

function nameMadeUp() {
  for (const one of document.querySelectorAll("[data-made-up]")) one.textContent = t("p_made_up", { n: one.dataset.madeUp });
}

let resting = 0;
for (const dials of document.querySelectorAll(".dials")) {
  dials.addEventListener("submit", (event) => event.preventDefault());
  dials.addEventListener("input", () => {
    sayDials();
    clearTimeout(resting);
    resting = setTimeout(compare, SOON);
  });
}
byId("person").addEventListener("change", compare);
byId("whom").addEventListener("submit", (event) => {
  event.preventDefault();
  state.draw += 1;
  compare();
});
byId("race").addEventListener("submit", (event) => {
  event.preventDefault();
  race();
});
document.addEventListener("language", () => {
  nameMadeUp();
  sayDials();
  if (state.running) byId("run").textContent = t("p_stop");
  if (state.pair) drawPair();
  drawRace();
});

listen();
nameMadeUp();
for (const side of SIDES) {
  const own = byId(`${side}-temperature`);
  own.value = Math.log10(Number(own.dataset.own) || 0.1);
}
sayDials();
await Promise.all([people(), compare()]);
