"""The verbs that carry issues in and out: import and export, over the bridges."""

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

from git_tracker.cli.call import Call
from git_tracker.cli.escape import line
from git_tracker.errors import Invalid, Unusable

IMPORT = """\
tracker import FORMAT FILE

Brings issues in from another tracker: beads, jsonl, or a format of an
installed bridge. Authors and times are kept as they are in the file; the
entries are signed by you. A second run changes nothing, and an interrupted one
is taken up again.

  --dry-run               only tell what would happen

Example: tracker import beads .beads/issues.jsonl
"""


def import_(call: Call) -> None:
    from git_tracker.bridges import IMPORTS

    bridge = _named(IMPORTS, call.text("format"))
    path = call.text("file")
    if not os.path.isfile(path):
        raise Unusable(f"no file {path}", "name the file to import")
    store = call.store()
    by = call.signer(store)
    try:
        report = bridge(store, by, path, call.progress("importing") or _silent, dry_run=call.given("dry-run"))
    except KeyboardInterrupt:
        sys.stderr.write("tracker: interrupted; what was brought in stays\nhint: run it again to bring in the rest\n")
        raise
    if call.as_json:
        call.json(report.as_json())
        return
    would = "would be " if report.dry_run else ""
    call.print(f"{report.read} read: {report.created} {would}created, {report.updated} {would}updated, "
               f"{report.unchanged} unchanged, {len(report.skipped)} skipped")  # fmt: skip
    for heading, counts in (("mapped", report.mapped), ("kept as custom fields", report.kept), ("notes", report.notes)):
        if counts:
            call.print(f"{heading}:", *(f"  {number:>6}  {line(what)}" for what, number in counts.most_common()))
    if report.skipped:
        call.print("skipped:", *(f"  {line(where)}: {line(reason)}" for where, reason in report.skipped))


EXPORT = """\
tracker export FORMAT

Writes all issues in another format to standard output: jsonl, csv, markdown,
or that of an installed bridge.

  -o, --output FILE       to a file instead

Example: tracker export csv -o issues.csv
"""


def export(call: Call) -> None:
    from git_tracker.bridges import EXPORTS

    bridge = _named(EXPORTS, call.text("format"))
    store = call.store()
    if not call.given("output"):
        if call.as_json and call.text("format") != "jsonl":
            parts: list[str] = []
            bridge(store, parts.append)
            call.json({"format": call.text("format"), "text": "".join(parts)})
        else:
            bridge(store, sys.stdout.write)
        return
    path = call.text("output")
    with open(path, "w", encoding="utf-8", newline="") as file:
        bridge(store, file.write)
    if call.as_json:
        call.json({"format": call.text("format"), "file": path})


def _named(bridges: Mapping[str, Callable[..., Any]], name: str) -> Callable[..., Any]:
    try:
        return bridges[name]
    except KeyError:
        raise Invalid(f"no format {name!r}", f"there are {', '.join(bridges)}", code="usage") from None


def _silent(done: int, total: int) -> None:
    pass
