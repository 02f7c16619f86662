import { h, icon } from "../dom.js";

const STAYS = 7000;

/** Short messages in the corner. Refusals show what is wrong and what would work. */
export class ToastStack extends HTMLElement {
  connectedCallback() {
    this.setAttribute("role", "region");
    this.setAttribute("aria-label", "Messages");
  }

  say(text, hint = "") {
    this.#show("info", text, hint);
  }

  /** Shows a Problem (or any error) that was not already handled elsewhere. */
  refuse(problem) {
    if (problem.name === "AbortError" || problem.status === 401) return;
    this.#show("problem", problem.message, problem.hint);
  }

  #show(kind, text, hint) {
    const toast = h(
      "div",
      { class: `toast ${kind}`, role: kind === "problem" ? "alert" : "status", data: { toast: kind } },
      icon(kind === "problem" ? "quarantined" : "check"),
      h("div", {}, h("p", {}, text), hint && h("p", { class: "hint" }, hint)),
      h(
        "button",
        { type: "button", class: "bare", "aria-label": "Dismiss", on: { click: () => toast.remove() } },
        icon("close"),
      ),
    );
    this.append(toast);
    while (this.childElementCount > 4) this.firstElementChild.remove();
    let timer = setTimeout(() => toast.remove(), STAYS);
    toast.addEventListener("pointerenter", () => clearTimeout(timer));
    toast.addEventListener("pointerleave", () => {
      timer = setTimeout(() => toast.remove(), STAYS / 2);
    });
  }
}

customElements.define("toast-stack", ToastStack);
