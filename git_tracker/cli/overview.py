"""What `tracker` alone prints: the verbs in groups, and where to read on."""

from collections.abc import Mapping

GROUPS = (
    ("Start", "init new"),
    ("Look", "list ready board show conflicts log"),
    ("Change", "status edit comment label assign link unlink resolve defer archive"),
    ("Work", "claim release finish"),
    ("Check", "agents audit verify quarantine identity trust"),
    ("Exchange", "sync import export"),
    ("Serve", "serve mcp"),
    ("Upkeep", "workspace doctor gc completion"),
)


def text(verbs: Mapping[str, tuple[str, str, str]]) -> str:
    """Return the overview."""
    lines = ["git-tracker: issues that live in your git repository, each change signed", ""]
    for heading, names in GROUPS:
        for number, name in enumerate(names.split()):
            lines.append(f"  {'' if number else heading:<10}{name:<12}{verbs[name][2]}")
    lines += [
        "",
        "`tracker VERB --help` says more and gives an example. Every verb takes --json",
        "and -C PATH. An id may be shortened to what is unique, at least 7 digits.",
        "",
        "You sign what you write; --as PERSON (or TRACKER_PERSON) names another person",
        "whose key is on this device. An agent in a shell sets TRACKER_AGENT=its-name:",
        "a session of its own under your key then signs each of its writes, and",
        "`tracker audit its-name` shows its trail.",
    ]
    return "\n".join(lines) + "\n"
