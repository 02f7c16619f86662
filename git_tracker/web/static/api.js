/** What the server answered instead of a result: one line what is wrong, one line what would work. */
export class Problem extends Error {
  constructor({ status = 0, title, detail, code = "", hint = "" }) {
    super(detail || title || `The server answered ${status}.`);
    this.status = status;
    this.code = code;
    this.hint = hint;
  }
}

const MOST_EVENTS = 5000;
const UNREACHABLE = {
  code: "unreachable",
  title: "The tracker does not answer.",
  hint: "Is `tracker serve` still running?",
};

/** The REST surface, one method per route. Every method throws `Problem`; an expired cookie also fires `unauthorized`. */
export class Api extends EventTarget {
  login(token) {
    return this.#send("POST", "/api/login", { token }, { quiet: true });
  }
  me() {
    return this.#send("GET", "/api/me", undefined, { quiet: true });
  }
  health() {
    return this.#send("GET", "/api/health");
  }

  issues({ q, limit = 50, cursor }, signal) {
    return this.#get("/api/issues", { q, limit, cursor }, signal);
  }
  board(q, signal) {
    return this.#get("/api/board", { q }, signal);
  }
  conflicts({ limit = 50, cursor }, signal) {
    return this.#get("/api/conflicts", { limit, cursor }, signal);
  }
  events({ since, limit, agent, issue }, signal) {
    return this.#get("/api/events", { since, limit, agent, issue }, signal);
  }
  agents(signal) {
    return this.#get("/api/agents", { limit: 500 }, signal);
  }
  /** `only` narrows it: `{issue, kind, since, until}`. */
  audit(id, only, cursor, signal) {
    return this.#get(`/api/agents/${encodeURIComponent(id)}/audit`, { ...only, limit: 200, cursor }, signal);
  }
  verify(id) {
    return this.#send("POST", `/api/agents/${encodeURIComponent(id)}/verify`, {});
  }
  quarantine(cursor, signal) {
    return this.#get("/api/quarantine", { cursor }, signal);
  }
  adopt(entries) {
    return this.#send("POST", "/api/quarantine/adopt", { entries });
  }

  /** One issue and the ETag that names the heads it was folded from. */
  async issue(id, signal) {
    const response = await this.#fetch("GET", issuePath(id), undefined, { signal });
    return { issue: await response.json(), etag: response.headers.get("ETag") };
  }

  /** All events of one issue, oldest first. */
  async history(id, signal) {
    const events = [];
    let cursor;
    do {
      const page = await this.#get(`${issuePath(id)}/history`, { cursor }, signal);
      events.push(...page.items);
      cursor = page.next;
    } while (cursor && events.length < MOST_EVENTS);
    return events;
  }

  create(fields) {
    return this.#send("POST", "/api/issues", fields);
  }
  change(id, fields, etag) {
    return this.#send("PATCH", issuePath(id), fields, { etag });
  }
  comment(id, body) {
    return this.#send("POST", `${issuePath(id)}/comments`, { body });
  }
  claim(id) {
    return this.#send("POST", `${issuePath(id)}/claim`, {});
  }
  release(id) {
    return this.#send("POST", `${issuePath(id)}/release`, {});
  }
  /** `answer` is `{field, value}` or `{field, take}`. */
  resolve(id, answer, etag) {
    return this.#send("POST", `${issuePath(id)}/resolve`, answer, { etag });
  }

  #get(path, params, signal) {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(params))
      if (value !== undefined && value !== null && value !== "") search.set(name, value);
    return this.#send("GET", search.size ? `${path}?${search}` : path, undefined, { signal });
  }

  async #send(method, path, body, options) {
    const response = await this.#fetch(method, path, body, options);
    return response.status === 204 ? null : response.json();
  }

  async #fetch(method, path, body, { signal, etag, quiet } = {}) {
    const headers = { Accept: "application/json" };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (etag) headers["If-Match"] = etag;
    let response;
    try {
      response = await fetch(path, {
        method,
        headers,
        signal,
        credentials: "same-origin",
        cache: "no-store",
        body: body === undefined ? undefined : JSON.stringify(body),
      });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Problem(UNREACHABLE);
    }
    if (response.ok) return response;
    const problem = new Problem({
      status: response.status,
      title: response.statusText,
      ...(await response.json().catch(() => ({}))),
    });
    if (response.status === 401 && !quiet) this.dispatchEvent(new Event("unauthorized"));
    throw problem;
  }
}

function issuePath(id) {
  return `/api/issues/${encodeURIComponent(id)}`;
}
