"""Writes docs/vectors/*.json anew: `python -m tests.store.vectors`. Keys, clock and chance are fixed."""

import base64
import json
from pathlib import Path
from typing import Any

from git_tracker.store import commit, sshwire
from tests.store import forge, trust_vectors
from tests.store.bad import ARMOUR, BAD

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "vectors"
ROOT = "a" * 40
TRUST = "b" * 40

GOOD_JSON: list[tuple[str, Any]] = [
    ("{}", {}),
    ("[]", []),
    ('{"":null,"a":[true,false]}', {"": None, "a": [True, False]}),
    ("[-9007199254740992,0,9007199254740992]", [-(2**53), 0, 2**53]),
    ('{"A":1,"B":2,"a":3}', {"a": 3, "B": 2, "A": 1}),
    ('{"€":1,"😀":2,"\ufb33":3}', {"\ufb33": 3, "😀": 2, "€": 1}),  # UTF-16 order: the emoji's surrogates come first
    ('"\\b\\t\\n\\f\\r\\u000b\\u001f\\"\\\\/\x7f\u2028é"', '\b\t\n\f\r\x0b\x1f"\\/\x7f\u2028é'),
    ("[" * 12 + "]" * 12, [[[[[[[[[[[[]]]]]]]]]]]]),
]
BAD_JSON = [
    '{"b":1,"a":2}', '{"a":1,"a":1}', '{ "a":1}', '{"a":1} ', "1.0", "1e2", "-0", "NaN", "Infinity", "01", '"\\u0041"',
    '"\\/"', '"\\u000A"', '"\\ud800"', '"\\u0000"', "9007199254740993", "-9007199254740993", "1" * 20, "", "nul", "'a'",
    "[1,]", '{"a":1,}', "[" * 13 + "]" * 13, '{"😀":2,"\ufb33":3,"€":1}', "\ufeff{}",
]  # fmt: skip


def base(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def canonical() -> dict[str, Any]:
    return {
        "good": [{"text": text, "value": value} for text, value in GOOD_JSON],
        "bad": [{"text": text} for text in BAD_JSON],
    }


def payload() -> bytes:
    return forge.unsigned(
        [forge.label("bug"), {"type": "comment-added", "body": "seen on ärger too"}], ["1" * 40], n=3, prev="9" * 40,
        repo=ROOT, auth=(TRUST,),
    )  # fmt: skip


def entries() -> dict[str, Any]:
    ada = forge.signer(1)
    agent = forge.session(ada, 3)
    made = {
        "the root of an issue, by a person": (ada, forge.unsigned([forge.created("A leak")], repo=ROOT, auth=(TRUST,))),
        "a change by an agent's session": (
            agent,
            forge.unsigned(
                [{"type": "status-changed", "to": "in-progress"}], ["1" * 40], hlc=(forge.SECONDS * 1000 + 5, 1), n=1,
                prev="9" * 40, repo=ROOT, auth=(TRUST,), rk="k1#0123456789abcdef", sid=agent.sid, under="2" * 40,
                author=commit.author_line(agent.identity.name, agent.identity.email, forge.SECONDS),
                summary="status: in-progress",
            ),
        ),
        "two parents and two events": (
            ada,
            forge.unsigned(
                [forge.label("bug"), {"type": "comment-added", "body": "seen on ärger too"}], ["1" * 40, "2" * 40],
                n=3, prev="9" * 40, repo=ROOT, auth=(TRUST,),
            ),
        ),
        "an event of a type that is not known yet": (
            ada, forge.unsigned([{"type": "teleported", "to": "Mars"}], ["1" * 40], repo=ROOT, auth=(TRUST,)),
        ),
    }  # fmt: skip
    good = []
    for name, (by, unsigned) in made.items():
        raw = forge.signed(by, unsigned)
        good.append({
            "name": name, "seed": ("03" if by.certificate else "01") * 32,
            "certificate": base(by.certificate) if by.certificate else None,
            "payload": unsigned.decode(), "commit": raw.decode(), "id": commit.commit_id(raw),
        })  # fmt: skip
    bad = []
    for name, case in BAD.items():
        raw = case.make(ada, payload())
        if len(raw) < 3_000 and case not in ARMOUR.values():
            bad.append({"name": name, "reason": case.reason, "commit_base64": base(raw), "id": commit.commit_id(raw)})
    return {"good": good, "bad": bad}


def armour() -> dict[str, Any]:
    ada = forge.signer(1)
    text = ada.sign(payload())
    bad = []
    for name, case in ARMOUR.items():
        raw = case.make(ada, payload())
        if len(raw) < 3_000:
            bad.append({"name": name, "reason": case.reason, "commit_base64": base(raw)})
    return {
        "payload": payload().decode(),
        "seed": "01" * 32,
        "public_key": sshwire.public_line(ada.identity.key),
        "fingerprint": sshwire.fingerprint(ada.identity.key),
        "signed_bytes_base64": base(sshwire.signed_bytes(payload())),
        "armour": text,
        "bad": bad,
    }


def certificates() -> dict[str, Any]:
    ada = forge.signer(1)
    good = []
    for number, changed in ((3, {}), (4, {"scope": "comment"}), (5, {"client": "", "label": ""})):
        agent = forge.session(ada, number, **changed)
        found = agent.delegation
        assert found is not None
        good.append({
            "certificate": base(agent.certificate), "sid": found.sid, "person": found.person, "client": found.client,
            "label": found.label, "serial": found.serial, "valid_after": found.valid_after,
            "valid_before": found.valid_before, "scope": found.scope, "key": found.key.hex(),
            "issuer": found.issuer.hex(),
        })  # fmt: skip
    agent = forge.signer(77).identity.key
    bad = {
        "host certificate": forge.certificate(ada, agent, kind=2),
        "critical option": forge.certificate(ada, agent, critical=sshwire.string(b"x") + sshwire.string(b"")),
        "issued by another key than it names": forge.certificate(forge.signer(79), agent, claimed=ada.identity.key),
        "principal of another session": forge.certificate(ada, agent, principal="00000000000b.ada@tracker"),
        "trailing byte": forge.certificate(ada, agent) + b"\0",
        "cut short": forge.certificate(ada, agent)[:-1],
    }
    return {"good": good, "bad": [{"name": name, "certificate": base(blob)} for name, blob in bad.items()]}


FILES = {
    "canonical.json": canonical,
    "entries.json": entries,
    "armour.json": armour,
    "certificates.json": certificates,
    "trust.json": trust_vectors.cases,
}


def text(name: str) -> str:
    return json.dumps(FILES[name](), indent=1, sort_keys=True) + "\n"


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        (FOLDER / name).write_text(text(name), encoding="utf-8")


if __name__ == "__main__":
    main()
