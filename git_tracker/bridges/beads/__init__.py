"""Beads (github.com/steveyegge/beads): its JSON Lines, plain or gzipped, become issues.

What becomes of each field stands in `record.Mapping`, of each status in `record.STATUSES`, of each kind of dependency
in `links.KINDS`. Whatever our events cannot say exactly is kept, as it was, in the custom field `beads:<field>`; for
dependencies and comments that field holds those that could not be carried over exactly. Who said it and when goes into
`imported` of the event it belongs to; the signature is the importer's.
"""

from git_tracker.bridges import lines
from git_tracker.bridges.beads.links import NAME, Links, identify
from git_tracker.bridges.beads.record import Mapping
from git_tracker.bridges.carrying import Progress, Source, carry
from git_tracker.bridges.facts import Fields
from git_tracker.bridges.report import Report
from git_tracker.store import IssueStore, Signer


def import_file(store: IssueStore, signer: Signer, path: str, progress: Progress, dry_run: bool = False) -> Report:
    """Import a Beads file. A second run of the same file changes nothing, one of a changed file what differs.

    Nothing is written before the whole file is read. `progress` is called with (done, total) after each batch; what
    it raises ends the import, which a later run continues.
    """
    report = Report(NAME, dry_run=dry_run)
    records = _read(path, report)
    known = {*store.find_imported(NAME), *records}
    links = Links(known)
    found = {}
    for origin, (record, earlier) in records.items():
        mapping = Mapping(origin, record, store.workflow, report)
        _link(mapping, links)
        if earlier:
            mapping.put("earlier", earlier)
        found[origin] = mapping.events()
    carry(store, signer, Source(NAME, found, links.held), progress, report)
    return report


def _link(mapping: Mapping, links: Links) -> None:
    """Take the dependencies out of a record; those that links do not say in full are kept."""
    found = mapping.left.pop("dependencies", [])
    inexact = []
    for dependency in found if type(found) is list else [found]:
        became, why = links.add(mapping.origin, mapping.record, dependency)
        if became:
            mapping.told(became)
        if why:
            inexact.append(dependency)
            mapping.report.notes[f"a dependency {why}: whole in {NAME}:dependencies"] += 1
    if inexact:
        mapping.keep("dependencies", inexact if type(found) is list else found)


def _read(path: str, report: Report) -> dict[str, tuple[Fields, list[Fields]]]:
    """Return each record by its id, with what earlier lines said otherwise about the same id: the last line stands."""
    found: dict[str, tuple[Fields, list[Fields]]] = {}
    for line in lines.read(path):
        report.read += 1
        if line.flaw or not line.record.get("id"):
            report.skipped.append((f"line {line.number}", line.flaw or "the record has no id"))
            continue
        origin = identify(line.record["id"])
        before, earlier = found.pop(origin, ({}, []))
        if before == line.record:
            report.skipped.append((f"line {line.number}", f"{origin} stands here a second time, word for word"))
        elif before:
            reason = f"{origin} stands here a second time; the earlier line is kept in beads:earlier"
            report.skipped.append((f"line {line.number}", reason))
            earlier = [*earlier, before]
        found[origin] = (line.record, earlier)
    return found
