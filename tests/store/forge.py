"""Entries made by hand: honest ones with fixed keys, and the bytes that others could put into a repository."""

import base64
import hashlib
import os
import struct
import subprocess
from collections.abc import Sequence
from typing import Any

from git_tracker.store import IssueStore, Signer, commit, sshwire, text
from git_tracker.store import certificate as certifying
from git_tracker.store import entry as format
from git_tracker.store.entry import Envelope
from git_tracker.store.identity import session_id, signer_from_seed

SECONDS = 1_800_000_000  # 2027-01-15: the fixed time of vectors
ORDER = 2**252 + 27742317777372353535851937790883648493  # of the Ed25519 group


def signer(number: int, name: str = "Ada Lovelace", email: str = "ada@example.org") -> Signer:
    """A person whose key follows from a number."""
    return signer_from_seed(name, email, bytes([number]) * 32)


def session(by: Signer, number: int, **changed: Any) -> Signer:
    """An agent's session with a fixed key and certificate."""
    fields: dict[str, Any] = {
        "sid": session_id(by.identity.key, number.to_bytes(3, "big")), "person": "ada", "client": "claude-code/2.1", "label": "fixer", "serial": number,
        "valid": (SECONDS - 60, SECONDS + 86400), "seed": bytes([number]) * 32, "nonce": bytes([number + 1]) * 32,
    }  # fmt: skip
    return by.delegate(**{**fields, **changed})


def envelope(events: Sequence[dict[str, Any]], **changed: Any) -> Envelope:
    fields: dict[str, Any] = {"hlc": (SECONDS * 1000, 0), "n": 0, "prev": None, "repo": "", "auth": ()}
    return Envelope(events=events, **{**fields, **changed})


def unsigned(
    events: Sequence[dict[str, Any]], parents: Sequence[str] = (), *, author: str = "", summary: str = "made by hand",
    **changed: Any,
) -> bytes:  # fmt: skip
    """The bytes that a signature covers."""
    author = author or commit.author_line("Ada Lovelace", "ada@example.org", SECONDS)
    return format.payload(envelope(events, **changed), parents, author, summary)


def signed(by: Signer, payload: bytes) -> bytes:
    return commit.join(payload, by.sign(payload))


def with_json(payload: bytes, text: bytes) -> bytes:
    """The payload with another text in place of its JSON."""
    head, _, _ = payload.partition(b"\n\n")
    summary = payload[len(head) + 2 :].partition(b"\n")[0]
    return head + b"\n\n" + summary + b"\n\n" + text + b"\n"


def json_of(payload: bytes) -> bytes:
    return payload.rstrip(b"\n").rpartition(b"\n")[2]


def split(raw: bytes) -> tuple[bytes, str]:
    """A commit without its signature, and the signature."""
    start = raw.index(b"gpgsig ")
    end = raw.index(b"\n\n") + 1
    return raw[:start] + raw[end:], raw[start + 7 : end - 1].replace(b"\n ", b"\n").decode()


def blob(armour: str) -> bytes:
    return base64.b64decode("".join(armour.split("\n")[1:-1]))


def armoured(blob: bytes, width: int = 70) -> str:
    text = base64.b64encode(blob).decode()
    lines = [text[start : start + width] for start in range(0, len(text), width)]
    return "\n".join(("-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----"))


def sshsig(
    holder: bytes, signature: bytes, *, namespace: bytes = b"git", reserved: bytes = b"", hash: bytes = b"sha512",
    version: int = 1, kind: bytes = b"ssh-ed25519", tail: bytes = b"",
) -> str:  # fmt: skip
    """An SSHSIG with every field free."""
    s = sshwire.string
    parts = (b"SSHSIG", struct.pack(">I", version), s(holder), s(namespace), s(reserved), s(hash))
    return armoured(b"".join((*parts, s(s(kind) + s(signature)), tail)))


def message(payload: bytes, namespace: bytes = b"git", hash: str = "sha512") -> bytes:
    """What an SSHSIG signature covers, for any namespace and hash."""
    s = sshwire.string
    return b"SSHSIG" + s(namespace) + s(b"") + s(hash.encode()) + s(hashlib.new(hash, payload).digest())


def raw_sign(by: Signer, data: bytes) -> bytes:
    return by._sign(data)


def certificate(
    issuer: Signer, key: bytes, *, sid: str = "", person: str = "ada", kind: int = 1, critical: bytes = b"",
    extensions: bytes = b"", principal: str | None = None, signature: bytes | None = None, claimed: bytes | None = None,
    key_id: str | None = None,
) -> bytes:  # fmt: skip
    """A certificate with every field free; `claimed` is the issuer it names, where another key signs."""
    s = sshwire.string
    sid = sid or session_id(claimed or issuer.identity.key, b"\0\0\n")
    name = f"{sid}.{person}@tracker" if principal is None else principal
    body = b"".join((
        s(sshwire.CERT_TYPE), s(b"n" * 32), s(key), struct.pack(">QI", 10, kind),
        s((f"{sid} claude-code/2.1 fixer" if key_id is None else key_id).encode()), s(s(name.encode())),
        struct.pack(">QQ", SECONDS - 60, SECONDS + 86400), s(critical), s(extensions), s(b""),
        s(sshwire.public_blob(claimed or issuer.identity.key)),
    ))  # fmt: skip
    return certifying.join(body, raw_sign(issuer, body) if signature is None else signature)


