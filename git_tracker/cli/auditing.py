"""The verbs that ask whether it counts: audit, verify, quarantine."""

from typing import Any

from git_tracker.cli import exits, plain
from git_tracker.cli.call import Call
from git_tracker.errors import Invalid
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
        store.refresh(force=True)  # so that all of it is in git
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
    told = call.store().verify_agent(found["agent"]["id"], call.text("issue"), call.progress("verifying"))
    asked = {item["entry"] for item in found["items"]}
    items = [item for item in told["items"] if item["entry"] in asked]
    problems = [problem for problem in told["problems"] if problem.get("entry", "") in asked | {""}]
    ok = not problems and told["chain"]["ok"]
    if call.as_json:
        call.json({**told, "ok": ok, "entries": len(items), "items": items, "problems": problems})
    else:
        issues = len({item["issue"] for item in items})
        call.print(
            f"{len(items)} entries on {issues} issues read again: {'all as they should be' if ok else 'not in order'}"
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

Lists the entries that did not take effect, with the reason; shows one of them,
who signed it, and its commit as it lies in git; or lets a muted one (well
signed, but not allowed) count from now on.

Example: tracker quarantine show 3f2a91c04b1d
"""


def quarantine(call: Call) -> None:
    what = call.text("show", "list")
    if what not in ("list", "show", "adopt"):
        raise Invalid(f"quarantine cannot {what!r}", "`tracker quarantine list`, `… show` or `… adopt`", code="usage")
    if what == "list":
        found = call.reader().quarantine(limit=_PAGE)
        while found["next"]:
            following = call.reader().quarantine(limit=_PAGE, cursor=found["next"])
            found = {**following, "items": [*found["items"], *following["items"]]}
        if call.as_json:
            call.json(found)
        elif not found["items"]:
            call.note("every entry took effect")
        else:
            call.print(*plain.quarantine(found["items"]))
        return
    store = call.store()
    if what == "adopt":
        done = store.adopt(store.signer(call.person), [call.text("entry")])
        if call.as_json:
            call.json({"entries": [done]})
        else:
            call.print(done[:12])
        return
    if not call.text("entry"):
        raise Invalid("ENTRY is missing", "`tracker quarantine list` shows them", code="usage")
    found = store.quarantined(call.text("entry"))
    if call.as_json:
        call.json(found)
    else:
        call.print(*plain.quarantined(found))
