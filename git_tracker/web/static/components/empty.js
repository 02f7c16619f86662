import { h } from "../dom.js";

/** What to do in a tracker without issues; who only reads has nothing to do. */
export function emptyTracker(me) {
  const toDo = [
    h("p", {}, "Press ", h("kbd", {}, "c"), " to write the first one, or use the command line:"),
    h("pre", {}, h("code", {}, `${me.command} new "Fix the login on a slow network"`)),
    h("p", {}, "To let an agent work here, connect it over MCP:"),
    connection(me),
  ];
  return h(
    "section",
    { class: "empty" },
    h("h2", {}, "No issues yet"),
    ...(me.command ? toDo : []),
    h("p", { class: "quiet" }, "Everything agents and people do then appears here as it happens."),
  );
}

/** The command that connects an agent to this tracker, for those who may know it. */
export function connection({ command }) {
  return command ? h("pre", {}, h("code", {}, `claude mcp add git-tracker -- ${command} mcp`)) : null;
}
