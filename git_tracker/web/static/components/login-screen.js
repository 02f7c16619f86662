import { h } from "../dom.js";

/** Shown without a valid cookie. `enter(token)` signs in or throws a Problem. */
export class LoginScreen extends HTMLElement {
  #reason;
  #enter;

  constructor(reason, enter) {
    super();
    this.#reason = reason;
    this.#enter = enter;
  }

  connectedCallback() {
    document.title = "Sign in · git-tracker";
    const field = h("input", {
      id: "token",
      name: "token",
      type: "password",
      autocomplete: "off",
      spellcheck: "false",
      required: true,
      placeholder: "Token or the whole address",
      "aria-describedby": "login-says",
    });
    const says = h("p", { id: "login-says", class: "says", role: "status" }, this.#reason);
    const button = h("button", { type: "submit", class: "primary" }, "Open");
    const form = h(
      "form",
      {
        novalidate: true,
        on: {
          submit: (event) => {
            event.preventDefault();
            this.#submit(field, says, button);
          },
        },
      },
      h("label", { for: "token" }, "Token"),
      h("div", { class: "row" }, field, button),
      says,
    );
    this.append(
      h(
        "main",
        { class: "login" },
        h("img", { src: "/static/icon.svg", alt: "", width: "48", height: "48" }),
        h("h1", {}, "git-tracker"),
        h(
          "p",
          {},
          "Open the address that ",
          h("code", {}, "tracker serve"),
          " printed. It carries the token that signs you in, and this page remembers it.",
        ),
        form,
        h("p", { class: "quiet" }, "Nothing leaves this machine: the page talks only to the tracker that served it."),
      ),
    );
    field.focus();
  }

  async #submit(field, says, button) {
    const text = field.value.trim();
    const token = text.match(/[#?&]token=([^&\s]+)/)?.[1] ?? text;
    if (!token) {
      says.textContent = "Paste the token first.";
      return;
    }
    button.disabled = true;
    try {
      await this.#enter(decodeURIComponent(token));
    } catch (problem) {
      says.textContent =
        problem.code === "unreachable"
          ? `${problem.message} ${problem.hint}`
          : "This token is not valid here. Look again at the address tracker serve printed.";
      button.disabled = false;
      field.select();
    }
  }
}

customElements.define("login-screen", LoginScreen);
