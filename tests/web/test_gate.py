"""What stands between this machine's browser and the tracker (THREATS, sections 1 and 5, 51-68)."""

import json

import pytest

from tests.web.serving import Answer, Served

EVIL_HOSTS = ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example", "127.0.0.1.evil.example:{port}",
              "127.0.0.1", "127.0.0.1:1", "localhost", "[::1]", "127.0.0.1:{port}.evil.example", "2130706433:{port}",
              "127.0.0.1:{port}@evil.example", "", "127.0.0.1:0{port}", " evil"]  # fmt: skip
OTHER_ORIGINS = ["http://evil.example", "null", "http://127.0.0.1:1", "http://localhost:3000", "https://127.0.0.1:{port}",
                 "http://127.0.0.1", "http://127.0.0.1:{port}.evil.example", "file://", "", "http://127.0.0.1:{port}/"]  # fmt: skip
EVERYWHERE = ["/", "/api/health", "/api/login", "/events", "/ws", "/mcp", "/static/main.js", "/nowhere"]
DATA = ["/api/issues", "/api/board", "/api/health", "/api/me", "/api/openapi.json", "/events", "/mcp", "/nowhere"]


def raw(served: Served, method: str, path: str, *headers: str, body: bytes = b"") -> tuple[int, bytes]:
    """Send exactly these lines; return the status and everything that came back."""
    head = "\r\n".join([f"{method} {path} HTTP/1.1", *headers, "Connection: close", "", ""])
    got = served.raw(head.encode("latin-1") + body)
    return int(got.split(b" ", 2)[1]), got


@pytest.mark.parametrize("host", EVIL_HOSTS)
def test_a_host_that_is_not_exactly_ours_is_refused_everywhere(served: Served, host: str) -> None:
    for path in EVERYWHERE:
        status, _ = raw(
            served, "GET", path, f"Host: {host.format(port=served.port)}", f"Authorization: Bearer {served.token}"
        )
        assert status in (400, 421), (path, status)


def test_a_request_names_exactly_one_host(served: Served) -> None:
    token = f"Authorization: Bearer {served.token}"
    assert raw(served, "GET", "/api/health", token)[0] == 400
    assert raw(served, "GET", "/api/health", f"Host: {served.host}", "Host: evil.example", token)[0] == 400
    absolute, _ = raw(served, "GET", "http://evil.example/api/health", f"Host: {served.host}", token)
    assert absolute in (400, 404, 421)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
def test_the_names_of_this_machine_are_answered_to(served: Served, name: str) -> None:
    status, _ = raw(
        served, "GET", "/api/health", f"Host: {name}:{served.port}", f"Authorization: Bearer {served.token}"
    )
    assert status == 200


@pytest.mark.parametrize("origin", OTHER_ORIGINS)
def test_an_origin_that_is_not_exactly_ours_is_refused_everywhere(served: Served, origin: str) -> None:
    for path in EVERYWHERE:
        answer = served.request("GET", path, headers={"Origin": origin.format(port=served.port)})
        assert answer.status == 403, path
        assert answer.code == "wrong_origin"


def test_two_origins_are_refused(served: Served) -> None:
    host, token = f"Host: {served.host}", f"Authorization: Bearer {served.token}"
    status, _ = raw(
        served, "GET", "/api/health", host, token, f"Origin: {served.origin}", "Origin: http://evil.example"
    )
    assert status == 403


def test_our_own_origin_is_let_in(served: Served) -> None:
    assert served.request("GET", "/api/health", headers={"Origin": served.origin}).status == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_from_elsewhere_may_link_here_but_neither_read_nor_load(served: Served, site: str) -> None:
    navigation = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert served.request("GET", "/", headers=navigation, token="").status == 200
    for path in ("/api/issues", "/events", "/mcp", "/static/main.js"):
        assert served.request("GET", path, headers=navigation).code == "wrong_origin"
    assert served.request("POST", "/api/login", {"token": served.token}, navigation, token="").code == "wrong_origin"


