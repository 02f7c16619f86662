import { h, icon } from "../dom.js";

const NEXT = { auto: "light", light: "dark", dark: "auto" };
const DRAWING = { auto: "auto", light: "sun", dark: "moon" };

/** One button through three themes: as the system, light, dark. Remembered in this browser. */
export class ThemeToggle extends HTMLElement {
  #button = h("button", {
    type: "button",
    class: "bare",
    data: { action: "theme" },
    on: { click: () => this.#turn() },
  });

  connectedCallback() {
    this.append(this.#button);
    this.#show();
  }

  get #theme() {
    return document.documentElement.dataset.theme ?? "auto";
  }

  #turn() {
    const theme = NEXT[this.#theme];
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem("git-tracker.theme", theme);
    } catch {
      /* storage is off: the choice lasts for this page only */
    }
    this.#show();
  }

  #show() {
    const label = `Theme: ${this.#theme}`;
    this.#button.replaceChildren(icon(DRAWING[this.#theme]));
    this.#button.title = label;
    this.#button.setAttribute("aria-label", label);
  }
}

customElements.define("theme-toggle", ThemeToggle);
