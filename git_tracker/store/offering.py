"""The keys a person could sign with on this device: what `tracker init` offers and `tracker identity list` shows."""

import os
from collections.abc import Iterator
from typing import NamedTuple

from git_tracker.errors import Ambiguous, Corrupt, Invalid, NotFound, TrackerError
from git_tracker.store import keyfile, sshwire
from git_tracker.store.keystore import Keyring, Kind, Source
from git_tracker.store.sshagent import Held


class Offer(NamedTuple):
    """A key found here. `people` sign with it on this device; `problem` says why it cannot sign, if it cannot."""

    source: Source
    fingerprint: str
    where: str  # the file, or the agent's comment
    people: tuple[str, ...] = ()
    encrypted: bool = False
    problem: str = ""


def offers(keyring: Keyring) -> list[Offer]:
    """Return every key that is here, usable or not: those made here, the user's usual ssh key, those of the agent."""
    users: dict[Source, list[str]] = {}
    broken = []
    for person in keyring.people():
        try:
            users.setdefault(keyring.source(person), []).append(person)
        except TrackerError as error:
            broken.append(Offer(Source("device"), "", keyring.path(person), (person,), problem=str(error)))
    usual = usual_file()
    found = [*_devices(keyring), *_files(sorted({usual} | {source.file for source in users if source.file}))]
    found += [_of_agent(held) for held in _held(keyring)]
    known = {offer.source for offer in found}
    found += [Offer(source, sshwire.fingerprint(source.key), source.file, problem="it is not here now")
              for source in users if source not in known]  # fmt: skip
    return [offer._replace(people=tuple(users.get(offer.source, ()))) for offer in found] + broken


def named(keyring: Keyring, kind: Kind, identity: str = "") -> Source:
    """Return the key that the user named: of kind `ssh` by its file (by default the usual one), of kind `agent` by its
    fingerprint or public key (by default the only one). Raises `NotFound`, `Ambiguous` or `Invalid`."""
    if kind == "device":
        if identity:
            raise Invalid("a key made for this device has no file to name", "leave out --identity", code="usage")
        return Source("device")
    if kind == "ssh":
        return _in_file(os.path.abspath(os.path.expanduser(identity)) if identity else usual_file())
    return _in_agent(keyring, identity)


def usual_file() -> str:
    """Return where ssh-keygen puts an Ed25519 key."""
    return os.path.join(os.path.expanduser("~"), ".ssh", "id_ed25519")


def _in_file(path: str) -> Source:
    path = path.removesuffix(".pub")
    try:
        found = keyfile.outside(path, follow=True)
    except Corrupt as error:
        raise keyfile.unusable(f"the key {path}", str(error).rpartition(": ")[2]) from None
    if not found.key:
        raise keyfile.unusable(f"the key {path}", f"it is {found.type}")
    return Source("ssh", found.key, path)


def _in_agent(keyring: Keyring, identity: str) -> Source:
    held = keyring.agent.held()
    usable = [one for one in held if one.key]
    if identity:
        wanted = [one for one in held if identity == one.fingerprint or _is_line(identity, one)]
        if not wanted:
            raise NotFound(f"the ssh-agent holds no key {identity}", _listed(usable))
        if not wanted[0].key:
            raise keyfile.unusable(f"the key {identity}", f"it is {wanted[0].type}")
        return Source("agent", wanted[0].key)
    if not usable:
        raise NotFound("the ssh-agent holds no ssh-ed25519 key", "`ssh-add` gives it its keys", code="no_key")
    if len(usable) > 1:
        raise Ambiguous(f"the ssh-agent holds {len(usable)} keys", _listed(usable))
    return Source("agent", usable[0].key)


def _is_line(identity: str, held: Held) -> bool:
    words = sshwire.public_line(held.key).split() if held.key else []
    return bool(words) and identity.split()[:2] == words


def _listed(usable: list[Held]) -> str:
    if not usable:
        return "`ssh-add` gives it its keys"
    return "name one with --identity: " + ", ".join(f"{held.fingerprint} ({held.comment})" for held in usable)


def _devices(keyring: Keyring) -> Iterator[Offer]:
    """Every key made here, also where its person signs with another now."""
    for person in keyring.people():
        path = keyring.path(person)
        try:
            key = keyfile.outside(path).key
        except TrackerError:
            continue
        yield Offer(Source("device", key), sshwire.fingerprint(key), path)


def _files(paths: list[str]) -> Iterator[Offer]:
    for path in paths:
        try:
            found = keyfile.outside(path, follow=True)
        except NotFound:
            continue
        except TrackerError as error:
            yield Offer(Source("ssh", file=path), "", path, problem=str(error))
            continue
        problem = "" if found.key else f"it is {found.type}, and only ssh-ed25519 keys sign"
        fingerprint = sshwire.fingerprint(found.key) if found.key else ""
        yield Offer(Source("ssh", found.key, path), fingerprint, path, (), found.encrypted, problem)


def _held(keyring: Keyring) -> list[Held]:
    try:
        return keyring.agent.held()
    except TrackerError:
        return []


def _of_agent(held: Held) -> Offer:
    problem = "" if held.key else f"it is {held.type}, and only ssh-ed25519 keys sign"
    return Offer(Source("agent", held.key), held.fingerprint, held.comment, problem=problem)
