"""The verb about who is trusted: members, their roles, sessions of agents, other roots, policies."""

import json
from typing import Any

from git_tracker.cli import gitsetup, plain
from git_tracker.cli.call import Call
from git_tracker.cli.changing import seconds
from git_tracker.cli.escape import line
from git_tracker.errors import Invalid

Json = Any
TYPE_CHECKING = False
if TYPE_CHECKING:
    from git_tracker.store import IssueStore

TRUST = """\
tracker trust WHAT [WORDS...]

Says and changes who is trusted. Every change is one signed entry of the trust
log, made with your own key.

  trust list              members, their roles and keys
  trust log               every entry of the trust log, and whether it counts
  trust add KEY           let a person's key in, as `identity export` prints it
  trust remove PERSON     what is here of them stays, nothing later enters; a
                          key's fingerprint removes just that key
  trust sessions          agent sessions, their scope and validity
  trust session NAME      print a bearer token for agents over HTTP
  trust revoke SESSION    nothing of it counts any more, whatever time it says;
                          one that never wrote is named by its full id
  trust adopt ENTRY...    let muted entries count
  trust join ROOT         let another tracker's root and its members count here
  trust policy JSON       bind every clone to rules: people_only (a list of
                          operations), done_by (anyone, people, maintainers),
                          review before done (none, another, person),
                          manual_fields (a list)
  trust git-setup         let stock git check the signatures: shows three
                          settings and, after a yes, writes them

  --person HANDLE         with add: what the person is called here
  --name NAME             with add: the person's name
  --email EMAIL           with add: the person's address
  --scope JSON            with session: what it may do: operations, issues or
                          query (fixed to what it finds now), parent
  --for TIME              with session: how long it holds: 30m, 2h, 7d (24h)
  --role ROLE             with add: owner, maintainer, writer or observer
                          (writer)
  --yes                   with git-setup: write without asking

Example: tracker trust add "$(cat bob.pub)" --person bob --role maintainer
"""

_WHAT = ("list", "log", "add", "remove", "sessions", "session", "revoke", "adopt", "join", "policy", "git-setup")


def trust(call: Call) -> None:
    what, words = call.text("what"), call.texts("words")
    if what not in _WHAT:
        raise Invalid(f"trust cannot {what!r}", f"it can {', '.join(_WHAT)}", code="usage")
    if what in ("list", "log", "sessions"):
        _tell(call, what)
        return
    if what == "git-setup":
        gitsetup.git_setup(call)
        return
    if not words:
        raise Invalid(f"trust {what} needs a word more", "`tracker trust --help` shows what", code="usage")
    if what == "session":
        _session(call, " ".join(words))
        return
    store = call.store()
    me = store.signer(call.person)
    match what:
        case "add":
            done = [_add(call, store, " ".join(words))]
        case "remove":
            done = store.remove_member(me, words[0])
        case "revoke":
            done = [store.revoke(me, words[0])]
        case "adopt":
            done = [store.adopt(me, words)]
        case "join":
            done = [store.join(me, words[0])]
        case _:
            done = [store.set_policy(me, _object(" ".join(words), "a policy", '{"people_only": ["archive"]}'))]
    if call.as_json:
        call.json({"entries": done})
    else:
        call.print(*(entry[:12] for entry in done))


def _add(call: Call, store: "IssueStore", key: str) -> str:
    comment = " ".join(key.split()[2:])
    person = call.text("person") or comment.partition("@")[0]
    if not person:
        raise Invalid("the person needs a handle", "add --person HANDLE", code="usage")
    role = call.text("role", "writer")
    email = call.text("email") or comment
    return store.add_member(store.signer(call.person), key, person, call.text("name") or person, email, role)


def _session(call: Call, name: str) -> None:
    from git_tracker.server.grants import Grants

    store = call.store()
    store.signer(call.person)  # nobody hands out what they could not do themselves
    scope = store.full_scope(_object(call.text("scope", "{}"), "a scope", '{"operations": ["comment"]}'))
    span = seconds(call.text("for", "24h"))
    token = Grants(store.home).make(name, scope, span)
    if call.as_json:
        call.json({"token": token, "name": name, "scope": scope, "seconds": span})
    else:
        call.print(token)
        call.note("send it as `Authorization: Bearer …` to /mcp of `tracker serve`; it is not shown again")


def _object(text: str, what: str, example: str) -> dict[str, Json]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Invalid(f"{what} is a JSON object", f"such as '{example}'", code="usage")
    return found


def _tell(call: Call, what: str) -> None:
    store = call.store()
    if what == "list":
        items: list[dict[str, Json]] = [
            {"person": m.person, "name": m.name, "email": m.email, "role": m.role, "key": m.fingerprint}
            for m in store.members
        ]
        columns: tuple[str, ...] = ("person", "role", "name", "key")
    elif what == "log":
        items = [
            {**entry, "short": entry["entry"][:12], "what": ", ".join(_said(event) for event in entry["events"])}
            for entry in store.trust_log()
        ]
        columns = ("at", "short", "by", "what", "counts")
    else:
        items = store.sessions()
        columns = ("id", "name", "client", "person", "scope", "valid_before", "revoked")
    if call.as_json:
        call.json({"items": items, "next": None, "total": len(items)})
    else:
        head = [column.replace("_", " ").upper() for column in columns]
        call.print(*plain.table([head, *([line(str(item.get(column, ""))) for column in columns] for item in items)]))


def _said(event: dict[str, Json]) -> str:
    named = event.get("sid") or event.get("person") or event.get("root") or event.get("entries") or ""
    return f"{event['type']} {', '.join(map(str, named)) if type(named) is list else named!s:.80}".strip()
