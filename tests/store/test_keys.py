"""People's keys: made here, in their own OpenSSH files, or held by the ssh-agent; and that none of them leaks."""

import base64
import json
import os
import socket
import struct
import subprocess
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from git_tracker.errors import Ambiguous, Conflict, Corrupt, Invalid, NotFound, Refused, TrackerError, Unusable
from git_tracker.store import IssueStore, Keyring, Signer, Source, keyfile, named_key, offered_keys
from git_tracker.store import write_revocation_list as write_krl
from git_tracker.store.identity import signer_from_seed
from git_tracker.store.sshagent import Agent
from tests import openssh

PASSPHRASE = "correct horse"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A key file of Ada's."""
    return openssh.keygen(tmp_path / "ssh" / "id_ed25519")


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    """A key file with a passphrase."""
    return openssh.keygen(tmp_path / "ssh" / "locked", "-a", "2", passphrase=PASSPHRASE)


class Person:
    """Somebody at a terminal who is asked for a passphrase."""

    def __init__(self, answer: str = PASSPHRASE) -> None:
        self.answer, self.asked = answer, list[str]()

    def __call__(self, question: str) -> str:
        self.asked.append(question)
        return self.answer


@contextmanager
def opened(repo: Path, ask: Callable[[str], str] | None = None) -> Iterator[IssueStore]:
    store = IssueStore.open(str(repo), keyring=Keyring.here(ask=ask))
    yield store
    store.close()


def chosen(store: IssueStore, kind: str, identity: object = "") -> Source:
    assert kind in ("ssh", "agent")
    return named_key(store.keyring, "ssh" if kind == "ssh" else "agent", str(identity))


# the ssh-agent


def test_a_key_in_the_agent_signs_and_stock_git_says_good(repo: Path, ssh_agent: str, key: Path) -> None:
    openssh.add(ssh_agent, key)
    with opened(repo) as store:
        ada, new = store.init(key=chosen(store, "agent"))
        issue = store.create_issue(ada, {"title": "Signed by the agent"})

        assert new
        assert ada.identity.fingerprint == openssh.fingerprint(key)
        assert openssh.vouched(store, repo, issue)
        assert store.verify()["ok"]


def test_a_session_certified_by_a_key_in_the_agent_is_good_through_its_authority(
    repo: Path, ssh_agent: str, key: Path
) -> None:
    openssh.add(ssh_agent, key)
    with opened(repo) as store:
        ada, _ = store.init(key=chosen(store, "agent"))
        session = store.delegate(ada, client="claude-code/2.1", label="fixer")
        issue = store.create_issue(session, {"title": "Signed by a session"})

        assert session.issuer == ada.identity.key
        assert store.get_issue(issue)["author"]["person"] == "ada"
        assert openssh.vouched(store, repo, issue)


def test_the_choice_of_a_key_outlives_the_process(repo: Path, ssh_agent: str, key: Path) -> None:
    openssh.add(ssh_agent, key)
    with opened(repo) as store:
        first, _ = store.init(key=chosen(store, "agent"))
    with opened(repo) as store:
        again, new = store.init()
        assert again.identity == first.identity
        assert not new
        assert store.keyring.source("ada") == Source("agent", first.identity.key)


def test_of_several_keys_in_the_agent_one_is_named_by_fingerprint_or_public_key(
    store: IssueStore, ssh_agent: str, tmp_path: Path
) -> None:
    paths = [openssh.keygen(tmp_path / name) for name in ("one", "two")]
    for path in paths:
        openssh.add(ssh_agent, path)
    keyring = Keyring.here()

    with pytest.raises(Ambiguous, match="2 keys") as error:
        named_key(keyring, "agent")
    assert openssh.fingerprint(paths[0]) in error.value.hint
    by_fingerprint = named_key(keyring, "agent", openssh.fingerprint(paths[1]))
    assert by_fingerprint == named_key(keyring, "agent", paths[1].with_suffix(".pub").read_text())
    assert by_fingerprint != named_key(keyring, "agent", openssh.fingerprint(paths[0]))
    with pytest.raises(NotFound, match="holds no key SHA256:nothing"):
        named_key(keyring, "agent", "SHA256:nothing")


