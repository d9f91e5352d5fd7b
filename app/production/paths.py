"""Which request paths are ours, however they are spelled; in doubt, it is ours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import unquote

_ROUNDS = 4


def route_path(path: str, root_path: str) -> str:
    """What Starlette routes on: the path without the mount point, where that is whole segments of it."""
    rest = path.removeprefix(root_path)
    return rest if path.startswith(root_path) and (not rest or rest.startswith("/")) else path


def is_under(prefix: str, path: str, root_path: str = "") -> bool:
    """Whether a path leads below `prefix`, also through a mount, `//`, `..`, `%2f`, backslash, case, dots."""
    # Because every request of the host passes here, and only an escape can hide the word.
    if "%" not in path and prefix.casefold().split("/")[1] not in path.casefold():
        return False
    wanted = list(_segments(prefix))
    spelled = _decoded(path)
    if spelled is None:
        return True
    root = list(_segments(root_path))
    segments = list(_segments(spelled))
    below = segments[len(root) :] if segments[: len(root)] == root else segments
    return any(
        reading[: len(wanted)] == wanted
        for parts in (segments, below)
        for reading in (_without_dots(parts), _with_dots_followed(parts))
    )


def _decoded(path: str) -> str | None:
    """With every layer of percent-encoding removed; None when there are more than anybody means."""
    for _ in range(_ROUNDS):
        decoded = unquote(path)
        if decoded == path:
            return path
        path = decoded
    return None


def _segments(path: str) -> Iterator[str]:
    for part in path.replace("\\", "/").split("/"):
        bare = part.casefold().strip(" \t\r\n\0")
        name = ".." if bare == ".." else bare.rstrip(". ")
        if name:
            yield name


def _without_dots(parts: Iterable[str]) -> list[str]:
    return [part for part in parts if part != ".."]


def _with_dots_followed(parts: Iterable[str]) -> list[str]:
    followed: list[str] = []
    for part in parts:
        if part == "..":
            del followed[-1:]
        else:
            followed.append(part)
    return followed
