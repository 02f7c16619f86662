"""Which private key is whose on this device: made here, in the person's own OpenSSH key file, or held by their agent.

The folder of keys, `git-tracker/keys` in the user's config folder, holds for a person at most three files: `ada` (a key
made here, mode 0600), `ada.pub` (its public half) and `ada.source` (where another key is that signs in its place; a
key file is referred to, never copied).
"""

import json
import os
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, Self

from git_tracker.errors import Conflict, Corrupt, NotFound, Refused, Unusable
from git_tracker.store import keyfile, sshwire
from git_tracker.store.identity import Identity, Signer, signer_from_seed, signer_held
from git_tracker.store.keyfile import Ask
from git_tracker.store.sshagent import Agent

Entropy = Callable[[int], bytes]
Kind = Literal["device", "ssh", "agent"]

KINDS: tuple[Kind, ...] = ("device", "ssh", "agent")
_TOLD = {"device": "made for this device", "ssh": "in {file}", "agent": "held by the ssh-agent"}


class Source(NamedTuple):
    """Where a person's key is. `key` is the raw public key (empty for a device key yet to be made)."""

    kind: Kind
    key: bytes = b""
    file: str = ""  # of a key in a file, absolute

    def __str__(self) -> str:
        return _TOLD[self.kind].format(file=self.file)