class Forge:
    """Puts entries into a tracker's repository behind the store's back, as another program or a sync could."""

    def __init__(self, store: IssueStore) -> None:
        self.store = store
        self.git_dir = store.place.common
        self._last = (0, 0)
        self._n: dict[bytes, tuple[int, str]] = {}

    def git(self, *arguments: str, stdin: bytes = b"", check: bool = True) -> str:
        done = subprocess.run(
            ["git", "--git-dir", self.git_dir, *arguments], input=stdin, capture_output=True, check=False, timeout=60
        )
        if check and done.returncode:
            raise AssertionError(f"git {' '.join(arguments)}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode(errors="replace").strip()

    def put(self, raw: bytes, kind: int = 1) -> str:
        """Write an object as it is, valid or not; returns its id."""
        import pygit2

        return str(pygit2.Repository(self.git_dir).odb.write(kind, raw))

    def raw(self, id: str) -> bytes:
        found = self.store.objects.commit(id)
        assert found is not None
        return found

    def tip(self, issue: str) -> str:
        return self.git("rev-parse", f"refs/git-tracker/issues/{issue}")

    def point(self, issue: str, id: str) -> None:
        """Move an issue's ref, whatever it pointed at."""
        self.git("update-ref", f"refs/git-tracker/issues/{issue}", id)

    def apart(self, issue: str, *writes: tuple[Signer, list[dict[str, Any]]], **changed: Any) -> list[str]:
        """Let several people write on what is there without knowing of each other; returns their entries."""
        self.store.refresh(force=True)
        changed = {"auth": self.store._projection.trust.heads, **changed}
        heads = self.store.get_issue(issue)["heads"]
        made = [self.add(by, events, heads, **changed) for by, events in writes]
        self.point(issue, made[0])
        for other in made[1:]:
            self.git("update-ref", f"refs/git-tracker/keep/{other}", other)
        return made

    def place(self, issue: str, id: str) -> None:
        """Move an issue's ref to what git would not let it point at, such as an object that is not here."""
        path = os.path.join(self.git_dir, "refs/git-tracker/issues", issue)
        with open(path + ".lock", "w", encoding="ascii") as file:
            file.write(id + "\n")
        os.replace(path + ".lock", path)

    def clock(self, parents: Sequence[str]) -> tuple[int, int]:
        """An hlc above that of the parents, as far as they can be read, and of whatever was made here before."""
        found = [(self.store.now_ms, 0), (self._last[0], self._last[1] + 1)]
        for parent in parents:
            try:
                ms, count = format.decode(parent, self.raw(parent)).envelope.hlc
                found.append((ms, count + 1))
            except Exception:
                continue
        self._last = max(found)
        return self._last

    def payload(self, by: Signer, events: Sequence[dict[str, Any]], parents: Sequence[str], **changed: Any) -> bytes:
        """An honest entry's payload, unless `changed` says otherwise."""
        n, prev = self._n.get(by.identity.key, self._chain(by))
        fields: dict[str, Any] = {
            "hlc": self.clock(parents), "n": n, "prev": prev, "repo": self.store.root, "auth": (self.store.root,),
            "sid": by.sid, "author": commit.author_line(by.identity.name, by.identity.email, self.store.now_ms // 1000),
        }  # fmt: skip
        return unsigned(events, parents, **{**fields, **changed})

    def add(self, by: Signer, events: Sequence[dict[str, Any]], parents: Sequence[str], **changed: Any) -> str:
        """Write an honest entry's object, unless `changed` says otherwise; returns its id."""
        payload = self.payload(by, events, parents, **changed)
        id = self.put(signed(by, payload))
        found = format.decode(id, self.raw(id)) if "hlc" not in changed else None
        if found:
            self._n[by.identity.key] = (found.envelope.n + 1, id)
        return id

    def _chain(self, by: Signer) -> tuple[int, str | None]:
        rows = self.store.reader.execute(
            "select n, id from entries join pubkeys on pubkeys.key = chain where hex = ? order by n desc limit 1",
            (by.identity.key.hex(),),
        ).fetchall()
        return (rows[0][0] + 1, rows[0][1]) if rows else (0, None)


def label(word: str) -> dict[str, Any]:
    return {"type": "label-added", "label": word}


def edited(old: str, new: str) -> dict[str, Any]:
    return {"type": "description-edited", "operations": text.difference(old, new)}


def created(title: str = "A leak", **fields: Any) -> dict[str, Any]:
    return {"type": "created", "nonce": "00" * 16, "title": title, **fields}
