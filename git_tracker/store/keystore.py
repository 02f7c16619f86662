"""Where people's private keys live: one OpenSSH key file per person in the user's config folder, mode 0600."""

import os
from collections.abc import Callable

from git_tracker.errors import Corrupt, NotFound, Refused, Unusable
from git_tracker.store import sshwire
from git_tracker.store.identity import Signer, signer_from_seed

Entropy = Callable[[int], bytes]


def folder(environ: "os._Environ[str] | dict[str, str] | None" = None) -> str:
    """Return the folder of keys: `$XDG_CONFIG_HOME/git-tracker/keys`, by default under `~/.config`."""
    environ = os.environ if environ is None else environ
    config = environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    return os.path.join(config, "git-tracker", "keys")


def path(person: str) -> str:
    return os.path.join(folder(), person)


def people() -> list[str]:
    """Return the handles of all people whose keys are here."""
    try:
        return sorted(name for name in os.listdir(folder()) if not name.endswith(".pub") and not name.startswith("."))
    except OSError:
        return []


def load(person: str, name: str, email: str) -> Signer:
    """Return a person's signer; raise `NotFound` if there is no key, `Refused` if others can read it."""
    try:
        descriptor = os.open(path(person), os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise NotFound(f"there is no key for {person} on this device", "run `tracker init`", code="no_key") from None
    except OSError as error:
        raise Unusable(f"the key of {person} cannot be read: {error.strerror}") from error
    with os.fdopen(descriptor, encoding="ascii", errors="replace") as file:
        if os.fstat(file.fileno()).st_mode & 0o077:
            raise Refused(f"others can read the key {path(person)}", f"run `chmod 600 {path(person)}`", code="open_key")
        try:
            return signer_from_seed(name, email, sshwire.parse_private_file(file.read()))
        except Corrupt as error:
            raise Corrupt(f"the key {path(person)}: {error}") from None


def make(person: str, name: str, email: str, entropy: Entropy) -> Signer:
    """Make a key for a person and store it; one that is there already, perhaps made this very moment, stays."""
    seed = entropy(32)
    signer = signer_from_seed(name, email, seed)
    os.makedirs(folder(), mode=0o700, exist_ok=True)
    text = sshwire.private_file(seed, signer.identity.key, f"{person}@tracker", entropy(4))
    new = os.path.join(folder(), f".{person}.{entropy(4).hex()}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(new, path(person))  # whole or not at all, and never over another
    except FileExistsError:
        return load(person, name, email)
    finally:
        os.unlink(new)
    with open(f"{path(person)}.pub", "w", encoding="ascii") as file:
        file.write(sshwire.public_line(signer.identity.key, f"{person}@tracker") + "\n")
    return signer
