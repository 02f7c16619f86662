"""The verbs that start a server. Everything heavy is imported here and nowhere else in the command line."""

from git_tracker.cli.call import Call
from git_tracker.cli.changing import seconds

SERVE = """\
tracker serve

Serves the live page, REST and MCP over HTTP, and prints the page's address.

  --host HOST             where to listen (127.0.0.1)
  --port PORT             on which port (8787; the next free one if it is
                          taken)
  --expose                listen where others can reach it, if --host is not
                          this machine alone
  --sync-every TIME       exchange with the remotes that often, such as 30s

Example: tracker serve --port 9000
"""


def serve(call: Call) -> None:
    from git_tracker.server import run

    port = call.number("port", -1, 0, 65535)
    run.serve(
        call.path,
        call.text("host"),
        port,
        call.person,
        expose=call.given("expose"),
        sync_every=seconds(call.text("sync-every")) if call.given("sync-every") else -1,
        keyring=call.keyring,
    )


MCP = """\
tracker mcp

Speaks MCP over standard input and output, for one agent's client to start.

Example: claude mcp add tracker -- tracker -C /path/to/repository mcp
"""


def mcp(call: Call) -> None:
    from git_tracker.server import run

    run.mcp_stdio(call.path, call.person)
