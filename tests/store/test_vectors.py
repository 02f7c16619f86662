"""The test vectors of docs/FORMAT.md, read from docs/vectors as any other implementation would."""

import base64
import json
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from git_tracker.errors import Corrupt, Invalid
from git_tracker.store import canonical, commit, entry, identity, keyfile, sshwire
from tests.store import trust_vectors, vectors


def vector(name: str) -> Any:
    return json.loads((vectors.FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def verified(raw: bytes) -> identity.Proof:
    found = entry.decode(commit.commit_id(raw), raw)
    return identity.verify(found.payload, found.armour)


@pytest.mark.parametrize("name", vectors.FILES)
def test_the_vectors_are_what_fixed_keys_clock_and_chance_give(name: str) -> None:
    stored = (vectors.FOLDER / name).read_text(encoding="utf-8")
    assert stored == vectors.text(name), "format changed? `python -m tests.store.vectors` writes them anew"


def test_canonical_texts_stand_for_their_values_both_ways() -> None:
    for case in vector("canonical")["good"]:
        assert canonical.loads(case["text"]) == case["value"]
        assert canonical.dumps(case["value"]) == case["text"]


def test_every_other_text_is_refused() -> None:
    for case in vector("canonical")["bad"]:
        with pytest.raises(Corrupt):
            canonical.loads(case["text"])


@pytest.mark.parametrize(
    "value", [1.5, float("nan"), 2**53 + 1, {1: 2}, b"x", {"a": "\0"}, "\ud800", [[]] * 1 + [object()]]
)
def test_what_the_format_cannot_hold_is_refused_when_writing(value: Any) -> None:
    with pytest.raises(Invalid):
        canonical.dumps(value)


def test_good_entries_have_the_stated_ids_and_signers() -> None:
    for case in vector("entries")["good"]:
        raw = case["commit"].encode()
        signer = identity.signer_from_seed("", "", bytes.fromhex(case["seed"]))
        signer.certificate = base64.b64decode(case["certificate"] or "")

        assert commit.commit_id(raw) == case["id"], case["name"]
        assert entry.decode(case["id"], raw).payload.decode() == case["payload"]
        assert commit.join(case["payload"].encode(), signer.sign(case["payload"].encode())) == raw
        assert verified(raw).key == signer.identity.key


def test_bad_entries_are_refused_with_the_stated_reason() -> None:
    cases = vector("entries")["bad"] + vector("armour")["bad"]
    assert len(cases) > 60
    for case in cases:
        with pytest.raises(Corrupt) as refusal:
            verified(base64.b64decode(case["commit_base64"]))
        assert str(refusal.value).startswith(case["reason"]), case["name"]


ODD: dict[str, list[Any]] = {
    "auth": [["a" * 40, "b" * 40], ["b" * 40, "a" * 40], ["a" * 40] * 2, [], ["A" * 40], ["a" * 39], [7], "a" * 40],
    "events": [
        [{"type": "custom", "data": {"hlc": [1, 2], "x": '],"hlc":['}}], [{"type": "label-added", "label": "é\u2028"}],
        [{"type": "x"}] * 257, [{"type": 7}], [{}], [[]], [], {}, [{"type": "x", "d": [[[[[[[[[[]]]]]]]]]]}],
        [{"type": "x", "d": [[[[[[[[[]]]]]]]]]}],
    ],
    "hlc": [[0, 0], [253402300800000, 0], [1, -1], [1], [1, 2, 3], [True, 0], [10**15, 0], ["1", 0]],
    "n": [0, 1, -1, 10**15, 2**53, None, "1", True], "prev": [None, "c" * 40, "c" * 41, "", 7],
    "repo": ["d" * 40, "", "D" * 40, None], "rk": ["", "key", 'a"b', "a\\b", "a b", "x" * 201, "é", None],
    "sid": ["", "s" * 64, "s" * 65, "s s", None], "under": ["", "e" * 40, "e" * 39, None], "v": [1, 2, "1", True],
}  # fmt: skip


def test_the_quick_way_to_read_an_envelope_takes_none_that_the_strict_way_refuses_or_reads_otherwise() -> None:
    chance, quick = random.Random(4), 0
    for round in range(20_000):
        said = {name: odd[0] for name, odd in ODD.items()} | {"n": 3, "prev": "c" * 40}
        for name in chance.sample(sorted(ODD), chance.randrange(3)):
            said[name] = chance.choice(ODD[name])
        text = json.dumps(said, ensure_ascii=False, separators=(",", ":"), sort_keys=bool(round % 9))
        if round % 2:
            at, more = (
                chance.randrange(len(text)),
                chance.choice(["", " ", "0", '"', "]", "}", ",", "é", "\\", text[:9]]),
            )
            text = text[:at] + more + text[at + chance.randrange(2) :]
        found = entry._plain(text)
        if found is None:
            continue
        quick += 1
        assert found == entry._envelope(canonical.loads(text)), text
    assert quick > 2_000


def test_the_armour_is_one_text() -> None:
    case = vector("armour")
    signer = identity.signer_from_seed("", "", bytes.fromhex(case["seed"]))
    payload = case["payload"].encode()

    assert base64.b64decode(case["signed_bytes_base64"]) == sshwire.signed_bytes(payload)
    assert signer.sign(payload) == case["armour"]
    assert sshwire.public_line(signer.identity.key) == case["public_key"]
    assert signer.identity.fingerprint == case["fingerprint"]


def test_certificates_say_who_delegated_what_to_whom() -> None:
    for case in vector("certificates")["good"]:
        found = identity.delegation(base64.b64decode(case.pop("certificate")))
        assert {**found._asdict(), "key": found.key.hex(), "issuer": found.issuer.hex()} == case
    for case in vector("certificates")["bad"]:
        with pytest.raises(Corrupt):
            identity.delegation(base64.b64decode(case["certificate"]))


def test_trust_logs_have_the_stated_members_and_verdicts_in_any_order() -> None:
    for case in vector("trust")["cases"]:
        name, expected = case.pop("name"), {key: case.pop(key) for key in ("members", "counts", "verdicts")}
        assert trust_vectors.outcome(**case) == expected, name
        assert trust_vectors.outcome(**{**case, "log": case["log"][::-1]}) == expected, name


@pytest.mark.parametrize(
    ("name", "members", "verdicts"),
    [
        ("members and strangers", {"ada": "owner", "bob": "writer"}, "ok ok ok muted muted waiting"),
        ("what the remover had seen stays", {"ada": "owner"}, "ok ok muted"),
        ("of two who remove each other the senior stays", {"ada": "owner", "bob": "maintainer"}, "ok"),
        ("after the end of its session", {"ada": "owner"}, "ok ok muted"),
        (
            "a lowered role holds for what was not seen",
            {"ada": "owner", "bob": "writer", "cem": "observer"}, "ok ok ok muted",
        ),
        ("policies bind who has seen them", {"ada": "owner"}, "ok ok muted muted ok"),
        ("scopes and times", {"ada": "owner"}, "ok ok muted muted"),
        ("adopting lets a muted entry count", {"ada": "owner"}, "ok ok"),
        ("another root says nothing until it is joined", {"ada": "owner", "bob": "owner"}, "ok ok"),
    ],
)  # fmt: skip
def test_the_trust_vectors_say_what_their_names_say(name: str, members: dict[str, str], verdicts: str) -> None:
    case = next(one for one in vector("trust")["cases"] if one["name"] == name)
    assert case["members"] == members
    assert [one["verdict"] for one in case["verdicts"]] == verdicts.split()


def test_openssh_reads_our_certificates_and_keys(tmp_path: Path) -> None:
    signer = identity.signer_from_seed("Ada", "ada@example.org", b"\1" * 32)
    key = tmp_path / "key"
    key.write_text(keyfile.encode(b"\1" * 32, signer.identity.key, "ada@tracker", b"1234"), encoding="ascii")
    key.chmod(0o600)
    shown = subprocess.run(["ssh-keygen", "-y", "-f", key], capture_output=True, text=True, check=True).stdout
    assert shown.split()[:2] == sshwire.public_line(signer.identity.key).split()
    assert keyfile.decode(key.read_text(encoding="ascii")) == b"\1" * 32

    case = vector("certificates")["good"][1]
    blob = case["certificate"]
    (tmp_path / "cert.pub").write_text(f"{sshwire.CERT_TYPE.decode()} {blob}\n", encoding="ascii")
    told = subprocess.run(
        ["ssh-keygen", "-L", "-f", tmp_path / "cert.pub"], capture_output=True, text=True, check=True, env={"TZ": "UTC"}
    ).stdout
    assert f'Key ID: "{case["sid"]} claude-code/2.1 fixer"' in told
    assert "Serial: 4" in told
    assert f"{case['sid']}.ada@tracker" in told
    assert "scope@git-tracker" in told
