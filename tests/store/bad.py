"""Every way an entry can be wrong that we know of: from an honest payload and its signer to bytes that must not count.

Used three times: for the vectors in docs/vectors, against the verifier, and inside a real repository.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from nacl import bindings

from git_tracker.store import Signer, session_id, sshwire
from tests.store import forge

Make = Callable[[Signer, bytes], bytes]


class Bad(NamedTuple):
    """`make(signer, payload)` returns the commit's bytes; `reason` is what the verifier must say."""

    reason: str
    make: Make


def _resigned(change: Callable[[bytes], bytes]) -> Make:
    """Well signed, but what is signed is wrong."""
    return lambda by, payload: forge.signed(by, change(payload))


def _afterwards(change: Callable[[bytes], bytes]) -> Make:
    """Changed after signing."""
    return lambda by, payload: change(forge.signed(by, payload))


def _armour(change: Callable[[str], str]) -> Make:
    def make(by: Signer, payload: bytes) -> bytes:
        return payload_with(payload, change(by.sign(payload)))

    return make


def payload_with(payload: bytes, armour: str) -> bytes:
    end = payload.index(b"\n\n") + 1
    return payload[:end] + b"gpgsig " + armour.replace("\n", "\n ").encode() + b"\n" + payload[end:]


def _header(line: bytes) -> Callable[[bytes], bytes]:
    """Insert a header behind the others."""
    return lambda raw: raw.replace(b"\n\n", b"\n" + line + b"\n\n", 1)


def _text(change: Callable[[bytes], bytes]) -> Make:
    """Well signed over another text where the JSON stands."""
    return _resigned(lambda payload: forge.with_json(payload, change(forge.json_of(payload))))


def _field(name: bytes, value: bytes) -> Make:
    """Another value for one field of the envelope; the fields stay in order."""
    pattern = rb'(?<=[{,])"%s":(?:\[[^\[\]]*\]|"[^"]*"|null|-?\d+)(?=[,}])' % name

    def change(text: bytes) -> bytes:
        changed, count = re.subn(pattern, b'"%s":%s' % (name, value), text)
        assert count == 1, (name, text)
        return changed

    return _text(change)


def _events(value: bytes) -> Make:
    return _text(lambda text: re.sub(rb'"events":\[.*\],"hlc"', lambda _: b'"events":' + value + b',"hlc"', text))


def _in_event(value: bytes) -> Make:
    """An event of a type nobody knows, with `value` inside: only the JSON itself can be wrong."""
    return _events(b'[{"a":' + value + b',"type":"new"}]')


def _holder(blob: Callable[[Signer], bytes], signature: Callable[[Signer, bytes], bytes] | None = None) -> Make:
    def make(by: Signer, payload: bytes) -> bytes:
        sign = signature or (lambda by, payload: forge.raw_sign(by, forge.message(payload)))
        return payload_with(payload, forge.sshsig(blob(by), sign(by, payload)))

    return make


def _own(by: Signer) -> bytes:
    return sshwire.public_blob(by.identity.key)


def _plus_order(by: Signer, payload: bytes) -> bytes:
    """Ed25519 with S + L: another signature that a lax verifier takes."""
    good = forge.raw_sign(by, forge.message(payload))
    return good[:32] + (int.from_bytes(good[32:], "little") + forge.ORDER).to_bytes(32, "little")


def _by_nobody(by: Signer, payload: bytes) -> bytes:
    """A signature that holds for the neutral element as the key, whatever was signed."""
    scalar = (7).to_bytes(32, "little")
    return bindings.crypto_scalarmult_ed25519_base_noclamp(scalar) + scalar


def _message(namespace: bytes = b"git", hash: str = "sha512", **fields: bytes) -> Make:
    def make(by: Signer, payload: bytes) -> bytes:
        signature = forge.raw_sign(by, forge.message(payload, namespace, hash))
        armour = forge.sshsig(_own(by), signature, namespace=namespace, hash=hash.encode(), **fields)
        return payload_with(payload, armour)

    return make


def _other_event(by: Signer, payload: bytes) -> bytes:
    return payload_with(payload, by.sign(payload.replace(b"made", b"said", 1)))


