import { h, icon, setText } from "../dom.js";
import { Refresh } from "../refresh.js";
import { hashOf } from "../router.js";
import { plural } from "../text.js";

/** How many entries do not count, in the header; out of sight while there are none. */
export class QuarantineLink extends HTMLElement {
  #app;
  #stop = new AbortController();
  #refresh = new Refresh(() => this.#read(), 5000);
  #number = h("span");
  #link = h("a", { href: hashOf.quarantine() }, icon("quarantined"), this.#number);

  constructor(app) {
    super();
    this.#app = app;
  }

  connectedCallback() {
    this.hidden = true;
    this.append(this.#link);
    for (const type of ["event", "reset"])
      this.#app.live.addEventListener(type, () => this.#refresh.cue(), { signal: this.#stop.signal });
    this.#refresh.now();
  }

  disconnectedCallback() {
    this.#stop.abort();
    this.#refresh.stop();
  }

  async #read() {
    try {
      const { quarantined, waiting } = await this.#app.api.health();
      const count = quarantined + waiting;
      this.hidden = !count;
      setText(this.#number, count.toLocaleString("en"));
      const words = `${plural(count, "entry does", "entries do")} not count`;
      this.#link.title = words;
      this.#link.setAttribute("aria-label", `Quarantine: ${words}`);
    } catch {
      // the next cue asks again
    }
  }
}

customElements.define("quarantine-link", QuarantineLink);
