"""openapi.json, made from the same models that check the requests."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from git_tracker import __version__
from git_tracker.web import answers, requests
from git_tracker.web.api import ENDPOINTS, ETAG, REQUEST_KEY, Endpoint

_REF = "#/components/schemas/{model}"
_HEADERS = {
    "Idempotency-Key": ("A retry with the same key and request writes nothing twice.", REQUEST_KEY, "retry-7"),
    "If-Match": ("The ETag of the issue as last read; refused with 412 if it moved on.", ETAG, "*"),
}
_EXTRA = (
    Endpoint("POST", "/api/login", lambda call: None, answers.Me, requests.Login),
    Endpoint("GET", "/api/me", lambda call: None, answers.Me),
)
_SUMMARIES = {"/api/login": "Trade a token for a cookie", "/api/me": "Who is logged in"}


def document(statuses: Iterable[str]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 description of every endpoint, for a workflow with these statuses."""
    endpoints = [*_EXTRA, *ENDPOINTS]
    used: list[type[BaseModel]] = [answers.Problem]
    for endpoint in endpoints:
        used += [model for model in (endpoint.answer, endpoint.body) if model is not None]
    wanted = [
        (model, "serialization" if model not in _bodies(endpoints) else "validation") for model in dict.fromkeys(used)
    ]
    _, schemas = models_json_schema(wanted, ref_template=_REF)  # type: ignore[arg-type]
    paths: dict[str, Any] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {"title": "git-tracker", "version": __version__, "description": "Issues as signed events in git."},
        "paths": paths,
        "components": {
            "schemas": _with_statuses(schemas["$defs"], list(statuses)),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"bearer": []}],
    }


def _with_statuses(schema: Any, statuses: list[str]) -> Any:
    """Name the statuses there are wherever a request takes one."""
    if isinstance(schema, dict):
        if schema.get("x-status"):
            return {"type": "string", "enum": statuses}
        return {name: _with_statuses(part, statuses) for name, part in schema.items()}
    return [_with_statuses(part, statuses) for part in schema] if isinstance(schema, list) else schema


def _bodies(endpoints: list[Endpoint]) -> set[Any]:
    return {endpoint.body for endpoint in endpoints if endpoint.body}


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    schema = endpoint.query.model_json_schema()
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "query", "required": False, "schema": part}
        for name, part in schema.get("properties", {}).items()
    ]
    if "{id}" in endpoint.path:
        parameters.append({"name": "id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}})
    if endpoint.method in ("POST", "PATCH") and endpoint.path != "/api/login":
        wanted = _HEADERS if "{id}" in endpoint.path else {"Idempotency-Key": _HEADERS["Idempotency-Key"]}
        parameters += [
            {"name": name, "in": "header", "required": False, "description": text, "schema": {"type": "string", "pattern": pattern, "examples": [example]}}
            for name, (text, pattern, example) in wanted.items()
        ]  # fmt: skip
    problem = {
        "description": "What is wrong, and what would work",
        "content": {"application/problem+json": {"schema": {"$ref": _REF.format(model="Problem")}}},
    }
    found: dict[str, Any] = {
        "operationId": endpoint.run.__name__ if endpoint.path not in _SUMMARIES else endpoint.path.rpartition("/")[2],
        "summary": _SUMMARIES.get(endpoint.path) or (endpoint.run.__doc__ or "").strip(),
        "parameters": parameters,
        "responses": {
            str(endpoint.status): {
                "description": "Done",
                "content": {"application/json": {"schema": {"$ref": _REF.format(model=endpoint.answer.__name__)}}},
            },
            "4XX": problem,
            "503": problem,
        },
    }
    if endpoint.body is not None:
        reference = {"$ref": _REF.format(model=endpoint.body.__name__)}
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": reference}}}
    if endpoint.path == "/api/login":
        found["security"] = []
    return found