def _parents(count: int) -> Make:
    many = b"".join(b"parent %040x\n" % (number + 1) for number in range(count))
    return _resigned(lambda payload: payload.replace(b"\nauthor ", b"\n" + many + b"author ", 1))


def _certified(**changed: object) -> Make:
    """Signed by a session whose certificate, by the honest person, is wrong somewhere."""

    def make(by: Signer, payload: bytes) -> bytes:
        agent = forge.signer(77)
        blob = forge.certificate(by, agent.identity.key, **changed)  # type: ignore[arg-type]
        return payload_with(payload, forge.sshsig(blob, forge.raw_sign(agent, forge.message(payload))))

    return make


def _cert_of_another_key(by: Signer, payload: bytes) -> bytes:
    blob = forge.certificate(by, forge.signer(78).identity.key)
    return payload_with(payload, forge.sshsig(blob, forge.raw_sign(forge.signer(77), forge.message(payload))))


def _forged_issuer(by: Signer, payload: bytes) -> bytes:
    agent = forge.signer(77)
    blob = forge.certificate(forge.signer(79), agent.identity.key, claimed=by.identity.key)
    return payload_with(payload, forge.sshsig(blob, forge.raw_sign(agent, forge.message(payload))))


def _changed_certificate(by: Signer, payload: bytes) -> bytes:
    agent = forge.signer(77)
    blob = forge.certificate(by, agent.identity.key).replace(b"fixer", b"boss!")
    return payload_with(payload, forge.sshsig(blob, forge.raw_sign(agent, forge.message(payload))))


def _extension(name: bytes, value: bytes) -> bytes:
    return sshwire.string(name) + sshwire.string(sshwire.string(value))


HEADERS = "the commit's headers are not exactly tree, parent…, author, committer, gpgsig"
FORM = "the signature is not in its one textual form"
MISMATCH = "the signature does not match"
MESSAGE = "the message is not a summary line, a blank line and one line of JSON"
CANONICAL = "not canonical JSON: "

SIGNATURES: dict[str, Bad] = {
    "unsigned": Bad("the commit is not signed", lambda by, payload: payload),
    "signature of another event": Bad(MISMATCH, _other_event),
    "message changed afterwards": Bad(MISMATCH, _afterwards(lambda raw: raw.replace(b"made", b"said"))),
    "other namespace": Bad("the signature was made for another namespace", _message(b"file")),
    "sha256 inside the signature": Bad("the signature uses another hash or a reserved field", _message(hash="sha256")),
    "reserved field used": Bad("the signature uses another hash or a reserved field", _message(reserved=b"zz")),
    "version 2 of SSHSIG": Bad("not an SSHSIG version 1", _message(version=2)),  # type: ignore[arg-type]
    "signature of another kind": Bad("not an Ed25519 signature", _message(kind=b"ssh-rsa")),
    "trailing bytes in the signature": Bad("ssh data has trailing bytes", _message(tail=b"\0\0\0")),
    "short signature": Bad("not an Ed25519 signature", _holder(_own, lambda by, payload: b"s" * 63)),
    "S + L": Bad(MISMATCH, _holder(_own, _plus_order)),
    "small-order key": Bad(MISMATCH, _holder(lambda by: sshwire.public_blob(b"\1" + b"\0" * 31), _by_nobody)),
    "key of zeros": Bad(MISMATCH, _holder(lambda by: sshwire.public_blob(b"\0" * 32), _by_nobody)),
    "key of 31 bytes": Bad(
        "an Ed25519 key has 32 bytes", _holder(lambda by: sshwire.public_blob(by.identity.key[:31]))
    ),
    "key of another kind": Bad(
        "the key is not ssh-ed25519", _holder(lambda by: sshwire.string(b"ssh-rsa") + sshwire.string(by.identity.key))
    ),
    "trailing bytes in the key": Bad("ssh data has trailing bytes", _holder(lambda by: _own(by) + b"\0")),
}

