"""`tracker VERB …`: the table of verbs and the way into one. Imports only `sys`, so that a verb pays for nothing else."""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# verb: (module, function, what it does). The function's page, in capitals beside it, is its help and its grammar.
VERBS: "Mapping[str, tuple[str, str, str]]" = {
    "init": ("identity", "init", "prepare the repository and your key"),
    "new": ("changing", "new", "create an issue"),
    "list": ("finding", "list_", "find issues"),
    "ready": ("finding", "ready", "what can be begun now"),
    "board": ("finding", "board", "a column for each status"),
    "show": ("finding", "show", "one issue in full"),
    "status": ("changing", "status", "move an issue to another status"),
    "comment": ("changing", "comment", "add a comment"),
    "edit": ("editing", "edit", "change title, description and fields"),
    "label": ("changing", "label", "add and remove labels"),
    "assign": ("changing", "assign", "say who is to do it"),
    "link": ("changing", "link", "link an issue to another"),
    "unlink": ("changing", "unlink", "remove a link"),
    "archive": ("changing", "archive", "put an issue out of sight"),
    "defer": ("changing", "defer", "not ready before a day"),
    "claim": ("working", "claim", "take an issue, or the best ready one"),
    "release": ("working", "release", "give a claim back"),
    "finish": ("working", "finish", "done, with what proves it"),
    "log": ("trail", "log", "what happened, newest last"),
    "agents": ("trail", "agents", "who worked here"),
    "audit": ("auditing", "audit", "everything one agent did, and by whose leave"),
    "verify": ("auditing", "verify", "check every signature, chain and ref"),
    "quarantine": ("auditing", "quarantine", "entries that did not take effect"),
    "conflicts": ("conflicting", "conflicts", "concurrent values that wait for a choice"),
    "resolve": ("conflicting", "resolve", "settle a conflict"),
    "identity": ("identity", "identity", "your key, and the keys git needs"),
    "trust": ("trusting", "trust", "members, sessions and what was revoked"),
    "sync": ("exchanging", "sync", "exchange with remotes"),
    "import": ("carrying", "import_", "bring issues in from another tracker"),
    "export": ("carrying", "export", "write all issues in another format"),
    "serve": ("serving", "serve", "the live page, REST and MCP over HTTP"),
    "mcp": ("serving", "mcp", "MCP over standard input and output"),
    "workspace": ("workspaces", "workspace", "several repositories as one"),
    "doctor": ("upkeep", "doctor", "look for what is wrong, and mend it"),
    "gc": ("upkeep", "gc", "pack what became many small files"),
    "completion": ("upkeep", "completion", "completion for your shell"),
}


def main(argv: "Sequence[str] | None" = None) -> int:
    """Run one command and return its exit code; `sys.argv` is used unless `argv` is given."""
    from git_tracker.cli.call import run

    return run(VERBS, sys.argv[1:] if argv is None else list(argv))


def program() -> None:
    """Be the command `tracker`: run, and end at once.

    Everything is closed and flushed by then, and to take the interpreter apart takes as long as half its start. Whoever
    asked to be called at exit, has threads at work or cannot be rid of what was printed ends as usual.
    """
    import gc
    import os

    gc.set_threshold(20_000)  # of 700 new objects each, dozens of collections would walk through what imports leave
    code = main()
    threads = sys.modules.get("threading")
    try:
        if "atexit" not in sys.modules and (threads is None or threads.active_count() == 1):
            for stream in filter(None, (sys.stdout, sys.stderr)):
                stream.flush()
            os._exit(code)
    except (OSError, ValueError):  # Python tries again and says what is lost
        pass
    sys.exit(code)


if __name__ == "__main__":
    program()