@pytest.mark.parametrize("token", ["", "wrong", "é", "x" * 5000])
@pytest.mark.parametrize("path", DATA)
def test_nothing_is_read_without_the_right_token(served: Served, path: str, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = served.request("GET", path, headers=headers, token="")
    assert answer.code == "unauthorized"
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="git-tracker"'


@pytest.mark.parametrize("authorization", ["Basic {token}", "Bearer", "Bearer {token}x", "{token}", "Bearer {half}"])
def test_nothing_is_written_without_the_right_token(served: Served, authorization: str) -> None:
    before = served.get("/api/health")["entries"]
    header = authorization.format(token=served.token, half=served.token[:10])
    answer = served.request("POST", "/api/issues", {"title": "x"}, {"Authorization": header}, token="")
    assert answer.status == 401
    assert answer.code == "unauthorized"
    assert served.get("/api/health")["entries"] == before


@pytest.mark.parametrize(
    "cookie", ["{name}=wrong", '{name}="\\351\\377"', "{name}=é", "{name}", "=;;=", "other={token}", "{name}={token}"]
)
def test_a_cookie_that_is_not_the_one_we_set_opens_nothing(served: Served, cookie: str) -> None:
    name = login(served).headers["set-cookie"].partition("=")[0]
    header = cookie.format(name=name, token=served.token)
    status, _ = raw(served, "GET", "/api/health", f"Host: {served.host}", f"Cookie: {header}")
    assert status == 401


def login(served: Served, token: str | None = None) -> Answer:
    return served.request("POST", "/api/login", {"token": served.token if token is None else token}, token="")


def test_the_token_buys_a_cookie_that_no_script_and_no_other_site_can_use(served: Served) -> None:
    answer = login(served)
    root = served.get("/api/health")["root"]
    name, _, rest = answer.headers["set-cookie"].partition("=")
    assert answer.json == {
        "person": "ada", "name": "Ada Lovelace", "role": "writer", "repository": "repo", "version": answer.json["version"],
        "command": answer.json["command"],
    }  # fmt: skip
    assert name == f"git-tracker-{root[:8]}"
    assert {part.strip().partition("=")[0] for part in rest.split(";")[1:]} == {
        "HttpOnly", "SameSite", "Path", "Max-Age",
    }  # fmt: skip
    assert "SameSite=Strict" in rest
    assert served.token not in answer.headers["set-cookie"]

    cookie = {"Cookie": f"a=b; {name}={rest.partition(';')[0]}"}
    assert served.request("GET", "/api/me", headers=cookie, token="").json["role"] == "writer"
    created = served.request(
        "POST", "/api/issues", {"title": "by cookie"}, cookie | {"Origin": served.origin}, token=""
    )
    assert created.status == 201


@pytest.mark.parametrize("token", ["", "wrong", "\x00", "é", "x" * 200])
def test_a_wrong_token_buys_nothing(served: Served, token: str) -> None:
    answer = login(served, token)
    assert (answer.status, answer.code) == (401, "unauthorized")
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "body", [b'{"token":"\\ud800"}', b"{}", b"[]", b"null", b"{", b"\xff", b'{"token":1}', b'{"token":"a","b":1}', b""]
)
def test_a_login_of_another_shape_is_a_problem_and_no_crash(served: Served, body: bytes) -> None:
    answer = served.request("POST", "/api/login", body, token="")
    assert answer.status in (401, 422)
    assert answer.code in ("unauthorized", "invalid")


def test_an_observer_reads_everything_and_writes_nothing(served: Served) -> None:
    id = served.request("POST", "/api/issues", {"title": "to look at"}).json["id"]
    before = served.get("/api/health")["entries"]
    assert login(served, served.observer).json["role"] == "observer"
    for path in ("/api/issues", f"/api/issues/{id}", "/api/board", "/api/events", "/api/agents", "/api/health"):
        assert served.request("GET", path, token=served.observer).status == 200
    for method, path, body in [
        ("POST", "/api/issues", {"title": "x"}), ("PATCH", f"/api/issues/{id}", {"title": "x"}),
        ("POST", f"/api/issues/{id}/comments", {"body": "x"}), ("POST", f"/api/issues/{id}/claim", {}),
        ("POST", f"/api/issues/{id}/release", {}),
    ]:  # fmt: skip
        answer = served.request(method, path, body, token=served.observer)
        assert (answer.status, answer.code) == (403, "read_only_token")
    assert served.get("/api/health")["entries"] == before


@pytest.mark.parametrize("path", ["/api/issues", "/api/login", "/mcp"])
@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "text/json"]
)
def test_a_form_from_another_page_is_refused_for_its_type(served: Served, path: str, kind: str) -> None:
    answer = served.request("POST", path, b'{"title":"x"}', {"Content-Type": kind})
    assert (answer.status, answer.code) == (415, "not_json")


