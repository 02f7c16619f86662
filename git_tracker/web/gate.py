"""The gate: one check of Host, Origin and token in front of everything the server answers, MCP included.

Any page a browser has open can send requests to this machine; the checks are what keeps it out (THREATS, sections 1
and 5, 51-68). Nothing behind the gate checks again, nothing gets around it.
"""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from types import MappingProxyType
from typing import Any, NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from git_tracker.web.limits import Limits

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; font-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = [
    (b"content-security-policy", CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
]
_OPEN = ("/", "/api/login", "/favicon.ico")
_READS = ("GET", "HEAD")


class Principal(NamedTuple):
    """Who a token stands for: the person whose key signs what they write, an agent of theirs within a scope, or an
    observer who may only read."""

    role: str  # writer, agent or observer
    name: str = ""  # of an agent's token
    scope: Mapping[str, Any] = MappingProxyType({})


class Tokens:
    """The secrets that open the gate. The cookie is derived from a token, so it survives a restart and tells nothing."""

    def __init__(
        self, writer: str, observer: str, realm: str, grants: Callable[[str], Principal | None] = lambda _: None
    ) -> None:
        self._grants = grants
        self.cookie = f"git-tracker-{realm[:8]}"  # cookies ignore ports: the name tells two repositories apart
        self._known = {writer: Principal("writer"), observer: Principal("observer")}

    def of(self, token: str) -> Principal | None:
        """Return whom a token stands for."""
        return next((who for known, who in self._known.items() if _same(known, token)), None) or self._grants(token)

    def of_headers(self, headers: Mapping[str, str]) -> Principal | None:
        """Return whom a request's headers stand for: a bearer token, else the cookie."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self.of(token.strip())
        return self._of_cookie(headers.get("cookie", ""))

    def set_cookie(self, token: str) -> str:
        """Return the value of a Set-Cookie header."""
        return f"{self.cookie}={_derived(token)}; HttpOnly; SameSite=Strict; Path=/; Max-Age=31536000"

    def _of_cookie(self, header: str) -> Principal | None:
        try:
            found = SimpleCookie(header).get(self.cookie)
        except CookieError:
            return None
        if found is None:
            return None
        return next((who for known, who in self._known.items() if _same(_derived(known), found.value)), None)


def _same(secret: str, given: str) -> bool:
    """Compare in constant time; what is given may be any text."""
    return hmac.compare_digest(secret.encode(), given.encode("utf-8", "surrogatepass"))


def _derived(token: str) -> str:
    return hmac.new(token.encode(), b"git-tracker cookie", hashlib.sha256).hexdigest()


class _Closed(Exception):
    def __init__(self, status: int, code: str, detail: str, hint: str = "") -> None:
        self.status, self.code, self.detail, self.hint = status, code, detail, hint


class Gate:
    """ASGI middleware around the whole application. `hosts` are the exact Host headers that may be used."""

    def __init__(self, app: ASGIApp, tokens: Tokens, hosts: frozenset[str], limits: Limits) -> None:
        self._app, self._tokens, self._hosts, self._limits = app, tokens, hosts, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        try:
            scope.setdefault("state", {})["principal"] = self._admit(scope)
        except _Closed as refusal:
            await _refuse(scope, receive, send, refusal)
            return
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
        else:
            await self._guarded(scope, receive, send)

    def _admit(self, scope: Scope) -> Principal | None:
        headers = scope["headers"]
        plain = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
        hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
        if len(hosts) != 1:
            raise _Closed(400, "bad_host", "a request names exactly one Host")
        if hosts[0].lower() not in self._hosts:
            raise _Closed(421, "wrong_host", "this server does not answer to that name", "use the address it printed")
        origins = [value.decode("latin-1") for name, value in headers if name == b"origin"]
        own = {f"http://{host}" for host in self._hosts}
        if len(origins) > 1 or (origins and origins[0].lower() not in own):
            raise _Closed(403, "wrong_origin", "requests from other pages are refused")
        if plain.get("sec-fetch-site") in ("cross-site", "same-site") and _path(scope) not in ("/",):
            raise _Closed(403, "wrong_origin", "requests from other pages are refused")
        if b"token=" in scope.get("query_string", b""):
            raise _Closed(400, "token_in_url", "a token does not belong into a URL", "send it as Authorization: Bearer")
        if scope["type"] == "websocket" and not origins and "authorization" not in plain:
            raise _Closed(403, "wrong_origin", "a page must say where it comes from")
        if scope["type"] == "http":
            self._check_body(scope["method"], plain)
        who = self._tokens.of_headers(plain)
        if who is None and not (scope["type"] == "http" and _is_open(_path(scope))):
            raise _Closed(
                401, "unauthorized", "a valid token is needed", "open the URL that `tracker serve` printed, or send it"
            )
        if who and who.role != "writer" and scope["type"] == "http" and not _may_observe(scope["method"], _path(scope)):
            raise _Closed(403, "read_only_token", "this token may only read")
        return who

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                body = await self._body(receive)
        except TimeoutError:
            await _refuse(scope, receive, send, _Closed(408, "slow_body", "the request's body took too long"))
            return
        except _Closed as refusal:
            await _refuse(scope, receive, send, refusal)
            return
        if body is None:
            return
        waiting = [body]

        async def replayed() -> Message:
            return waiting.pop() if waiting else await receive()

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                names = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *((n, v) for n, v in _HEADERS if n not in names)]
            await send(message)

        await self._app(scope, replayed, with_headers)

    async def _body(self, receive: Receive) -> Message | None:
        """Return a request's whole body as one message, or None if the client went away.

        It is read here, before anything behind the gate runs: a refusal in the middle of it is then always an answer.
        """
        taken = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return None
            taken += message.get("body", b"")
            if len(taken) > self._limits.body:
                raise self._too_large()
            if not message.get("more_body", False):
                return {"type": "http.request", "body": bytes(taken), "more_body": False}

    def _too_large(self) -> _Closed:
        return _Closed(413, "too_large", f"a request is at most {self._limits.body} bytes")

    def _check_body(self, method: str, headers: Mapping[str, str]) -> None:
        if method == "OPTIONS":
            raise _Closed(405, "no_cors", "other origins are never allowed")
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdecimal() or int(length[:12]) > self._limits.body:
            raise self._too_large()
        if headers.get("content-encoding", "identity") != "identity":
            raise _Closed(415, "encoded_body", "a request's body is not compressed")
        sends = length.strip("0") or "transfer-encoding" in headers or "content-type" in headers
        if sends and method not in _READS:
            kind = headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind != "application/json":
                raise _Closed(415, "not_json", "a request's body is application/json")


def _path(scope: Scope) -> str:
    return str(scope["path"])


def _is_open(path: str) -> bool:
    return path in _OPEN or path.startswith("/static/")


def _may_observe(method: str, path: str) -> bool:
    return method in _READS or path in ("/api/login", "/mcp")


async def _refuse(scope: Scope, receive: Receive, send: Send, refusal: _Closed) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": refusal.code})
        return
    body = json.dumps({
        "type": "about:blank", "title": refusal.code, "status": refusal.status, "detail": refusal.detail,
        "code": refusal.code, "hint": refusal.hint,
    }).encode()  # fmt: skip
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode()), *_HEADERS]
    if refusal.status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="git-tracker"'))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
