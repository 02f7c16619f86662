"""Verification from the raw objects: every signature, every chain, every ref, and whether the index agrees.

Of the whole tracker, of one agent, of one entry.
"""

from typing import Any

from git_tracker.errors import Corrupt
from git_tracker.store import chains as chaining
from git_tracker.store import refs, verdicts
from git_tracker.store.chains import Link
from git_tracker.store.index import people, read, rows, write
from git_tracker.store.issue import stamp
from git_tracker.store.log import links
from git_tracker.store.progress import Progress
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


def verify_agent(
    projection: Projection, actor: str, only: str = "", progress: Progress | None = None
) -> dict[str, Any]:
    """Return what git itself says of each entry of an actor, on the issue `only` or on all, and of its chains.

    `{"ok", "entries", "issues", "chain", "items": [{"entry", "issue", "short", "n", "verdict", "reason", "recorded"}],
    "problems"}`; `recorded` is the verdict that the index has, nothing where it does not have the entry.
    """
    db, log, tips = projection.db, projection.log, projection.tips(refs.listing(projection.log.objects.place.common))
    known = people.entries(db, actor, only)
    mine = dict.fromkeys(known.values())
    session = db.execute("select session from actors where id = ?", (actor,)).fetchone()
    found = {id: log.read(tips[id], ()) for id in sorted(mine) if id in tips}
    judging, by_key = rows.chains(db), dict[str, list[Link]]()
    said = [*(link for one in found.values() for link in links(one)), *_trust_links(projection)]
    for key, link in said:
        judging.add(key, link)
        by_key.setdefault(key, []).append(link)
    items: list[dict[str, Any]] = []
    keys = set[str]()
    for number, id in enumerate(found):
        stored = write.verdicts(db, write.key_of(db, id) or 0)
        judged = log.judge(id, found[id], {}, projection.trust, judging, projection.latest_ms(), lambda: None)
        for one in judged:
            if one.record.actor == actor:
                keys.add(one.chain)
                recorded = stored[one.record.id][0] if one.record.id in stored else None
                items.append({
                    "entry": one.record.id, "issue": id, "short": read.short(db, id), "n": one.entry.envelope.n if one.entry else 0,
                    "verdict": one.verdict, "reason": one.reason, "recorded": recorded,
                })  # fmt: skip
        if progress:
            progress(number + 1, len(found))
    if only:  # of the other issues the index has to do
        for key in keys:
            by_key[key] = [*by_key[key], *judging.stored(key)]
    chain = chaining.examined({key: by_key[key] for key in sorted(keys)}, one_clone=bool(session and session[0]))
    problems = [
        {
            "kind": "entry" if one["verdict"] != "ok" else "index",
            **one,
            "reason": one["reason"] or "the index has it otherwise",
        }
        for one in items
        if one["verdict"] != "ok" or one["recorded"] != "ok"
    ]
    lost = known.keys() - {one["entry"] for one in items}
    problems += [
        {"kind": "index", "entry": id, "issue": known[id], "reason": "git does not have it as theirs"}
        for id in sorted(lost)
    ]
    problems += [{"kind": "ref", "ref": refs.issue(id), "reason": "it is gone"} for id in mine if id not in tips]
    return {
        "ok": not problems and chain["ok"], "entries": len(items), "issues": len(found), "chain": chain, "items": items,
        "problems": problems,
    }  # fmt: skip


def _trust_links(projection: Projection) -> list[tuple[str, Link]]:
    read_ = projection.log.read_trust(projection.trust_tips)
    return [
        (proof.key.hex(), Link(entry.id, entry.envelope.n, entry.envelope.prev, entry.envelope.auth))
        for entry, proof in read_
    ]


def inspect(projection: Projection, item: dict[str, Any]) -> dict[str, Any]:
    """Return an entry that does not count with its raw commit as text and with who signed it, if anybody did."""
    try:
        raw = projection.log.objects.commit(item["entry"])
    except Corrupt:
        raw = None
    found = projection.log.read_one(item["entry"])
    signer = None
    if found and found.entry and found.proof:
        names = ("id", "name", "session", "person", "client", "key", "issuer")
        who = verdicts.actor(projection.trust, found.entry, found.proof)
        given = found.proof.delegation
        signer = dict(zip(names, who[: len(names)], strict=True)) | {
            "scope": given.scope if given else "",
            "valid_after": stamp(who[9]) if given else None, "valid_before": stamp(who[10]) if given else None,
        }  # fmt: skip
    # What is not UTF-8 stands as surrogates, as Python writes them to bytes again.
    return {**item, "signer": signer, "raw": raw.decode("utf-8", "surrogateescape") if raw else ""}
