"""How the routers of the five words are made: below /production/<word>, and HEAD wherever there is GET."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute

from .answers import PREFIX


class Reading(APIRoute):
    """A route that answers HEAD as GET; the server leaves the body away."""

    def __init__(self, path: str, endpoint: Any, **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        if self.methods and "GET" in self.methods:
            self.methods.add("HEAD")


def word_router(word: str = "") -> APIRouter:
    """An empty router for the paths below /production/<word>, or for /production itself."""
    return APIRouter(prefix=f"{PREFIX}/{word}".rstrip("/"), route_class=Reading)