@pytest.mark.parametrize("path", EVERYWHERE)
def test_a_preflight_gets_no_permission(served: Served, path: str) -> None:
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    for origin in ({"Origin": "http://evil.example"}, {"Origin": served.origin}, {}):
        answer = served.request("OPTIONS", path, headers={**asks, **origin})
        assert answer.status in (403, 405)
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/api/issues", "/api/login", "/mcp", "/nowhere"])
def test_a_body_over_the_limit_is_refused(served: Served, path: str) -> None:
    announced, _ = raw(
        served, "POST", path, f"Host: {served.host}", f"Authorization: Bearer {served.token}",
        "Content-Type: application/json", "Content-Length: 1048577",
    )  # fmt: skip
    assert announced == 413
    chunk = b"%x\r\n%s\r\n" % (65536, b" " * 65536)
    status, got = raw(
        served, "POST", path, f"Host: {served.host}", f"Authorization: Bearer {served.token}",
        "Content-Type: application/json", "Transfer-Encoding: chunked", body=chunk * 17 + b"0\r\n\r\n",
    )  # fmt: skip
    assert (status, json.loads(got.partition(b"\r\n\r\n")[2])["code"]) == (413, "too_large")


@pytest.mark.parametrize("length", ["-1", "+1", "1_0", "1e3", "٣", "9" * 30, "5, 6"])
def test_a_length_that_is_no_number_is_refused(served: Served, length: str) -> None:
    status, _ = raw(
        served, "POST", "/api/issues", f"Host: {served.host}", f"Authorization: Bearer {served.token}",
        "Content-Type: application/json", f"Content-Length: {length}".encode().decode("latin-1"),
    )  # fmt: skip
    assert status in (400, 413)


def test_a_compressed_body_is_refused(served: Served) -> None:
    answer = served.request("POST", "/api/issues", b"\x1f\x8b", {"Content-Encoding": "gzip"})
    assert (answer.status, answer.code) == (415, "encoded_body")


@pytest.mark.parametrize(
    "path",
    ["/static/..%2f..%2fgate.py", "/static/../gate.py", "/static/%2e%2e/%2e%2e/api.py", "/static/%00", "/static/main.js%00",
     "/static//etc/passwd", "/static/%2fetc%2fpasswd", "/static/..\\gate.py", "/static/", "/static/styles", "/static",
     "//etc/passwd", "/static/" + "a" * 5000, "/static/%ff", "/../git_tracker/web/gate.py"],
)  # fmt: skip
def test_static_files_are_served_from_their_folder_alone(served: Served, path: str) -> None:
    status, got = raw(served, "GET", path, f"Host: {served.host}", f"Authorization: Bearer {served.token}")
    assert status in (307, 404), got
    assert b"import " not in got
    assert b"root:" not in got


def test_a_token_in_a_url_is_refused_and_never_logged(served: Served) -> None:
    for path in ("/?token={}", "/api/issues?token={}", "/ws?token={}", "/events?access_token={}", "/mcp?x=1&token={}"):
        answer = served.request("GET", path.format(served.token))
        assert (answer.status, answer.code) == (400, "token_in_url")
    assert served.token not in served.errors
    assert served.printed.count(served.token) == 2  # the page's address, the client's header


@pytest.mark.parametrize("path", ["/", "/api/health", "/static/main.js", "/api/nowhere", "/nowhere", "/favicon.ico"])
def test_every_answer_forbids_framing_sniffing_and_foreign_content(served: Served, path: str) -> None:
    for token in (served.token, ""):
        headers = served.request("GET", path, token=token).headers
        assert headers["content-security-policy"] == (
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; font-src 'self';"
            " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert not [name for name in headers if name.startswith("access-control")]


def test_the_page_has_no_inline_script_or_style(served: Served) -> None:
    page = served.request("GET", "/", token="").body.decode()
    assert "<style" not in page
    assert " style=" not in page
    assert " on" not in page.replace(" only", "")
    assert page.count("<script") == page.count('<script src="/static/') + page.count(
        '<script type="module" src="/static/'
    )


def test_bytes_that_are_no_http_are_refused(served: Served) -> None:
    assert served.raw(b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + b"\x00" * 200).startswith(b"HTTP/1.1 400")
    assert raw(served, "GET", "/", f"Host: {served.host}", "X-Long: " + "a" * 200_000)[0] in (400, 431)
