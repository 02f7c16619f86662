"""The verbs about keys: init makes the tracker with yours, identity shows, chooses and exports them."""

from git_tracker.cli import asking
from git_tracker.cli.call import Call
from git_tracker.cli.escape import line
from git_tracker.errors import Conflict, Invalid, NotFound, TrackerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from git_tracker.store import IssueStore, Offer, Source

INIT = """\
tracker init

Prepares the repository: a signing key for you on this device, and a trust root
that names you as its owner. Does no harm when repeated. Everything lives in
refs/git-tracker/ and .git/git-tracker/; your files and branches stay as they
are. Where a remote holds a tracker already, this clone joins that one.

  --key KIND              which key signs for you: device (one made for this
                          device; unless you say otherwise), ssh (your OpenSSH
                          key file, read where it is) or agent (one that the
                          ssh-agent holds)
  --identity WHICH        the key file (~/.ssh/id_ed25519), or the fingerprint
                          of the agent's key (its only one)

Example: tracker init --key agent
"""


def init(call: Call) -> None:
    store = call.store()
    if not store.root:
        _look_at_remote(call, store)
    signer, new = store.init(call.person, _wanted(call, store, ask=True))
    person = signer.identity
    if call.as_json:
        call.json({
            "repository": store.place.name, "root": store.root, "person": store.handle(signer), "name": person.name,
            "email": person.email, "key": person.fingerprint, "new": new,
        })  # fmt: skip
        return
    call.print(f"{'Made' if new else 'Already'} a tracker: {line(store.place.name)}, root {store.root[:12]}")
    call.print(f"You sign as {line(store.handle(signer))} ({line(person.name)}) with {person.fingerprint}")
    if signer.issuer not in {member.key for member in store.members}:
        call.note("you are no member of this tracker yet; an owner can add your key")


def _look_at_remote(call: Call, store: "IssueStore") -> None:
    """Join the tracker that is on a remote already, rather than begin another one."""
    from git_tracker.store import SyncEngine

    try:
        remote = SyncEngine(store).first()
        if store.root:
            call.note(f"this tracker came from {remote}; its root is {store.root[:12]}")
    except TrackerError as error:
        call.note(f"{error}; if a tracker is there, an owner can join the two later")


def _wanted(call: Call, store: "IssueStore", *, ask: bool = False) -> "Source | None":
    """Return the key that the command line names, or the one chosen at the terminal; None leaves things as they are."""
    from git_tracker.store import KINDS, named_key, offered_keys

    identity = call.text("identity")
    name = call.text("key") or ("" if not identity else "agent" if identity.startswith(("SHA256:", "ssh-")) else "ssh")
    kind = next((kind for kind in KINDS if kind == name), None)
    if kind:
        return named_key(store.keyring, kind, identity)
    if name:
        raise Invalid(f"no key of kind {name!r}", f"--key takes {', '.join(KINDS)}", code="usage")
    if not ask or call.as_json or not asking.terminal() or store.who(call.person)[0] in store.keyring.people():
        return None
    found = [offer for offer in offered_keys(store.keyring) if offer.source.kind != "device" and not offer.problem]
    if not found:
        return None
    choices = ["a new key, made for this device", *(f"{_where(offer)}  {offer.fingerprint}" for offer in found)]
    chosen = asking.number("Which key shall sign for you here?", choices)
    return found[chosen - 1].source if chosen else named_key(store.keyring, "device")


def _where(offer: "Offer") -> str:
    return f"ssh-agent: {offer.where}" if offer.source.kind == "agent" else offer.where


IDENTITY = """\
tracker identity [show|list|new|export]

Shows who you are here and with which key you sign. `list` shows every key that
can sign on this device, and whose it is. `new` gives a person a key here.
`export` prints your public key.

  --allowed-signers       with export: all members, as git's
                          gpg.ssh.allowedSignersFile wants them
  --krl FILE              with export: write what sessions were revoked, as
                          git's gpg.ssh.revocationFile wants it
  --person HANDLE         with new: for somebody else than whom git is
                          configured for
  --key KIND              with new: device, ssh or agent, as with `init`
  --identity WHICH        with new: which one, as with `init`
  --switch                with new: sign with it in place of the one you have;
                          that one stays where it is

Example: tracker identity export --allowed-signers > allowed_signers
"""


