// A cover for an item without a picture: seven strings of a guqin, sounding in a way that is the item's own.
import { h, svg } from "./element.js";
import { reading } from "./language.js";

const WIDTH = 240;
const HEIGHT = 150;
const STRINGS = 7;
const INKS = 8; // colours in the style sheet

/** The item's picture, or its drawn cover; the same item always gets the same one. */
export function cover(item) {
  const picture = window.zhiyin.safeLink(item.image);
  if (!picture) return drawn(item);
  const image = h("img", { class: "cover", src: picture, alt: "", loading: "lazy", referrerpolicy: "no-referrer" });
  image.addEventListener("error", () => image.replaceWith(drawn(item)), { once: true });
  return image;
}

function drawn(item) {
  const random = numbers(item.item_id);
  const ink = numbers(item.categories?.[0] || item.item_id)() % INKS;
  const strings = [];
  for (let n = 0; n < STRINGS; n++) strings.push(string(24 + n * 17, random));
  return svg(
    "svg",
    {
      class: `cover drawn ink-${ink}`,
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      preserveAspectRatio: "xMidYMid slice",
      "aria-hidden": "true",
      focusable: "false",
    },
    svg("circle", { class: "moon", cx: 40 + (random() % 160), cy: 30 + (random() % 60), r: 22 + (random() % 26) }),
    ...strings,
    svg("text", { class: "initial", x: 16, y: HEIGHT - 18 }, initial(item)),
  );
}

/** One string between its two ends: at rest, or swinging in one of its harmonics. */
function string(y, random) {
  const swing = random() % 3 === 0 ? 0 : 3 + (random() % 11);
  const harmonic = 1 + (random() % 5);
  const wave = (sign) =>
    Array.from({ length: 41 }, (_, n) => {
      const x = (n * WIDTH) / 40;
      return `${n ? "L" : "M"}${x} ${(y + sign * swing * Math.sin((harmonic * Math.PI * x) / WIDTH)).toFixed(1)}`;
    }).join("");
  const still = !swing && svg("path", { class: "string", d: wave(0) });
  return still || svg("path", { class: "string sounding", d: wave(1) + wave(-1) });
}

function initial(item) {
  const title = reading(item).title.replace(/^(the|a|an)\s+/i, "");
  return [...title].find((sign) => /[\p{L}\p{N}]/u.test(sign))?.toUpperCase() || "·";
}

/** A stream of whole numbers that depends on the text alone (FNV-1a, then xorshift). */
function numbers(text) {
  let state = 2166136261;
  for (const sign of text) state = Math.imul(state ^ sign.codePointAt(0), 16777619) >>> 0;
  state ||= 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state >>> 8;
  };
}
