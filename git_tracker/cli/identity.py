"""The verbs about keys: init makes yours and the tracker, identity shows and exports them."""

from git_tracker.cli.call import Call
from git_tracker.cli.escape import line
from git_tracker.errors import Invalid

INIT = """\
tracker init

Prepares the repository: a signing key for you on this device, and a trust root
that names you as its owner. Does no harm when repeated. Everything lives in
refs/git-tracker/ and .git/git-tracker/; your files and branches stay as they
are.

Example: tracker init
"""


def init(call: Call) -> None:
    store = call.store()
    signer, new = store.init(call.person)
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


IDENTITY = """\
tracker identity [show|export]

Shows who you are here and with which key you sign; `export` prints your public
key.

  --allowed-signers       with export: all members, as git's
                          gpg.ssh.allowedSignersFile wants them

Example: tracker identity export --allowed-signers > allowed_signers
"""


def identity(call: Call) -> None:
    what = call.text("export", "show")
    if what not in ("show", "export"):
        raise Invalid(f"identity cannot {what!r}", "`tracker identity show` or `… export`", code="usage")
    store = call.store()
    if what == "export" and call.given("allowed-signers"):
        text = store.allowed_signers()
        if call.as_json:
            call.json({"allowed_signers": text})
        else:
            call.print(*line_by_line(text))
        return
    signer = store.signer(call.person)
    key = signer.identity.public_key
    member = next((member for member in store.members if member.key == signer.issuer), None)
    if call.as_json:
        person = signer.identity
        call.json({
            "person": store.handle(signer), "name": person.name, "email": person.email,
            "fingerprint": person.fingerprint, "key": key, "role": member.role if member else None, "root": store.root,
        })  # fmt: skip
    elif what == "export":
        call.print(key)
    else:
        call.print(
            f"person:  {line(store.handle(signer))} ({line(signer.identity.name)} <{line(signer.identity.email)}>)",
            f"key:     {signer.identity.fingerprint}",
            f"role:    {member.role if member else 'no member of this tracker'}",
            f"root:    {store.root}",
        )


def line_by_line(text: str) -> list[str]:
    return [line(part) for part in text.splitlines()]