ARMOUR: dict[str, Bad] = {
    "wrapped at 76": Bad(FORM, _armour(lambda armour: forge.armoured(forge.blob(armour), 76))),
    "on one line": Bad(FORM, _armour(lambda armour: forge.armoured(forge.blob(armour), 10**6))),
    "text after END": Bad(HEADERS, _armour(lambda armour: armour + "\njunk")),
    "text before BEGIN": Bad(HEADERS, _armour(lambda armour: "junk\n" + armour)),
    "blanks inside": Bad(HEADERS, _armour(lambda armour: armour.replace("\nU1NI", "\n U1NI"))),
    "an empty line inside": Bad(HEADERS, _armour(lambda armour: armour.replace("\nU1NI", "\n\nU1NI"))),
    "CR LF": Bad(HEADERS, _armour(lambda armour: armour.replace("\n", "\r\n"))),
    "no padding": Bad("the signature is not base64", _armour(lambda armour: armour.replace("=", ""))),
    "other bits in the padding": Bad(
        FORM, _armour(lambda armour: re.sub(r"(.)(=+\n)", lambda m: chr(ord(m[1]) + 1) + m[2], armour))
    ),
    "not base64": Bad("the signature is not base64", _armour(lambda armour: armour.replace("U1NI", "U1N=", 1))),
    "PGP": Bad(HEADERS, _armour(lambda armour: armour.replace("SSH", "PGP"))),
    "17 KiB": Bad("the signature is too long", _armour(lambda armour: forge.armoured(b"SSHSIG" + b"\0" * 17000))),
}

COMMITS: dict[str, Bad] = {
    "gpgsig-sha256 header": Bad(HEADERS, _afterwards(_header(b"gpgsig-sha256 junk"))),
    "gpgsigX header": Bad(HEADERS, _afterwards(_header(b"gpgsigX approved by grace"))),
    "second gpgsig": Bad(
        HEADERS, lambda by, payload: _header(_gpgsig(by, payload))(forge.signed(by, payload))
    ),
    "gpgsig before author": Bad(
        HEADERS, lambda by, payload: payload.replace(b"author", _gpgsig(by, payload) + b"\nauthor", 1)
    ),
    "encoding header, signed": Bad(HEADERS, _resigned(_header(b"encoding latin1"))),
    "mergetag header, signed": Bad(HEADERS, _resigned(_header(b"mergetag object " + b"0" * 40))),
    "NUL in the summary": Bad("the commit holds a NUL byte", _resigned(lambda p: p.replace(b"made", b"ma\0e"))),
    "NUL in a header": Bad(HEADERS, _resigned(lambda p: p.replace(b"Ada", b"A\0a"))),
    "CR in a header": Bad(HEADERS, _resigned(lambda p: p.replace(b" +0000\ncommitter", b" +0000\r\ncommitter"))),
    "another committer": Bad(HEADERS, _resigned(lambda p: p.replace(b"committer Ada", b"committer Eve"))),
    "another time zone": Bad(HEADERS, _resigned(lambda p: p.replace(b"+0000", b"+0100"))),
    "a year beyond 9999": Bad(
        "the commit's time lies beyond the year 9999",
        _resigned(lambda p: re.sub(rb"> \d+ ", b"> 253402300800 ", p)),
    ),
    "upper-case tree": Bad(HEADERS, _resigned(lambda p: p.replace(b"tree 4b825dc", b"tree 4B825DC"))),
    "a tree with files": Bad(
        "an entry without attachments has the empty tree", _resigned(lambda p: p.replace(b"tree 4b825dc", b"tree 5b825dc"))
    ),
    "the same parent twice": Bad(
        "a commit of this kind has up to 64 different parents",
        _resigned(lambda p: p.replace(b"\nauthor ", b"\nparent " + b"1" * 40 + b"\nparent " + b"1" * 40 + b"\nauthor ", 1)),
    ),
    "65 parents": Bad("a commit of this kind has up to 64 different parents", _parents(65)),
    "10,000 parents": Bad("a commit of this kind has up to 64 different parents", _parents(10_000)),
    "larger than 768 KiB": Bad(
        "the commit is larger than 786432 bytes", _resigned(lambda p: p.replace(b"made", b"m" * 800_000))
    ),
    "no summary": Bad(MESSAGE, _resigned(lambda p: p.replace(b"made by hand", b""))),
    "two summary lines": Bad(MESSAGE + " in UTF-8", _resigned(lambda p: p.replace(b"by hand", b"by\nhand"))),
    "two lines of JSON": Bad(MESSAGE + " in UTF-8", _resigned(lambda p: p + forge.json_of(p) + b"\n")),
    "no line end": Bad(MESSAGE, _resigned(lambda p: p[:-1])),
    "bad UTF-8 in the summary": Bad(MESSAGE + " in UTF-8", _resigned(lambda p: p.replace(b"made", b"m\xffde"))),
}  # fmt: skip


