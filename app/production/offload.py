"""Runs the pages' verbs in threads of our own, so that a host which uses up its threads starves nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator, Iterator
from functools import partial
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread

_P = ParamSpec("_P")
_T = TypeVar("_T")

_THREADS = 8


class Offload:
    """At most eight verbs at once; FastAPI's own threads are 40 for the whole of the host."""

    def __init__(self, threads: int = _THREADS) -> None:
        self._limiter = CapacityLimiter(threads)

    async def __call__(self, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """What `work` returns, once one of the threads has done it."""
        return await to_thread.run_sync(partial(work, *args, **kwargs), limiter=self._limiter)

    async def begun(self, parts: Iterator[bytes]) -> AsyncIterator[bytes]:
        """The parts, the first of them already made: what is wrong is raised before an answer begins.

        No thread is held while the client reads.
        """
        return self._streamed(await self(next, parts, None), parts)

    async def _streamed(self, part: bytes | None, rest: Iterator[bytes]) -> AsyncIterator[bytes]:
        try:
            while part is not None:
                yield part
                part = await self(next, rest, None)
        finally:
            if isinstance(rest, Generator):
                rest.close()
