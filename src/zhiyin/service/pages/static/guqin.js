// Seven strings behind the question: one is plucked whenever the visitor does something.
import { svg } from "./element.js";

const STRINGS = 7;
const WIDTH = 1200;
const LASTS = 1400; // milliseconds until a string is still
const calm = matchMedia("(prefers-reduced-motion: reduce)");

export class Guqin {
  constructor() {
    this.lines = Array.from({ length: STRINGS }, (_, n) => svg("path", { class: "string", d: at(n, 0, 0) }));
    this.element = svg(
      "svg",
      { class: "guqin", viewBox: `0 0 ${WIDTH} 140`, preserveAspectRatio: "none", "aria-hidden": "true" },
      ...this.lines,
    );
    this.next = 0;
  }

  /** Let the next string sound. */
  pluck() {
    if (calm.matches) return;
    const n = (this.next = (this.next + 3) % STRINGS);
    const from = performance.now();
    const swing = (now) => {
      const passed = (now - from) / LASTS;
      this.lines[n].setAttribute("d", at(n, passed < 1 ? 11 * (1 - passed) ** 2 : 0, passed));
      if (passed < 1) requestAnimationFrame(swing);
    };
    requestAnimationFrame(swing);
  }
}

/** String n, swinging in its second harmonic. */
function at(n, swing, passed) {
  const y = 14 + n * 19;
  const reach = swing * Math.cos(passed * 60);
  return `M0 ${y} Q${WIDTH / 4} ${y + 2 * reach} ${WIDTH / 2} ${y} T${WIDTH} ${y}`;
}
