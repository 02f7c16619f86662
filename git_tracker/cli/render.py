"""Answers for a terminal that shows colours: the only home of rich. What is said is the same as in `plain`.

Text goes in as `Text`, never as markup, and only after `escape`.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from git_tracker.cli import plain
from git_tracker.cli.escape import block, line

Json = Any

_STATUS = {"todo": "", "active": "yellow", "done": "green"}
_PRIORITY = {0: "bold red", 1: "red", 2: "", 3: "dim", 4: "dim"}
_VERDICT = {"ok": "green", "muted": "yellow", "waiting": "yellow", "quarantined": "bold red"}
_AGES = ((365 * 86400, "y"), (30 * 86400, "mo"), (7 * 86400, "w"), (86400, "d"), (3600, "h"), (60, "min"))
_WIDE = 100  # columns from which on a list has room for the type
_NARROWEST = 24  # columns of the board below this are not worth reading


def _console() -> Console:
    return Console(markup=False, highlight=False, emoji=False)


def _age(stamp: str) -> str:
    """Return how long ago a time was, in one unit."""
    import calendar

    past = time.time() - calendar.timegm(time.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ"))
    return next((f"{int(past // unit)}{name}" for unit, name in _AGES if past >= unit), "now")


def _grid(*columns: Mapping[str, Any]) -> Table:
    grid = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0), expand=False, collapse_padding=True)
    for column in columns:
        grid.add_column(**{"no_wrap": True, "overflow": "ellipsis", **column})
    return grid


def _title(row: Mapping[str, Json]) -> Text:
    text = Text.assemble((line(row["title"]), "dim" if row["category"] == "done" else ""))
    for label in row["labels"]:
        text.append(f" {line(label)}", "cyan")
    return text


def _marks(row: Mapping[str, Json]) -> Text:
    return Text(" ").join(
        Text(line(mark.strip("[]")), "bold red" if mark in ("[blocked]", "[conflict]") else "magenta")
        for mark in plain.marks(row)
    )


def issues(rows: Sequence[Mapping[str, Json]]) -> None:
    """Print a list of issues: id, status, priority, type, title with labels, what is special, when it changed."""
    console = _console()
    wide = console.width >= _WIDE
    grid = _grid(
        {"style": "yellow"}, {"max_width": 14}, {}, *([{"max_width": 10, "style": "dim"}] if wide else ()), {"ratio": 1},
        {"max_width": console.width // 4}, {"justify": "right", "style": "dim"},
    )  # fmt: skip
    grid.expand = True
    for row in rows:
        grid.add_row(
            row["short"],
            Text(line(row["status"]), _STATUS[row["category"]]),
            Text(f"P{row['priority']}", _PRIORITY[row["priority"]]),
            *([line(row["type"])] if wide else ()),
            _title(row),
            _marks(row),
            _age(row["updated_at"]),
        )
    console.print(grid)


def board(columns: Sequence[Mapping[str, Json]]) -> None:
    """Print the board: columns side by side where there is room."""
    console = _console()
    if console.width // max(1, len(columns)) < _NARROWEST:
        for column in columns:
            console.print(_heading(column))
            console.print(Padding(_stacked(column["items"]), (0, 0, 1, 2)))
        return
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), expand=True, show_header=False)
    for _ in columns:
        grid.add_column(ratio=1)
    grid.add_row(*(_heading(column) for column in columns))
    grid.add_row(*(Rule(style="dim") for _ in columns))
    grid.add_row(*(_cards(column) for column in columns))
    console.print(grid)


def _heading(column: Mapping[str, Json]) -> Text:
    style = f"bold {_STATUS.get(column['category'], '')}".strip()
    return Text.assemble((line(column["title"]), style), (f" {column['total']}", "dim"))


def _cards(column: Mapping[str, Json]) -> Table:
    cards = Table(box=None, show_header=False, pad_edge=False, padding=(0, 0, 1, 0), expand=True)
    cards.add_column(overflow="fold")
    for row in column["items"]:
        head = Text.assemble((row["short"], "yellow"), (f" P{row['priority']}", _PRIORITY[row["priority"]]))
        head.append(f" {line(row['type'])}", "dim")
        cards.add_row(Text("\n").join([head, _title(row), *([marks] if (marks := _marks(row)) else ())]))
    if column["total"] > len(column["items"]):
        cards.add_row(Text(f"… {column['total'] - len(column['items'])} more", "dim"))
    return cards


def _stacked(rows: Iterable[Mapping[str, Json]]) -> Table:
    grid = _grid({"style": "yellow"}, {}, {"ratio": 1}, {})
    grid.expand = True
    for row in rows:
        grid.add_row(row["short"], Text(f"P{row['priority']}", _PRIORITY[row["priority"]]), _title(row), _marks(row))
    return grid


def issue(
    found: Mapping[str, Json],
    titles: Mapping[str, Mapping[str, Json]],
    children: Sequence[Json],
    history: Sequence[Json],
) -> None:
    """Print one issue in full."""
    console = _console()
    console.print(Text.assemble((found["short"], "yellow"), "  ", (line(found["title"]), "bold")))
    facts = _grid({"style": "dim"}, {"no_wrap": False, "overflow": "fold"})
    for name, value in plain.facts(found):
        facts.add_row(name, Text(value, _STATUS[found["category"]] if name == "status" else ""))
    console.print(Padding(facts, (1, 0, 0, 2)))
    if found["description"].strip():
        console.print(Padding(Text(block(found["description"]).strip("\n")), (1, 0, 0, 2)))
    _section(console, "Conflicts", [plain.conflict(item) for item in found["conflicts"]], "bold red")
    _section(console, "Criteria", [plain.criterion(item) for item in found["criteria"]])
    _section(console, "Links", plain.table(plain.link(item, titles) for item in found["links"]))
    _section(console, "Children", plain.issues(children))
    _section(console, "Evidence", [plain.evidence(item) for item in found["evidence"]])
    if found["comments"]:
        console.print(Padding(Text(f"Comments {len(found['comments'])}", "bold"), (1, 0, 0, 0)))
    for note in found["comments"]:
        who = Text(line(plain.actor(note["author"])), _style(note["author"]))
        console.print(Padding(who.append(f"  {plain.noted(note)}", "dim"), (1, 0, 0, 2)))
        body = "(redacted)" if note["redacted"] else block(note["body"]).strip("\n")
        console.print(Padding(Text(body), (0, 0, 0, 4)))
    if history:
        console.print(Padding(Text("History", "bold"), (1, 0, 0, 0)))
        console.print(Padding(_events(history, issue=False), (0, 0, 0, 2)))


def _section(console: Console, heading: str, lines: Sequence[str], style: str = "") -> None:
    if lines:
        console.print(Padding(Text(heading, "bold"), (1, 0, 0, 0)))
        console.print(Padding(Text("\n".join(lines), style), (0, 0, 0, 2)))


def events(items: Sequence[Mapping[str, Json]]) -> None:
    """Print events, one a line."""
    _console().print(_events(items, issue=True))


def _events(items: Sequence[Mapping[str, Json]], *, issue: bool) -> Table:
    grid = _grid({"style": "dim"}, *([{"style": "yellow"}] if issue else ()), {"max_width": 20}, {"ratio": 1})
    grid.expand = True
    for item in items:
        what = Text(line(item["summary"]))
        if item["verdict"] != "ok":
            what.append(f"  [{item['verdict']}: {line(item['reason'])}]", _VERDICT[item["verdict"]])
        if issue and item["type"] != "created":
            what.append(f"  {line(item['title'])}", "dim")
        who = Text(line(plain.who(item["actor"])), _style(item["actor"]))
        grid.add_row(plain.moment(item["at"]), *((item["short"],) if issue else ()), who, what)
    return grid


def _style(actor: Mapping[str, Json]) -> str:
    return "magenta" if actor["session"] else "green"