def test_without_an_agent_the_error_says_so(repo: Path, ssh_agent: str, key: Path, tmp_path: Path) -> None:
    openssh.add(ssh_agent, key)
    with opened(repo) as store:
        store.init(key=chosen(store, "agent"))
        store.keyring.agent = Agent("")
        with pytest.raises(Unusable, match="SSH_AUTH_SOCK is not set"):
            store.signer()
        store.keyring.agent = Agent(str(tmp_path / "gone"))
        with pytest.raises(Unusable, match="there is no ssh-agent at") as error:
            store.signer()
        assert error.value.code == "no_agent"
        assert store.identity().fingerprint == openssh.fingerprint(key)  # who one is needs no agent


def test_a_key_taken_out_of_the_agent_signs_no_more_and_nothing_is_written(
    repo: Path, ssh_agent: str, key: Path
) -> None:
    openssh.add(ssh_agent, key)
    with opened(repo) as store:
        ada, _ = store.init(key=chosen(store, "agent"))
        subprocess.run(["ssh-add", "-q", "-D"], check=True, capture_output=True, timeout=60)

        with pytest.raises(Refused, match="refused to sign with SHA256:") as error:
            store.create_issue(ada, {"title": "Never"})
        assert error.value.code == "agent_refused"
        assert store.list_issues()["total"] == 0
        with pytest.raises(Unusable, match="does not hold SHA256:"):
            store.signer()


