// The question: asked again with every pause in typing, logged once when it is settled.
const PAUSE = 250; // milliseconds
const SETTLED = 1200; // milliseconds

export class Search {
  constructor(input, clear, changed) {
    this.input = input;
    this.clear = clear;
    this.changed = changed;
    this.text = "";
    this.logged = "";
    input.addEventListener("input", (event) => event.isComposing || this.#later());
    input.addEventListener("compositionend", () => this.#later());
    input.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#read();
      this.#settle();
    });
    clear.addEventListener("click", () => {
      input.value = "";
      this.#read();
      input.focus();
    });
  }

  #later() {
    clearTimeout(this.pausing);
    clearTimeout(this.settling);
    this.pausing = setTimeout(() => this.#read(), PAUSE);
    this.settling = setTimeout(() => this.#settle(), SETTLED);
  }

  #read() {
    clearTimeout(this.pausing);
    const text = this.input.value.trim();
    this.clear.hidden = !text;
    if (text === this.text) return;
    this.text = text;
    this.changed();
  }

  #settle() {
    clearTimeout(this.settling);
    if (!this.text || this.text === this.logged) return;
    this.logged = this.text;
    window.zhiyin.track("search", null, { text: this.text });
  }
}
