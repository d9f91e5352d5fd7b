"""Which route answered a request, as a label: the template, with the prefixes of routers and mounts.

`scope["route"].path` is not it, because it lacks the prefixes of included routers and of mounts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi.routing import iter_route_contexts
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Host, Mount, Router
from starlette.types import Scope

from .paths import route_path

UNMATCHED = "<unmatched>"
"""The label of requests which no route answered: unknown paths, and answers of a middleware."""
FRONTEND = "<frontend>"
"""The label of the files of a front end that FastAPI serves."""

_MOUNT_POINTS = 1_000
_REST = "/{path}"
_NOTHING: dict[str, Any] = {}


class RouteLabels:
    """Labels of the requests of one application; asked after the answer, when routing left its marks."""

    def __init__(self, app: Starlette) -> None:
        self._app = app
        self._prefixes: dict[str, str] = {}

    def of(self, scope: Scope) -> str:
        """The label of a request that was answered, or UNMATCHED."""
        path = _innermost(scope)
        if "app_root_path" not in scope or path in (UNMATCHED, FRONTEND):
            return path
        return self._mount_point(scope["root_path"].removeprefix(scope["app_root_path"])) + path

    def _mount_point(self, concrete: str) -> str:
        """The template of a mount point: /t/{tenant} of /t/acme."""
        known = self._prefixes.get(concrete)
        if known is None:
            if len(self._prefixes) >= _MOUNT_POINTS:
                self._prefixes.clear()
            known = self._prefixes[concrete] = _template(self._app.routes, concrete) or "<mount>"
        return known


def _innermost(scope: Scope) -> str:
    """The template within the innermost application."""
    marks = scope.get("fastapi", _NOTHING)
    if "frontend_path" in marks:
        return FRONTEND
    route = scope.get("route")
    context = marks.get("effective_route_context")
    # Because after a mount the context can be that of the mount's own route.
    if context is not None and context.original_route is route:
        return str(context.path_format)
    if route is not None and not isinstance(route, (Mount, Host)):
        return str(getattr(route, "path_format", UNMATCHED))
    return _unmarked(scope)


def _unmarked(scope: Scope) -> str:
    """FastAPI leaves no route for Starlette's plain routes and for mounts, but their endpoint."""
    endpoint = scope.get("endpoint")
    if endpoint is None:
        return UNMATCHED
    path = route_path(scope["path"], scope.get("root_path", ""))
    for candidate in iter_route_contexts(scope["app"].routes):
        if candidate.endpoint is endpoint and candidate.path_regex.match(path):
            return str(candidate.path_format)
    is_ours_to_route = isinstance(endpoint, (Starlette, Router))
    return UNMATCHED if is_ours_to_route or "app_root_path" not in scope else _REST


def _template(routes: Sequence[BaseRoute], concrete: str) -> str | None:
    """The mounts' own path formats that lead to a concrete mount point, None when none does."""
    for candidate in iter_route_contexts(routes):
        if isinstance(candidate.original_route, Host):
            inside = _template(candidate.original_route.routes, concrete)
            if inside is not None:
                return inside
        if not isinstance(candidate.original_route, Mount):
            continue
        match = candidate.path_regex.match(concrete + "/")
        if match is None:
            continue
        prefix = str(candidate.path_format).removesuffix(_REST)
        rest = match["path"].rstrip("/")
        inside = _template(candidate.original_route.routes, "/" + rest) if rest else ""
        if inside is not None:
            return prefix + inside
    return None
