// Reasons in words. The service says which channel and which items; here it becomes a half-sentence.
import { likes, named } from "./known.js";
import { reading, t } from "./language.js";

const SAID = 2; // reasons on a card
const SIMPLE = { popular: "reason_popular", quality: "reason_quality", fresh: "reason_fresh", repeat: "reason_repeat", own: "reason_own", latest: "reason_fresh" };
const WITH_ITEMS = { together: "reason_together", words: "reason_words", meaning: "reason_reads" };
const WITHOUT = {
  together: "reason_together_you",
  taste: "reason_taste_you",
  words: "reason_reads_you",
  meaning: "reason_reads_you",
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
  const sources = reason.items.filter(named);
  if (!sources.length) return WITHOUT[channel] ? t(WITHOUT[channel]) : null;
  const key = channel === "taste" ? (sources.every(likes) ? "reason_because" : "reason_chose") : WITH_ITEMS[channel];
  return key ? t(key, { items: titles(sources) }) : null;
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
