// Reasons in words. The service says which channel and which items; here it becomes a half-sentence.
import { likes, named } from "./known.js";
import { reading, t } from "./language.js";

const SAID = 2; // reasons on a card
const VECTOR = "vector_"; // before the name of a vector that items bring along
const PICTURES = new Set(["image", "images", "picture", "photo", "cover", "poster"]);
const PEOPLE = new Set(["taste", "factors"]); // what people like you chose
const HOURS = new Set(["night", "morning", "noon", "afternoon", "evening"]);
const DAYS = new Set(["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]);
const SIMPLE = { popular: "reason_popular", evergreen: "reason_evergreen", quality: "reason_quality", fresh: "reason_fresh", repeat: "reason_repeat", own: "reason_own", cross: "reason_cross", learned: "reason_learned", latest: "reason_fresh", belief: "reason_belief", explore: "reason_explore", telling: "reason_telling" };
const WITH_ITEMS = {
  together: "reason_together",
  transition: "reason_next",
  sequence: "reason_next",
  words: "reason_words",
  meaning: "reason_reads",
  reader: "reason_reader",
  clicks: "reason_clicks",
  graph: "reason_graph",
};
const WITHOUT = {
  together: "reason_together_you",
  transition: "reason_next_you",
  sequence: "reason_next_you",
  taste: "reason_taste_you",
  factors: "reason_taste_you",
  words: "reason_reads_you",
  meaning: "reason_reads_you",
  reader: "reason_reader_you",
  clicks: "reason_clicks_you",
  graph: "reason_graph_you",
};

/** One line for a card: the largest reasons, in the order of their share. */
export function whyLine(place) {
  const said = [...new Set(place.reasons.map(words).filter(Boolean))].slice(0, SAID);
  if (place.explored) said.unshift(t("explored"));
  return (said.length ? said : [t("reason_none")]).join(" · ");
}

function words(reason) {
  const { channel } = reason;
  if (SIMPLE[channel]) return t(SIMPLE[channel]);
  if (channel === "wish_meaning") return t("reason_reads_wish");
  if (channel === "wish_words") return reason.words.length ? t("reason_matches", { words: quoted(reason.words) }) : null;
  if (channel === "profile") return reason.words.length ? t("reason_said", { words: quoted(reason.words) }) : null;
  if (channel === "context") return reason.words.length ? t("reason_context", { when: moment(reason.words) }) : null;
  if (channel === "clicks" && reason.words.length) return t("reason_written", { words: quoted(reason.words) });
  const sources = reason.items.filter(named);
  if (channel.startsWith(VECTOR)) return alike(channel.slice(VECTOR.length), sources);
  if (!sources.length) return WITHOUT[channel] ? t(WITHOUT[channel]) : null;
  if (reason.path && (reason.path.item === null || named(reason.path.item))) return path(reason.path, titles(sources));
  const key = PEOPLE.has(channel) ? (sources.every(likes) ? "reason_because" : "reason_chose") : WITH_ITEMS[channel];
  return key ? t(key, { items: titles(sources) }) : null;
}

/** The day first, then the hour, then what else is known of it: on Fridays, in the evening, device: phone. */
function moment(words) {
  const order = (word) => (DAYS.has(word) ? 0 : HOURS.has(word) ? 1 : 2);
  const said = (word) => (order(word) < 2 ? t(`on_${word}`) : t("on_other", { what: word }));
  return [...words].sort((one, other) => order(one) - order(other)).map(said).join(t("on_and"));
}

/** By a vector that both bring along: of a picture it says how things look. */
function alike(name, sources) {
  const key = PICTURES.has(name) ? "reason_looks" : "reason_vector";
  return sources.length ? t(key, { name, items: titles(sources) }) : t(`${key}_you`, { name });
}

/** What links the item to the one of the past: something both have, an item both are linked to, or each other. */
function path(found, items) {
  const values = { items, relation: spoken(found.relation) };
  if (found.entity !== null) return t("reason_graph_same", { ...values, entity: found.entity });
  if (found.item !== null) return t("reason_graph_item", { ...values, through: titles([found.item]) });
  if (found.outward === null) return t("reason_graph_each", values);
  return t(found.outward ? "reason_graph_from" : "reason_graph_to", values);
}

/** A relation as people say it: film.film.directed_by › born_in is directed by › born in. */
function spoken(relation) {
  const steps = relation.split(" › ").map((step) => step.split(".").at(-1) || step);
  return steps.join(" › ").replaceAll("_", " ");
}

function titles(itemIds) {
  return quote(reading(named(itemIds[0])).title); // the strongest; the opened item tells the rest
}

function quoted(list) {
  return list.slice(0, 3).map(quote).join(t("and"));
}

function quote(text) {
  return `“${text}”`;
}