@contextmanager
def pretender(path: Path, *pieces: bytes, pause: float = 0.0) -> Iterator[Agent]:
    """Something behind a socket that answers the same to everything, and hangs up when it has said it all."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()
    done = threading.Event()

    def answer() -> None:
        while True:
            try:
                link, _ = server.accept()
            except OSError:
                return
            with link:
                link.recv(65536)
                for piece in pieces:
                    if done.wait(pause):
                        return
                    try:
                        link.sendall(piece)
                    except OSError:
                        break
                else:
                    done.wait(0.0 if pieces else 5.0)

    thread = threading.Thread(target=answer)
    thread.start()
    yield Agent(str(path), patience=0.3)
    done.set()
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join(10)
    assert not thread.is_alive()


def framed(message: bytes) -> bytes:
    return struct.pack(">I", len(message)) + message


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (framed(b"\x05"), "agent_refused"),
        (framed(b"\x63"), "agent_broken"),
        (framed(b"\x0e" + framed(b"")), "agent_broken"),
        (framed(b"\x0e" + framed(framed(b"ssh-ed25519") + framed(b"short"))), "agent_broken"),
        (framed(b"\x0e" + framed(framed(b"ssh-rsa") + framed(bytes(64)))), "agent_broken"),
        (struct.pack(">I", 0), "agent_broken"),
        (struct.pack(">I", 2**32 - 1), "agent_broken"),
        (struct.pack(">I", 100) + b"\x0e", "agent_broken"),
    ],
)
def test_whatever_an_agent_answers_the_error_is_ours(tmp_path: Path, answer: bytes, code: str) -> None:
    with pretender(tmp_path / "s", answer) as agent:
        with pytest.raises((Refused, Unusable)) as error:
            agent.sign(bytes(32), b"message")
        assert error.value.code == code
        assert error.value.hint


@pytest.mark.parametrize("answer", [b"\x0c" + b"\xff" * 4, b"\x0c" + struct.pack(">I", 1) + framed(b"") * 2])
def test_a_list_of_keys_that_makes_no_sense_is_refused(tmp_path: Path, answer: bytes) -> None:
    with pretender(tmp_path / "s", framed(answer)) as agent:
        with pytest.raises(Unusable, match="makes no sense"):
            agent.held()
        assert not agent.holds(bytes(32))


def test_an_agent_that_says_nothing_or_drips_is_given_up(tmp_path: Path) -> None:
    begun = time.monotonic()
    with pretender(tmp_path / "silent") as agent, pytest.raises(Unusable, match="did not answer") as error:
        agent.sign(bytes(32), b"message")
    assert error.value.code == "agent_silent"
    drops = [struct.pack(">I", 500), *[b"x"] * 500]
    with pretender(tmp_path / "drips", *drops, pause=0.05) as agent, pytest.raises(Unusable, match="did not answer"):
        agent.sign(bytes(32), b"message")
    assert time.monotonic() - begun < 5


def test_a_wrong_signature_of_an_agent_never_reaches_git(repo: Path, ssh_agent: str, key: Path, tmp_path: Path) -> None:
    openssh.add(ssh_agent, key)
    with opened(repo) as store:
        ada, _ = store.init(key=chosen(store, "agent"))
        wrong = framed(b"\x0e" + framed(framed(b"ssh-ed25519") + framed(bytes(64))))
        with pretender(tmp_path / "s", wrong) as store.keyring.agent:
            with pytest.raises(Corrupt, match="does not match"):
                store.create_issue(ada, {"title": "Never"})
            with pytest.raises(Corrupt, match="does not match"):
                store.delegate(ada, client="c/1", label="l")
        assert store.list_issues()["total"] == 0


# key files


def test_a_key_file_is_referred_to_and_never_copied(repo: Path, key: Path) -> None:
    with opened(repo) as store:
        ada, _ = store.init(key=chosen(store, "ssh", key))
        issue = store.create_issue(ada, {"title": "Signed with my own key"})
        session = store.delegate(ada, client="c/1", label="l")
        store.comment(session, issue, "And by a session")

        assert ada.identity.fingerprint == openssh.fingerprint(key)
        assert openssh.vouched(store, repo, issue)
        assert os.listdir(store.keyring.folder) == ["ada.source"]
        told = json.loads(Path(store.keyring.path("ada") + ".source").read_text())
        assert told == {
            "kind": "ssh", "file": str(key), "key": " ".join(key.with_suffix(".pub").read_text().split()[:2]),
        }  # fmt: skip


def test_the_usual_key_file_is_found_and_may_be_a_link(repo: Path, isolated: Path, key: Path) -> None:
    (isolated / ".ssh").mkdir()
    (isolated / ".ssh" / "id_ed25519").symlink_to(key)
    with opened(repo) as store:
        ada, _ = store.init(key=chosen(store, "ssh"))
        assert ada.identity.fingerprint == openssh.fingerprint(key)


def test_an_encrypted_key_asks_once(repo: Path, locked: Path) -> None:
    person = Person()
    with opened(repo, person) as store:
        ada, _ = store.init(key=chosen(store, "ssh", locked))
        issue = store.create_issue(ada, {"title": "One"})
        store.comment(store.signer(), issue, "Two")
        store.init()

        assert person.asked == [f"Passphrase of {locked}: "]
        assert openssh.vouched(store, repo, issue)


def test_a_wrong_passphrase_is_refused_and_leaves_no_tracker(repo: Path, locked: Path) -> None:
    with opened(repo, Person("wrong")) as store:
        with pytest.raises(Refused, match="not the passphrase") as error:
            store.init(key=chosen(store, "ssh", locked))
        assert error.value.code == "wrong_passphrase"
        assert not store.root
    with opened(repo, Person("")) as store, pytest.raises(Refused, match="not the passphrase"):
        store.signer()
    with opened(repo, Person()) as store:
        assert store.init()[1]


def test_with_nobody_to_ask_the_error_says_what_would_work(repo: Path, locked: Path) -> None:
    with opened(repo) as store:
        with pytest.raises(Unusable, match="nobody to ask") as error:
            store.init(key=chosen(store, "ssh", locked))
        assert error.value.code == "locked_key"
        assert error.value.hint.startswith(f"`ssh-add {locked}`")
        assert store.identity().fingerprint == openssh.fingerprint(locked)


def test_an_encrypted_key_that_the_agent_holds_needs_no_passphrase(
    repo: Path, ssh_agent: str, key: Path, tmp_path: Path
) -> None:
    openssh.add(ssh_agent, key)
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", PASSPHRASE, "-a", "2", "-f", key], check=True, timeout=60)
    with opened(repo) as store:
        ada, _ = store.init(key=chosen(store, "ssh", key))
        assert openssh.vouched(store, repo, store.create_issue(ada, {"title": "Signed by the agent"}))


@pytest.mark.parametrize(
    ("kind", "options", "why"),
    [
        ("rsa", ("-b", "2048"), "it is ssh-rsa"),
        ("rsa", ("-b", "2048", "-m", "PEM"), "not an OpenSSH private key"),
        ("ecdsa", (), "it is ecdsa-sha2-nistp256"),
    ],
)
def test_a_key_of_another_type_is_refused_by_name(
    store: IssueStore, tmp_path: Path, kind: str, options: tuple[str, ...], why: str
) -> None:
    path = openssh.keygen(tmp_path / "other", *options, kind=kind)
    with pytest.raises(Invalid, match=f"{path} cannot sign here: {why}") as error:
        named_key(store.keyring, "ssh", str(path))
    assert error.value.code == "unusable_key"
    assert "ssh-keygen -t ed25519" in error.value.hint


def test_an_rsa_key_in_the_agent_is_listed_and_refused(store: IssueStore, ssh_agent: str, tmp_path: Path) -> None:
    path = openssh.keygen(tmp_path / "rsa", "-b", "2048", kind="rsa")
    openssh.add(ssh_agent, path)
    keyring = Keyring.here()

    assert [
        (offer.fingerprint, bool(offer.problem)) for offer in offered_keys(keyring) if offer.source.kind == "agent"
    ] == [(openssh.fingerprint(path), True)]
    with pytest.raises(NotFound, match="no ssh-ed25519 key"):
        named_key(keyring, "agent")
    with pytest.raises(Invalid, match="it is ssh-rsa"):
        named_key(keyring, "agent", openssh.fingerprint(path))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_key_file_that_others_can_open_is_refused(repo: Path, key: Path, mode: int) -> None:
    with opened(repo) as store:
        store.init(key=chosen(store, "ssh", key))
        key.chmod(mode)
        for attempt in (lambda: chosen(store, "ssh", key), store.signer):
            with pytest.raises(Refused, match="others can read") as error:
                attempt()
            assert (error.value.code, error.value.hint) == ("open_key", f"run `chmod 600 {key}`")


def test_a_device_key_that_others_can_read_or_that_is_a_link_is_refused(store: IssueStore, tmp_path: Path) -> None:
    path = Path(store.keyring.path("ada"))
    path.chmod(0o644)
    with pytest.raises(Refused, match="others can read"):
        store.signer()
    path.chmod(0o600)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Unusable, match="cannot be read"):
        store.signer()


def test_no_file_a_folder_and_a_pipe_are_no_keys(store: IssueStore, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "folder").mkdir(0o700)
    (tmp_path / "text").write_text("hello")
    (tmp_path / "text").chmod(0o600)
    for name, kind in {"none": NotFound, "pipe": Unusable, "folder": TrackerError, "text": Invalid}.items():
        with pytest.raises(kind):
            named_key(store.keyring, "ssh", str(tmp_path / name))


def test_a_key_file_exchanged_behind_our_back_is_refused(repo: Path, key: Path, tmp_path: Path) -> None:
    with opened(repo) as store:
        store.init(key=chosen(store, "ssh", key))
        openssh.keygen(tmp_path / "new").replace(key)
        with pytest.raises(Refused, match="no longer holds SHA256:") as error:
            store.signer()
        assert "identity new --switch" in error.value.hint


# which of them


def test_another_key_than_the_one_chosen_needs_a_switch(store: IssueStore, key: Path) -> None:
    before = store.identity()
    with pytest.raises(Conflict, match=r"ada signs here with SHA256:.*, made for this device"):
        store.init(key=chosen(store, "ssh", key))
    assert store.identity() == before

    store.choose_key("ada", chosen(store, "ssh", key))
    assert store.identity().fingerprint == openssh.fingerprint(key)
    store.choose_key("ada")
    assert store.identity() == before


def test_a_device_key_in_use_gives_way_to_a_new_one_and_is_kept(store: IssueStore) -> None:
    before, old = store.identity(), Path(store.keyring.path("ada")).read_text()
    store.choose_key("ada")

    assert store.identity() != before
    assert store.signer().identity == store.identity()
    kept = Path(f"{store.keyring.path('ada')}.{before.key.hex()[:16]}")
    assert (kept.read_text(), kept.stat().st_mode & 0o777) == (old, 0o600)
    assert store.keyring.people() == ["ada"]


def test_a_damaged_choice_says_what_mends_it(store: IssueStore) -> None:
    pointer = Path(store.keyring.path("ada") + ".source")
    for text in ("", "[]", "{}", '{"kind":"ssh","key":"x","file":""}', '{"kind":"card","key":"","file":""}', "\0"):
        pointer.write_text(text)
        with pytest.raises(Corrupt, match="does not say where the key of ada is") as error:
            store.signer()
        assert "--switch" in error.value.hint
    assert [offer.people for offer in offered_keys(store.keyring) if offer.problem] == [("ada",)]


def test_every_key_here_is_offered_with_whose_it_is(repo: Path, isolated: Path, ssh_agent: str, tmp_path: Path) -> None:
    usual = openssh.keygen(isolated / ".ssh" / "id_ed25519", "-a", "2", passphrase=PASSPHRASE)
    held = openssh.keygen(tmp_path / "held")
    openssh.add(ssh_agent, held)
    with opened(repo) as store:
        store.init()
        store.choose_key("grace", chosen(store, "agent"))
        found = offered_keys(store.keyring)

    assert [(offer.source.kind, offer.fingerprint, offer.where, offer.people, offer.encrypted) for offer in found] == [
        ("device", store.identity().fingerprint, store.keyring.path("ada"), ("ada",), False),
        ("ssh", openssh.fingerprint(usual), str(usual), (), True),
        ("agent", openssh.fingerprint(held), "ada@laptop", ("grace",), False),
    ]


# what stock git is told


def test_the_revocation_list_ends_one_session_and_no_other(store: IssueStore, repo: Path, tmp_path: Path) -> None:
    ada = store.signer()
    thief, honest = (store.delegate(ada, client="c/1", label=label) for label in ("thief", "honest"))
    issues = {by.identity.name: store.create_issue(by, {"title": "x"}) for by in (thief, honest, ada)}
    (tmp_path / "allowed").write_text(store.allowed_signers())
    options = [
        "-c",
        f"gpg.ssh.allowedSignersFile={tmp_path / 'allowed'}",
        "-c",
        f"gpg.ssh.revocationFile={tmp_path / 'krl'}",
    ]

    def good() -> list[str]:
        return [name for name, id in issues.items() if openssh.good(repo, f"refs/git-tracker/issues/{id}", *options)]

    write_krl(str(tmp_path / "krl"), [])
    assert good() == ["thief", "honest", "Ada Lovelace"]
    store.revoke(ada, "thief")
    write_krl(str(tmp_path / "krl"), store.revoked())
    assert good() == ["honest", "Ada Lovelace"]


def test_every_certificate_of_a_revoked_session_is_in_the_list(store: IssueStore, ada: Signer) -> None:
    first = store.delegate(ada, client="c/1", label="thief")
    resumed = store.delegate(ada, client="c/1", label="thief", sid=first.sid)
    for by in (first, resumed, store.delegate(ada, client="c/1", label="honest")):
        store.create_issue(by, {"title": "x"})
    assert store.revoked() == []
    store.revoke(ada, "thief")

    assert store.revoked() == [
        {"sid": first.sid, "key": key, "person_key": ada.identity.key.hex()}
        for key in sorted(by.identity.key.hex() for by in (first, resumed))
    ]


# and none of them leaks


def spellings(seed: bytes) -> set[bytes]:
    """How 32 bytes may stand in a file: raw, hexadecimal, decimal, or in base64 at any offset."""
    found = {seed, seed.hex().encode(), seed.hex().upper().encode(), ", ".join(map(str, seed)).encode()}
    for before in range(3):
        coded = base64.b64encode(bytes(before) + seed)[4 if before else 0 :][:40]
        found |= {coded, coded.translate(bytes.maketrans(b"+/", b"-_"))}
    return found


def test_no_private_key_is_in_any_file_but_its_own(
    repo: Path, isolated: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    drawn: list[bytes] = []

    def entropy(size: int) -> bytes:
        drawn.append(os.urandom(size))
        return drawn[-1]

    caplog.set_level(0)
    store = IssueStore.open(str(repo), entropy=entropy)
    ada, _ = store.init()
    agent = store.delegate(ada, client="claude-code/2.1", label="fixer")
    issue = store.create_issue(agent, {"title": "A secret is kept"})
    store.comment(ada, issue, "by both")
    told = [repr(ada), repr(agent), repr(vars(agent)), repr(store.keyring)]
    with pytest.raises(Invalid) as refused:
        store.create_issue(agent, {"title": ""})
    with pytest.raises(struct.error) as failed:
        ada.delegate(sid="", person="", client="", label="", serial=-1, valid=(0, 0), seed=bytes(range(32)), nonce=b"")
    told += ["".join(traceback.format_exception(error)) for error in (refused.value, failed.value)]
    store.verify()
    store.close()
    told += [caplog.text, *capfd.readouterr()]
    batch = ["git", "-C", str(repo), "cat-file", "--batch-all-objects", "--batch"]
    objects = subprocess.run(batch, capture_output=True, check=True, timeout=60).stdout

    owned = (ada.identity.key, agent.identity.key)
    seeds = [one for one in drawn if len(one) == 32 and signer_from_seed("", "", one).identity.key in owned]
    assert len(seeds) == 2
    wanted = set().union(*map(spellings, seeds))
    files = {path: path.read_bytes() for top in (repo, isolated) for path in top.rglob("*") if path.is_file()}
    own = files.pop(Path(store.keyring.path("ada")))
    assert keyfile.decode(own.decode()) == seeds[0]
    assert [path for path, content in files.items() if any(one in content for one in wanted)] == []
    assert not any(one in objects for one in wanted)
    wanted |= spellings(bytes(range(32)))
    assert not [text for text in told if any(one in text.encode() for one in wanted)]
    assert len(files) > 8
    assert b"A secret is kept" in objects
