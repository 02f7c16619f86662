import { h } from "../dom.js";

/** What to do in a tracker without issues. */
export function emptyTracker() {
  return h(
    "section",
    { class: "empty" },
    h("h2", {}, "No issues yet"),
    h("p", {}, "Press ", h("kbd", {}, "c"), " to write the first one, or use the command line:"),
    h("pre", {}, h("code", {}, 'tracker new "Fix the login on a slow network"')),
    h("p", {}, "To let an agent work here, connect it over MCP:"),
    h("pre", {}, h("code", {}, "claude mcp add git-tracker -- tracker mcp")),
    h("p", { class: "quiet" }, "Everything agents and people do then appears here as it happens."),
  );
}
