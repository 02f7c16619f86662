import { h } from "../dom.js";

const REPO = /(?:^|\s)repo:(\S+)(?=\s|$)/;

/** Narrows a page to one repository of a workspace, by `repo:NAME` in its query; hidden where there is but one tracker. */
export class RepositoryPicker extends HTMLElement {
  #app;
  #ask;
  #query = "";
  #stop = new AbortController();
  #select = h("select", {
    class: "repositories",
    "aria-label": "Repository",
    on: { change: () => this.#ask(within(this.#query, this.#select.value)) },
  });

  /** `ask(query)` is called with the query that the choice leads to. */
  constructor(app, ask) {
    super();
    this.#app = app;
    this.#ask = ask;
  }

  connectedCallback() {
    this.append(this.#select);
    this.#app.live.addEventListener("reset", () => this.#look(), { signal: this.#stop.signal });
    this.#fill();
  }

  disconnectedCallback() {
    this.#stop.abort();
  }

  show(query) {
    this.#query = query;
    this.#select.value = repositoryOf(query);
  }

  async #look() {
    const { repositories } = await this.#app.api.health().catch(() => this.#app);
    this.#app.repositories = repositories ?? [];
    this.#fill();
  }

  #fill() {
    const { repositories } = this.#app;
    this.hidden = !repositories.length;
    this.#select.replaceChildren(
      h("option", { value: "" }, "All repositories"),
      ...repositories.map(({ name, state, reason }) =>
        h("option", { value: name, title: reason }, state === "ok" ? name : `${name} (${state})`),
      ),
    );
    this.show(this.#query);
  }
}

/** `repositoryOf("repo:api label:bug")` is "api"; without one, or with several, it is empty. */
export function repositoryOf(query) {
  return query.match(REPO)?.[1] ?? "";
}

function within(query, name) {
  return [query.replace(REPO, " ").trim(), name && `repo:${name}`].filter(Boolean).join(" ");
}

customElements.define("repository-picker", RepositoryPicker);