def _gpgsig(by: Signer, payload: bytes) -> bytes:
    return b"gpgsig " + by.sign(payload).replace("\n", "\n ").encode()


JSON: dict[str, Bad] = {
    "a key twice": Bad(CANONICAL + "an object names a key twice", _in_event(b'1,"a":2')),
    "NaN": Bad(CANONICAL + "NaN is not an integer", _in_event(b"NaN")),
    "Infinity": Bad(CANONICAL + "-Infinity is not an integer", _in_event(b"-Infinity")),
    "a float": Bad(CANONICAL + "1.5 is not an integer", _in_event(b"1.5")),
    "an exponent": Bad(CANONICAL + "1e3 is not an integer", _in_event(b"1e3")),
    "minus zero": Bad(CANONICAL + "order, spacing or escapes differ", _in_event(b"-0")),
    "20 digits": Bad(CANONICAL + "an integer lies beyond 2^53", _in_event(b"1" * 20)),
    "a million digits' worth": Bad(CANONICAL + "an integer lies beyond 2^53", _in_event(b"1" * 100_000)),
    "2^53 + 1": Bad("an integer lies beyond 2^53", _in_event(b"9007199254740993")),
    "depth 13": Bad("nested deeper than 12", _in_event(b"[" * 10 + b"]" * 10)),
    "depth 100,000": Bad(CANONICAL, _in_event(b"[" * 100_000 + b"]" * 100_000)),
    "keys out of order": Bad(CANONICAL + "keys are not in order", _events(b'[{"type":"new","a":1}]')),
    "a blank": Bad(CANONICAL + "order, spacing or escapes differ", _in_event(b" 1")),
    "a blank at the end": Bad(CANONICAL + "order, spacing or escapes differ", _text(lambda text: text + b" ")),
    "an escape that need not be": Bad(CANONICAL + "order, spacing or escapes differ", _in_event(b'"\\u0041"')),
    "an escaped slash": Bad(CANONICAL + "order, spacing or escapes differ", _in_event(b'"\\/"')),
    "a tab as it is": Bad(CANONICAL, _in_event(b'"\t"')),
    "a lone surrogate": Bad("text holds a lone surrogate", _in_event(b'"\\ud800"')),
    "an encoded surrogate": Bad(MESSAGE + " in UTF-8", _in_event(b'"\xed\xa0\x80"')),
    "invalid UTF-8": Bad(MESSAGE + " in UTF-8", _in_event(b'"\xff"')),
    "an escaped NUL": Bad("text holds a NUL character", _in_event(b'"\\u0000"')),
    "a byte order mark": Bad(CANONICAL, _text(lambda text: b"\xef\xbb\xbf" + text)),
    "larger than 512 KiB": Bad("the event JSON is larger than 524288 bytes", _in_event(b'"' + b"a" * 524_288 + b'"')),
    "512 KiB of wide characters": Bad(
        "the event JSON is larger than 524288 bytes", _in_event(b'"' + "é".encode() * 270_000 + b'"')
    ),
    "a million keys": Bad(
        "the commit is larger than 786432 bytes", _in_event(b"{%s}" % b",".join(b'"%06d":1' % n for n in range(10**5)))
    ),
    "not JSON": Bad(CANONICAL, _text(lambda text: b"fixed it")),
    "a list": Bad("the envelope's fields are not ", _text(lambda text: b"[]")),
}  # fmt: skip

