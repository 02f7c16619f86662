const FIRST_PAUSE = 400;
const LONGEST_PAUSE = 15_000;
const SILENT_FAILURES_BEFORE_SSE = 2;
const REMEMBERED = 4000;

/**
 * The one class that listens to the server. WebSocket first, server-sent events if that never opens, then again with pauses.
 * Fires: `event` (detail: Event), `reset` (detail: reason; read everything again), `presence` (detail: people),
 * `state` (detail: "websocket" | "sse" | "connecting"). It resumes by cursor and shows no event twice.
 */
export class Live extends EventTarget {
  #cursor = null;
  #seen = new Set();
  #socket = null;
  #source = null;
  #timer = 0;
  #pause = FIRST_PAUSE;
  #failures = 0;
  #running = false;
  #here = { viewing: null, editing: null };

  state = "connecting";
  people = [];
  me = null; // this connection, as the server calls it

  constructor() {
    super();
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.#hurry();
    });
  }

  start(cursor) {
    this.stop();
    this.#cursor = cursor ?? null;
    this.#running = true;
    this.#connect();
  }

  stop() {
    this.#running = false;
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#drop();
  }

  /** Tells everybody which issue this person looks at (null: none). */
  viewing(issue) {
    this.#tell("viewing", issue);
  }

  /** Tells everybody which issue this person is changing (null: none). */
  editing(issue) {
    this.#tell("editing", issue);
  }

  #connect() {
    this.#timer = 0;
    if (this.#failures >= SILENT_FAILURES_BEFORE_SSE) this.#openSource();
    else this.#openSocket();
  }

  #openSocket() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = (this.#socket = new WebSocket(`${scheme}//${location.host}/ws${this.#since()}`));
    let greeted = false;
    socket.onmessage = ({ data }) => {
      if (socket !== this.#socket) return;
      if (!greeted) {
        greeted = true;
        this.#connected("websocket");
        for (const [type, issue] of Object.entries(this.#here)) if (issue) this.#post(type, issue);
      }
      this.#take(JSON.parse(data));
    };
    socket.onclose = () => {
      if (socket !== this.#socket) return;
      if (!greeted) this.#failures += 1;
      this.#lost();
    };
  }

  #openSource() {
    const source = (this.#source = new EventSource(`/events${this.#since()}`));
    source.addEventListener("hello", () => this.#connected("sse"));
    source.addEventListener("event", ({ data }) => {
      this.#connected("sse");
      this.#take({ type: "event", event: JSON.parse(data) });
    });
    source.addEventListener("reset", ({ data }) => this.#take({ type: "reset", ...JSON.parse(data) }));
    source.onerror = () => {
      if (source !== this.#source) return;
      this.#failures = 0; // the next round starts with the WebSocket again
      this.#lost();
    };
  }

  #take(message) {
    if (message.type === "event") this.#takeEvent(message.event);
    else if (message.type === "reset") {
      this.#cursor = message.cursor ?? null;
      this.#seen.clear();
      this.#fire("reset", message.reason ?? "");
    } else if (message.type === "presence") this.#fire("presence", (this.people = message.people ?? []));
    else if (message.type === "hello") {
      this.#cursor ??= message.cursor;
      this.me = message.me ?? null;
    }
  }

  #takeEvent(event) {
    this.#cursor = event.cursor;
    const key = `${event.cursor} ${event.entry} ${event.type} ${event.summary}`; // one entry may hold several events
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    if (this.#seen.size > REMEMBERED) this.#seen.delete(this.#seen.values().next().value);
    this.#fire("event", event);
  }

  #connected(state) {
    this.#pause = FIRST_PAUSE;
    if (state === "websocket") this.#failures = 0;
    this.#become(state);
  }

  #lost() {
    this.#drop();
    if (!this.#running) return;
    this.#become("connecting");
    this.#fire("presence", (this.people = []));
    this.#timer = setTimeout(() => this.#connect(), this.#pause * (0.75 + Math.random() / 2));
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
  }

  #hurry() {
    if (!this.#running || !this.#timer) return;
    clearTimeout(this.#timer);
    this.#connect();
  }

  #drop() {
    const [socket, source] = [this.#socket, this.#source];
    this.#socket = this.#source = null;
    socket?.close();
    source?.close();
  }

  #tell(type, issue) {
    if (this.#here[type] === issue) return;
    this.#here[type] = issue;
    this.#post(type, issue);
  }

  #post(type, issue) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify({ type, issue }));
  }

  #since() {
    return this.#cursor ? `?since=${encodeURIComponent(this.#cursor)}` : "";
  }

  #become(state) {
    if (this.state === state) return;
    this.state = state;
    this.#fire("state", state);
  }

  #fire(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