class Keyring:
    """The keys of people on this device.

    `folder` is theirs; `agent` the ssh-agent; `ask` puts a question to the person at the terminal, if there is one.
    A passphrase is asked for once: the key stays in this object's memory.
    """

    def __init__(self, folder: str, agent: Agent | None = None, ask: Ask | None = None) -> None:
        self.folder, self.agent = folder, agent or Agent()
        self._ask = ask
        self._opened: dict[bytes, bytes] = {}

    @classmethod
    def here(cls, environ: Mapping[str, str] | None = None, ask: Ask | None = None) -> Self:
        """Return the keyring of this user: below `$XDG_CONFIG_HOME` or `~/.config`, agent as `SSH_AUTH_SOCK` says."""
        environ = os.environ if environ is None else environ
        config = environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
        return cls(os.path.join(config, "git-tracker", "keys"), Agent(environ.get("SSH_AUTH_SOCK", "")), ask)

    def people(self) -> list[str]:
        """Return the handles of all people whose keys are here."""
        try:
            names = os.listdir(self.folder)
        except OSError:
            return []
        return sorted({name.removesuffix(".source") for name in names if "." not in name.removesuffix(".source")})

    def path(self, person: str) -> str:
        """Return where a person's device key is, or would be."""
        return os.path.join(self.folder, person)

    def source(self, person: str) -> Source:
        """Return where a person's key is; raise `NotFound` if they have none here."""
        if chosen := self._chosen(person):
            return chosen
        if not os.path.lexists(self.path(person)):
            raise NotFound(f"there is no key for {person} on this device", "run `tracker init`", code="no_key")
        found = keyfile.outside(self.path(person))
        return Source("device", found.key)

    def identity(self, person: str, name: str, email: str) -> Identity:
        """Return who a person is here; needs no passphrase and no agent."""
        return Identity(name, email, self.source(person).key)

    def signer(self, person: str, name: str, email: str) -> Signer:
        """Return a person's signer, its key unlocked. Raises `NotFound` if there is no key, `Refused` if others can
        read it or it was exchanged, `Unusable` without an agent or anybody to ask."""
        source = self.source(person)
        who = Identity(name, email, source.key)
        if source.kind == "agent":
            if not any(held.key == source.key for held in self.agent.held()):
                hint = "`ssh-add` gives it its keys; `tracker identity list` shows what can sign here"
                raise Unusable(
                    f"the ssh-agent does not hold {who.fingerprint}, the key of {person}", hint, code="no_key"
                )
            return signer_held(who, lambda message: self.agent.sign(who.key, message))
        if source.kind == "ssh":
            outside = keyfile.outside(source.file, follow=True)
            if outside.key != source.key:
                hint = f"`tracker identity new --switch --key ssh --identity {source.file}` takes the one that is there now"
                raise Refused(f"{source.file} no longer holds {who.fingerprint}, the key of {person}", hint)
            if outside.encrypted and source.key not in self._opened and self.agent.holds(source.key):
                return signer_held(who, lambda message: self.agent.sign(who.key, message))
            if source.key not in self._opened:
                self._opened[source.key] = keyfile.seed(source.file, self._ask, follow=True)
            return signer_from_seed(name, email, self._opened[source.key])
        return signer_from_seed(name, email, keyfile.seed(self.path(person)))

    def settle(self, person: str, wanted: Source | None, entropy: Entropy) -> bool:
        """See to it that a person has a key, `wanted` or one made here; return whether that is new.

        Raises `Conflict` if they have another one already.
        """
        if person not in self.people():
            self.switch(person, wanted or Source("device"), entropy)
            return True
        present = self.source(person)
        if wanted and (wanted.kind, wanted.key or present.key) != (present.kind, present.key):
            raise Conflict(
                f"{person} signs here with {sshwire.fingerprint(present.key)}, {present}",
                f"`tracker identity new --switch --key {wanted.kind}` changes that",
                code="key_chosen",
            )
        return False

    def switch(self, person: str, source: Source, entropy: Entropy) -> None:
        """Let a person sign with another key from now on; what they had stays.

        A device key takes over again from a key elsewhere; the place of one in use is taken by a new one, and the old
        is kept beside it, its name followed by the first digits of the public key.
        """
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        pointer = self.path(person) + ".source"
        if source.kind != "device":
            chosen = {"file": source.file, "key": sshwire.public_line(source.key), "kind": source.kind}
            _write(pointer + ".new", json.dumps(chosen) + "\n", os.O_TRUNC)
            os.replace(pointer + ".new", pointer)
            return
        elsewhere = os.path.exists(pointer)
        if not elsewhere and os.path.lexists(self.path(person)):
            os.rename(self.path(person), f"{self.path(person)}.{self.source(person).key.hex()[:16]}")
        if not os.path.lexists(self.path(person)):
            self._make(person, entropy)
        if elsewhere:
            os.remove(pointer)

    def _make(self, person: str, entropy: Entropy) -> None:
        """Make a key for a person and store it; one that is there already, perhaps made this very moment, stays."""
        seed = entropy(32)
        key = signer_from_seed("", "", seed).identity.key
        new = os.path.join(self.folder, f".{person}.{entropy(4).hex()}")
        _write(new, keyfile.encode(seed, key, f"{person}@tracker", entropy(4)), os.O_EXCL)
        try:
            os.link(new, self.path(person))  # whole or not at all, and never over another
        except FileExistsError:
            return
        finally:
            os.unlink(new)
        _write(self.path(person) + ".pub", sshwire.public_line(key, f"{person}@tracker") + "\n", os.O_TRUNC, 0o644)

    def _chosen(self, person: str) -> Source | None:
        path = self.path(person) + ".source"
        try:
            with open(path, encoding="utf-8") as file:
                found = json.loads(file.read(65536))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unusable(f"{path} cannot be read: {error.strerror}") from None
        except ValueError:
            found = None
        try:
            kind = next(kind for kind in KINDS if kind == found["kind"])
            return Source(kind, sshwire.parse_public_line(found["key"]), str(found["file"]))
        except (Corrupt, KeyError, TypeError, StopIteration, AttributeError):
            hint = f"`tracker identity new --switch --person {person} --key …` writes it anew"
            raise Corrupt(f"{path} does not say where the key of {person} is", hint) from None


def _write(path: str, text: str, how: int, mode: int = 0o600) -> None:
    """Write a file, synced to disk; `how` is O_EXCL where one that is there must stay."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | how, mode)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
