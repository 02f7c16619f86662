"""The verbs that ask whether it counts: audit, verify, quarantine."""

from collections.abc import Sequence
from typing import Any

from git_tracker.cli import exits, plain
from git_tracker.cli.call import Call
from git_tracker.errors import Ambiguous, Corrupt, Invalid, NotFound
from git_tracker.store import IssueStore

Json = Any

_PAGE = 500  # entries the index gives at a time
_MOST = 1_000_000

AUDIT = """\
tracker audit AGENT

Shows who let an agent act, and everything it did in order, with the verdict on
each signature. AGENT is an id or name as `tracker agents` lists them.

  --issue ID              only on this issue
  --kind TYPE             only entries with an event of this type
  --since TIME            only from then on (2026-01-31, 2026-01-31T12:00)
  --until TIME            only before then
  --limit N               at most that many entries (all)
  --export                a line of JSON for each entry with its raw commit, to
                          check without this program (docs/FORMAT.md says how)
  --verify                read every entry again from git and check it

Example: tracker audit fixer --since 2026-01-01 --export > trail.jsonl
"""


def audit(call: Call) -> int:
    limit = call.number("limit", _MOST, 1, _MOST)
    reader = call.looking()
    only = {name: call.text(name) for name in ("issue", "kind", "since", "until")}
    found = reader.audit(call.text("agent"), limit=min(limit, _PAGE), **only)
    while found["next"] and len(found["items"]) < limit:
        more = min(limit - len(found["items"]), _PAGE)
        following = reader.audit(found["agent"]["id"], limit=more, cursor=found["next"], **only)
        found = {**following, "items": [*found["items"], *following["items"]]}
    if call.given("export"):
        store = call.store()
        for item in found["items"]:
            call.line(
                {name: item[name] for name in ("entry", "issue", "n", "prev", "verdict")}
                | {"raw": _raw(store, item["entry"])}
            )
        return exits.DONE
    if call.given("verify"):
        return _checked(call, found)
    if call.as_json:
        call.json(found)
    else:
        call.print(*plain.audit(found))
    return exits.DONE


def _raw(store: IssueStore, entry: str) -> str:
    """Return a commit as text; what is not UTF-8 stands as surrogates, as Python writes them to bytes again."""
    raw = store.objects.commit(entry)
    return raw.decode("utf-8", "surrogateescape") if raw else ""


def _checked(call: Call, found: dict[str, Json]) -> int:
    """Check an agent's entries against git itself, and its chain."""
    store = call.store()
    issues = list(dict.fromkeys(item["issue"] for item in found["items"]))
    mine = {item["entry"] for item in found["items"]}
    problems = [
        problem
        for issue in issues
        for problem in store.verify(issue)["problems"]
        if problem.get("entry") in mine or problem["kind"] in ("ref", "index")
    ]
    ok = not problems and found["chain"]["ok"]
    if call.as_json:
        call.json(
            {"ok": ok, "entries": len(mine), "issues": len(issues), "chain": found["chain"], "problems": problems}
        )
    else:
        call.print(
            f"{len(mine)} entries on {len(issues)} issues read again: {'all as they should be' if ok else 'not in order'}"
        )
        call.print(*plain.table([plain.problem(problem) for problem in problems]))
    return exits.DONE if ok else exits.UNVERIFIED


VERIFY = """\
tracker verify [ID]

Checks every signature, chain and ref against git itself, of all issues or of
one. Exit code 6 if anything is wrong.

Example: tracker verify && echo clean
"""


def verify(call: Call) -> int:
    found = call.store().verify(call.text("id"), call.progress("verifying"))
    if call.as_json:
        call.json(found)
    else:
        call.print(*plain.verified(found))
    return exits.DONE if found["ok"] else exits.UNVERIFIED


QUARANTINE = """\
tracker quarantine [list|adopt|show] [ENTRY]

Lists the entries that did not take effect, with the reason, shows one of them,
or lets a muted one (well signed, but not allowed) count from now on.

Example: tracker quarantine show 3f2a91c04b1d
"""


def quarantine(call: Call) -> None:
    what = call.text("show", "list")
    if what not in ("list", "show", "adopt"):
        raise Invalid(f"quarantine cannot {what!r}", "`tracker quarantine list`, `… show` or `… adopt`", code="usage")
    if what == "list":
        items = call.reader().quarantine()
        if call.as_json:
            call.json({"items": items, "next": None, "total": len(items)})
        elif not items:
            call.note("every entry took effect")
        else:
            call.print(*plain.quarantine(items))
        return
    store = call.store()
    if what == "adopt":
        done = store.adopt(store.signer(call.person), [call.text("entry")])
        if call.as_json:
            call.json({"entries": [done]})
        else:
            call.print(done[:12])
        return
    found = _entry(store.quarantine(), call.text("entry"))
    try:
        raw = store.objects.commit(found["entry"])
    except Corrupt:
        raw = None
    text = raw.decode("utf-8", "surrogateescape") if raw else ""
    if call.as_json:
        call.json({**found, "raw": text})
    else:
        call.print(*plain.quarantine([found]), "", *plain.indented(text or "(its bytes cannot be read)", "  "))


def _entry(items: Sequence[Json], prefix: str) -> dict[str, Json]:
    if not prefix:
        raise Invalid("ENTRY is missing", "`tracker quarantine list` shows them", code="usage")
    found: list[dict[str, Json]] = [item for item in items if item["entry"].startswith(prefix)]
    if not found:
        raise NotFound(f"no entry {prefix!r} in quarantine", "`tracker quarantine list` shows them")
    if len(found) > 1:
        raise Ambiguous(f"{prefix} names {len(found)} entries", "give more digits")
    return found[0]
