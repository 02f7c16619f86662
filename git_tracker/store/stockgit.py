"""What stock git needs to check our signatures without us: who may sign, what was revoked, and where it reads that.

Three settings of the repository point git at two files in our folder. A setting that already says something else is
left alone: it is the user's, and holds for their own commits too.
"""

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Literal, NamedTuple

from git_tracker.errors import Unusable
from git_tracker.store import sshwire
from git_tracker.store.place import Place

_SECONDS = 30


class Setting(NamedTuple):
    """One setting: what it should be, what it is now, and whether it is `set`, `missing` or somebody else's (`kept`)."""

    name: str
    value: str
    now: str
    state: Literal["set", "missing", "kept"]
    remedy: str = ""


def files(where: Place) -> tuple[str, str]:
    """Return where our allowed-signers file and our revocation list are, or would be."""
    return os.path.join(where.home, "allowed-signers"), os.path.join(where.home, "revoked.krl")


def settings(where: Place) -> list[Setting]:
    """Return the three settings and how each stands, in whatever scope it is set."""
    signers, revoked = files(where)
    return [
        _own_format(where),
        _setting(where, "gpg.ssh.allowedSignersFile", signers, "`tracker identity export --allowed-signers` prints what to add to it"),
        _setting(where, "gpg.ssh.revocationFile", revoked, "`tracker identity export --krl FILE` writes what would be in ours"),
    ]  # fmt: skip


def configure(where: Place, wanted: Iterable[Setting]) -> None:
    """Write the missing settings into the repository's configuration."""
    config = os.path.join(where.common, "config")
    for setting in wanted:
        if setting.state == "missing":
            done = _run(["git", "config", "--file", config, setting.name, setting.value])
            if done.returncode:
                raise Unusable(f"git could not set {setting.name}: {done.stderr.decode('utf-8', 'replace').strip()}")


def write_files(where: Place, allowed_signers: str, revoked: Iterable[Mapping[str, Any]]) -> None:
    """Write both files anew. Git reads them at its next check."""
    signers, krl = files(where)
    os.makedirs(where.home, mode=0o700, exist_ok=True)
    listed = list(revoked)
    write_revocation_list(krl, listed)
    _replace(signers, _signed_with(allowed_signers, listed))


def keep_fresh(where: Place, allowed_signers: Callable[[], str], revoked: Callable[[], list[dict[str, Any]]]) -> None:
    """Write both files anew if `trust git-setup` made them and they say something else by now.

    Nothing fails for want of that: whoever runs `trust git-setup` again is told why it cannot be done.
    """
    signers, _ = files(where)
    if os.path.exists(signers):
        text, listed = allowed_signers(), revoked()
        with suppress(OSError, Unusable), open(signers, "rb") as file:
            if file.read() != _signed_with(text, listed):
                write_files(where, text, listed)


def _signed_with(allowed_signers: str, revoked: Iterable[Mapping[str, Any]]) -> bytes:
    """Return the file of allowed signers; a comment in it names the revocation list that belongs to it."""
    keys = " ".join(sorted({str(one["key"]) for one in revoked}))
    return f"{allowed_signers}# revoked: {hashlib.sha256(keys.encode()).hexdigest()}\n".encode()


def write_revocation_list(path: str, revoked: Iterable[Mapping[str, Any]]) -> None:
    """Write what `revocation_list` makes; a file that is there is replaced as a whole."""
    _replace(path, revocation_list(revoked))


def revocation_list(revoked: Iterable[Mapping[str, Any]]) -> bytes:
    """Return a key revocation list of sessions' keys, and so of their certificates, made by ssh-keygen.

    `revoked` is what `Governor.revoked` returns. To stock git all that such a key ever signed is bad, also what still
    counts here: it knows no "up to this entry".
    """
    keys = sorted({str(one["key"]) for one in revoked})
    listed = "".join(f"key: {sshwire.public_line(bytes.fromhex(key))}\n" for key in keys)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "krl")
        done = _run(["ssh-keygen", "-q", "-k", "-f", path, "-"], listed.encode())
        if done.returncode:
            raise Unusable(f"ssh-keygen made no revocation list: {done.stderr.decode('utf-8', 'replace').strip()}")
        with open(path, "rb") as found:
            return found.read()


def _own_format(where: Place) -> Setting:
    """`gpg.format` decides how the user's own commits are signed, so one who signs them otherwise keeps it."""
    found = _setting(where, "gpg.format", "ssh", "your own commits are signed so; checking the tracker's works without")
    key = _get(where, "user.signingKey")
    if found.state == "missing" and key and not key.startswith(("ssh-", "key::", "/", "~")):
        return found._replace(state="kept", now="openpgp")
    return found


def _setting(where: Place, name: str, value: str, remedy: str) -> Setting:
    now = _get(where, name)
    state: Literal["set", "missing", "kept"] = "missing" if not now else "set" if now == value else "kept"
    return Setting(name, value, now, state, remedy if state == "kept" else "")


def _get(where: Place, name: str) -> str:
    return (
        _run(["git", "--git-dir", where.common, "config", "--get", name]).stdout.decode("utf-8", "replace").rstrip("\n")
    )


def _run(argv: list[str], text: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    try:
        return subprocess.run(argv, input=text, capture_output=True, check=False, timeout=_SECONDS)
    except FileNotFoundError:
        raise Unusable(f"{argv[0]} is not installed", "it comes with git and OpenSSH") from None
    except subprocess.TimeoutExpired:
        raise Unusable(f"{argv[0]} did not end within {_SECONDS} s") from None


def _replace(path: str, content: bytes) -> None:
    with open(f"{path}.new", "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(f"{path}.new", path)