ENVELOPES: dict[str, Bad] = {
    "a field too many": Bad("the envelope's fields are not ", _text(lambda t: t.replace(b'"v":1', b'"v":1,"w":1'))),
    "a field missing": Bad("the envelope's fields are not ", _text(lambda t: t.replace(b'"under":"",', b""))),
    "version 2": Bad("the entry uses format 2; this version reads 1", _field(b"v", b"2")),
    "version true": Bad("the entry uses format True; this version reads 1", _field(b"v", b"true")),
    "no events": Bad("an entry holds 1 to 256 events", _events(b"[]")),
    "257 events": Bad("an entry holds 1 to 256 events", _events(b"[" + b",".join([b'{"type":"x"}'] * 257) + b"]")),
    "an event without type": Bad("an event is an object with a type", _events(b'[{"label":"x"}]')),
    "an event that is a word": Bad("an event is an object with a type", _events(b'["closed"]')),
    "hlc of three": Bad("hlc is not a pair of counts", _field(b"hlc", b"[1,2,3]")),
    "negative hlc": Bad("hlc is not a pair of counts", _field(b"hlc", b"[-1,0]")),
    "hlc true": Bad("hlc is not a pair of counts", _field(b"hlc", b"[true,0]")),
    "hlc in the year 10000": Bad("hlc lies beyond the year 9999", _field(b"hlc", b"[253402300800000,0]")),
    "hlc 2^63": Bad(CANONICAL + "an integer lies beyond 2^53", _field(b"hlc", b"[9223372036854775808,0]")),
    "n without prev": Bad("n and prev do not name a place in a chain", _text(
        lambda t: re.sub(rb'"n":\d+,"prev":(null|"[0-9a-f]*")', b'"n":7,"prev":null', t)
    )),
    "auth out of order": Bad(
        "auth is not a sorted list of ids", _field(b"auth", b'["%s","%s"]' % (b"b" * 40, b"a" * 40))
    ),
    "auth that is no id": Bad("auth is not a sorted list of ids", _field(b"auth", b'["main"]')),
    "a blank in rk": Bad("rk is not a short word", _field(b"rk", b'"a b"')),
    "a long sid": Bad("sid is not a short word", _field(b"sid", b'"%s"' % (b"a" * 65))),
    "repo that is no id": Bad("repo or under is not an id", _field(b"repo", b'"main"')),
    "under that is no id": Bad("repo or under is not an id", _field(b"under", b'"claim"')),
}  # fmt: skip

CERTIFICATES: dict[str, Bad] = {
    "forged issuer's signature": Bad(MISMATCH, _forged_issuer),
    "changed certificate": Bad(MISMATCH, _changed_certificate),
    "certificate for another key": Bad(MISMATCH, _cert_of_another_key),
    "host certificate": Bad("not a user certificate", _certified(kind=2)),
    "unknown critical option": Bad(
        "the certificate holds a critical option nobody here knows",
        _certified(critical=_extension(b"verify-required", b"")),
    ),
    "extensions out of order": Bad(
        "the certificate's extensions are not in order",
        _certified(extensions=_extension(b"z", b"") + _extension(b"a", b"")),
    ),
    "an extension without value": Bad(
        "the certificate's extensions are not in order", _certified(extensions=sshwire.string(b"a"))
    ),
    "session of another issuer": Bad(
        "the certificate names a session that is not its issuer's",
        _certified(sid=session_id(forge.signer(78).identity.key, b"\0\0\n")),
    ),
    "session id of another form": Bad(
        "the certificate names a session that is not its issuer's", _certified(sid="00000000000a")
    ),
    "principal of another session": Bad(
        "the certificate's principal does not name its session", _certified(principal="00000000000b.ada@tracker")
    ),
    "principal elsewhere": Bad(
        "the certificate's principal does not name its session", _certified(principal="00000000000a.ada@example.org")
    ),
    "no principal's person": Bad(
        "the certificate's principal does not name its session", _certified(principal="00000000000a@tracker")
    ),
    "zeros as the issuer's signature": Bad(MISMATCH, _certified(signature=b"\0" * 64)),
    "a certificate of 5 KiB": Bad("the certificate is too long", _certified(key_id="00000000000a - " + "x" * 5000)),
}

BAD: dict[str, Bad] = {
    f"{group}: {name}": found
    for group, table in (
        ("signature", SIGNATURES), ("armour", ARMOUR), ("commit", COMMITS), ("json", JSON), ("envelope", ENVELOPES),
        ("certificate", CERTIFICATES),
    )
    for name, found in table.items()
}  # fmt: skip
