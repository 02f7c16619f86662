"""The web application, built from its parts; the gate stands around all of it."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Lifespan

from git_tracker.errors import TrackerError
from git_tracker.web import api, live, openapi, problems
from git_tracker.web.gate import Gate, Tokens
from git_tracker.web.limits import Limits
from git_tracker.web.site import site

STATIC = Path(__file__).parent / "static"


def build(
    tokens: Tokens, hosts: frozenset[str], lifespan: Lifespan[Starlette], *more: BaseRoute, limits: Limits
) -> ASGIApp:
    """Return the whole application. The lifespan must set `app.state.site` (see `web.site`)."""
    app = Starlette(
        routes=[
            Route("/", _page),
            Route("/favicon.ico", _icon),
            Mount("/static", _Static(directory=STATIC)),
            Route("/api/login", api.login, methods=["POST"]),
            Route("/api/me", api.me),
            Route("/api/openapi.json", _openapi),
            *_endpoints(),
            *live.routes,
            *more,
        ],
        exception_handlers={
            TrackerError: problems.tracker_error,
            HTTPException: problems.http_error,
            Exception: problems.crash,
        },
        lifespan=lifespan,
    )
    return Gate(app, tokens, hosts, limits)


class _Static(StaticFiles):
    """Files that a browser asks about again each time: they carry no version in their names."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


def _endpoints() -> list[BaseRoute]:
    """One route for each path, so that a wrong method is told which ones there are."""
    by_path: dict[str, dict[str, api.Endpoint]] = {}
    for endpoint in api.ENDPOINTS:
        by_path.setdefault(endpoint.path, {})[endpoint.method] = endpoint
    return [Route(path, _dispatch(found), methods=list(found)) for path, found in by_path.items()]


def _dispatch(found: dict[str, api.Endpoint]) -> Callable[[Request], Any]:
    async def run(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        return await api.serve(found[method], request)

    return run


async def _page(_: Request) -> Response:
    return FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})


async def _icon(_: Request) -> Response:
    return RedirectResponse("/static/icon.svg", 308)


@lru_cache
def _document(statuses: tuple[str, ...]) -> dict[str, Any]:
    return openapi.document(statuses)


async def _openapi(request: Request) -> Response:
    return JSONResponse(_document(tuple(site(request).store.workflow.statuses)))
