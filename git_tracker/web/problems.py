"""Errors as REST says them: RFC 9457 problem details, from one table."""

import logging
from typing import Any

from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from git_tracker import errors
from git_tracker.store import nearest
from git_tracker.web import requests

STATUS: tuple[tuple[type[errors.TrackerError], int], ...] = (
    (errors.NotFound, 404),
    (errors.Invalid, 422),
    (errors.Conflict, 409),
    (errors.Unauthorized, 403),
    (errors.Refused, 409),
    (errors.EpochChanged, 410),
    (errors.Unusable, 503),
    (errors.Corrupt, 500),
)
_BY_CODE = {"heads_moved": 412, "rk_reused": 409, "not_a_member": 403, "not_allowed": 403, "not_initialized": 409}
SHOWS: dict[errors.Kind, str] = {
    "issue": "GET /api/issues",
    "agent": "GET /api/agents",
    "quarantined": "GET /api/quarantine",
}

_SHAPES = "GET /api/openapi.json shows the shapes"
_PATTERNS = {  # what a text is that does not match; pydantic would show the expression
    requests.VISIBLE: "is blank, or holds a NUL character",
    requests.NO_NUL: "holds a NUL character",
    requests.MOMENT: "is no day, such as 2026-01-31, and no time, such as 2026-01-31T12:00:00Z",
}

log = logging.getLogger(__name__)


def problem(status: int, code: str, detail: str, hint: str = "", **more: str) -> Response:
    """Return one problem; all of them have the same fields."""
    content = {
        "type": "about:blank", "title": code, "status": status, "detail": detail, "code": code, "hint": hint, **more
    }  # fmt: skip
    return JSONResponse(content, status, media_type="application/problem+json")


def tracker_error(_: Request, error: Exception) -> Response:
    """Answer one of our own errors."""
    assert isinstance(error, errors.TrackerError)
    status = _BY_CODE.get(error.code) or next((status for kind, status in STATUS if isinstance(error, kind)), 500)
    more = {"start": error.start} if isinstance(error, errors.EpochChanged) else {}
    return problem(status, error.code, str(error), error.told(SHOWS), **more)


def checked(model: type[BaseModel], values: Any) -> Any:
    """Return a body or a query as its model; raise `Invalid` that says what does not have the documented shape."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "body"
    if first["type"] == "extra_forbidden":
        known = tuple(model.model_fields) if len(first["loc"]) == 1 else ()
        near = f"the nearest is {nearest(place, known)}; " if known else ""
        raise errors.Invalid(f"nothing here is named {place!r}", near + _SHAPES)
    pattern = first.get("ctx", {}).get("pattern", "")
    flaw = _PATTERNS.get(pattern, "has another shape") if pattern else first["msg"]
    raise errors.Invalid(f"{place}{'' if pattern else ':'} {flaw}", _SHAPES)


def http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "failed")
    response = problem(error.status_code, code, error.detail)
    response.headers.update(error.headers or {})
    return response


def crash(_: Request, error: Exception) -> Response:
    """Answer what nobody expected, without its insides; the log has them."""
    log.error("unexpected", exc_info=error)
    return problem(500, "failed", "the server failed; its log says why")
