"""Verification from the raw objects: every signature, every chain, every ref, and whether the index agrees."""

from typing import Any

from git_tracker.store import refs
from git_tracker.store.bulk import Progress
from git_tracker.store.index import people, rows, write
from git_tracker.store.projection import Projection
from git_tracker.store.verdicts import About


def verify(projection: Projection, common: str, only: str, progress: Progress | None = None) -> dict[str, Any]:
    """Return `{"ok", "issues", "entries", "verified", "problems": […], "chains"}`; `only` is an issue's id or empty."""
    db, listing = projection.db, refs.listing(common)
    problems: list[dict[str, Any]] = []
    tips = projection.tips(listing)
    if only:
        tips = {only: tips[only]}
    for name in refs.empty_files(common):
        problems.append({"kind": "ref", "ref": name, "reason": "its file holds no id"})
    if not projection.trust.members and tips:
        problems.append({"kind": "trust", "reason": "the trust log below the pinned root cannot be read"})
    entries = verified = 0
    actors: set[str] = set()
    chains = rows.chains(db)
    for number, (id, reach) in enumerate(sorted(tips.items())):
        about: dict[str, About] = {}
        read = projection.log.read(reach, ())
        found = projection.log.judge(id, read, about, projection.trust, chains, projection.latest_ms(), lambda: None)
        entries += len(found)
        key = write.key_of(db, id)
        for item in found:
            if item.verdict == "ok":
                verified += 1
                actors.add(item.record.actor)
            else:
                problem = {"kind": "entry", "issue": id, "entry": item.record.id}
                problems.append({**problem, "verdict": item.verdict, "reason": item.reason})
        stored = {row[0]: row[1] for row in db.execute("select id, verdict from entries where issue = ?", (key,))}
        if stored != {item.record.id: item.verdict for item in found}:
            problems.append({"kind": "index", "issue": id, "reason": "the index does not agree with git"})
        if not found:
            problems.append({"kind": "ref", "ref": refs.issue(id), "reason": f"its entry {reach[0][:12]} is not here"})
        if progress and number % 20 == 0:
            progress(number, len(tips))
    if progress:
        progress(len(tips), len(tips))
    broken = {actor: chain for actor in sorted(actors) if not (chain := people.chain(db, actor))["ok"]}
    problems += [{"kind": "chain", "agent": actor, **chain} for actor, chain in broken.items()]
    return {
        "ok": not problems, "issues": len(tips), "entries": entries, "verified": verified, "problems": problems,
        "root": projection.trust.root,
    }  # fmt: skip