def identity(call: Call) -> None:
    what = call.text("export", "show")
    if what not in _ACTIONS:
        raise Invalid(
            f"identity cannot {what!r}", "`tracker identity show`, `… list`, `… new` or `… export`", code="usage"
        )
    _ACTIONS[what](call)


def _show(call: Call) -> None:
    store = call.store()
    handle = store.who(call.person)[0]
    source, person = store.keyring.source(handle), store.identity(call.person)
    member = next((member for member in store.members if member.key == person.key), None)
    if call.as_json:
        call.json({
            "person": member.person if member else "", "name": person.name, "email": person.email,
            "fingerprint": person.fingerprint, "key": person.public_key, "kind": source.kind, "file": source.file,
            "role": member.role if member else None, "root": store.root,
        })  # fmt: skip
        return
    call.print(
        f"person:  {line(member.person if member else '')} ({line(person.name)} <{line(person.email)}>)",
        f"key:     {person.fingerprint}, {line(str(source))}",
        f"role:    {member.role if member else 'no member of this tracker'}",
        f"root:    {store.root}",
    )


def _list(call: Call) -> None:
    from git_tracker.store import offered_keys

    try:
        members = {member.key: member for member in call.store().members}
    except NotFound:  # keys are the user's, wherever that is
        members = {}
    found = offered_keys(call.keyring)
    if call.as_json:
        items = []
        for offer in found:
            member = members.get(offer.source.key)
            items.append({
                "kind": offer.source.kind, "fingerprint": offer.fingerprint, "where": offer.where,
                "people": list(offer.people), "encrypted": offer.encrypted, "problem": offer.problem,
                "member": member.person if member else None, "role": member.role if member else None,
            })  # fmt: skip
        call.json({"items": items, "next": None, "total": len(items)})
        return
    for offer in found:
        member = members.get(offer.source.key)
        words = [f"signs for {person} here" for person in offer.people]
        words += [f"{member.person}, {member.role}"] if member else []
        words += ["has a passphrase"] if offer.encrypted else []
        words += [f"cannot sign: {offer.problem}"] if offer.problem else []
        told = line("; ".join(words)) or "not used"
        call.print(f"{offer.source.kind:<6}  {offer.fingerprint or '-':<50}  {line(offer.where)}  ({told})")
    if not found:
        call.note("no keys here; `tracker init` makes one")


def _new(call: Call) -> None:
    store = call.store()
    handle = call.text("person") or store.who(call.person)[0]
    wanted = _wanted(call, store)
    had = handle in store.keyring.people()
    if had and not call.given("switch"):
        present = store.keyring.source(handle)
        raise Conflict(f"{handle} has a key here, {present}", "--switch signs with another one from now on")
    store.choose_key(handle, wanted)
    person, source = store.keyring.identity(handle, "", ""), store.keyring.source(handle)
    member = next((member for member in store.members if member.key == person.key), None)
    if call.as_json:
        call.json({
            "person": handle, "kind": source.kind, "file": source.file, "fingerprint": person.fingerprint,
            "key": person.public_key, "role": member.role if member else None,
        })  # fmt: skip
    else:
        call.print(f"{line(handle)} signs with {person.fingerprint}, {line(str(source))}", line(person.public_key))
    if store.root and not member:
        call.note("that key is no member of this tracker yet; an owner can add it")


def _export(call: Call) -> None:
    store = call.store()
    if call.given("krl"):
        from git_tracker.store import write_revocation_list

        path, revoked = call.text("krl"), store.revoked()
        write_revocation_list(path, revoked)
        if call.as_json:
            call.json({"file": path, "revoked": len(revoked)})
        else:
            call.note(f"wrote {path}: {len(revoked)} certificate{'s' * (len(revoked) != 1)} revoked")
        return
    given = call.given("allowed-signers")
    text = store.allowed_signers() if given else store.identity(call.person).public_key
    if call.as_json:
        call.json({"allowed_signers": text} if given else {"key": text})
    else:
        call.print(*line_by_line(text))


_ACTIONS = {"show": _show, "list": _list, "new": _new, "export": _export}


def line_by_line(text: str) -> list[str]:
    return [line(part) for part in text.splitlines()]
