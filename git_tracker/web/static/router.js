/**
 * Hash routes, so that one served page is every deep link: `#/board?q=…`, `#/list?q=…`, `#/issue/<id>`, `#/activity`,
 * `#/agents`, `#/agents/<id>`, `#/quarantine`. Fires `route` with `{name, id, params}`.
 */
export class Router extends EventTarget {
  #listening = false;

  start() {
    if (!this.#listening) addEventListener("hashchange", () => this.#announce());
    this.#listening = true;
    this.#announce();
  }

  get current() {
    return parse(location.hash);
  }

  go(hash) {
    if (location.hash === hash) this.#announce();
    else location.hash = hash;
  }

  /** Changes the address without a new step in the history (typing in a filter). */
  replace(hash) {
    history.replaceState(null, "", hash);
    this.#announce();
  }

  #announce() {
    this.dispatchEvent(new CustomEvent("route", { detail: this.current }));
  }
}

export const hashOf = {
  board: (q) => withQuery("#/board", { q }),
  list: (q, tab) => withQuery("#/list", { q, tab }),
  issue: (id) => `#/issue/${encodeURIComponent(id)}`,
  activity: (params) => withQuery("#/activity", params ?? {}),
  agents: () => "#/agents",
  quarantine: () => "#/quarantine",
  agent: (id) => `#/agents/${encodeURIComponent(id)}`,
};

/** `parse("#/issue/ab?x=1")` is `{name: "issue", id: "ab", params: URLSearchParams}`; anything unknown is the board. */
export function parse(hash) {
  const [path, search = ""] = hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  const [name, id = ""] = path.split("/");
  const params = new URLSearchParams(search);
  if (!["board", "list", "issue", "activity", "agents", "quarantine"].includes(name) || (name === "issue" && !id))
    return { name: "board", id: "", params };
  return { name, id: decode(id), params };
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function withQuery(path, params) {
  const search = new URLSearchParams(Object.entries(params).filter(([, value]) => value));
  return search.size ? `${path}?${search}` : path;
}
