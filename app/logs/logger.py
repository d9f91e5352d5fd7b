"""A logger with the standard library's calls, which writes a line without making a record where it may."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import Any

from .format import RECORD_ATTRIBUTES
from .handler import FilesHandler

_CALL_HANDLERS, _HANDLE = logging.Logger.callHandlers, logging.Logger.handle
_MAKE_RECORD = logging.Logger.makeRecord
_NO_EXTRAS: dict[str, Any] = {}


class DirectLogger(logging.Logger):
    """Does what logging.Logger does, and costs less where nobody but our files can see the record.

    That is so when the only handler on its way is ours, there is no filter, the record's class is the
    standard one and nobody has patched logging.Logger. `extra` may hold any name: those that a record
    has itself become extra_<name>.
    """

    _cache: dict[int, bool]

    def debug(self, msg: object, *args: object, **kwargs: Any) -> None:
        # Because most calls of this method are switched off, and `_cache` is where that is known.
        try:
            if not self._cache[logging.DEBUG]:
                return
        except KeyError:
            if not self.isEnabledFor(logging.DEBUG):
                return
        self._log(logging.DEBUG, msg, args, **kwargs)

    # Because naming the parameters costs less than passing on whatever comes.
    def info(
        self, msg: object, *args: object, exc_info: Any = None, extra: Mapping[str, object] | None = None,
        stack_info: bool = False, stacklevel: int = 1,
    ) -> None:  # fmt: skip
        if self._cache.get(logging.INFO) or self.isEnabledFor(logging.INFO):
            self._log(logging.INFO, msg, args, exc_info, extra, stack_info, stacklevel)

    def _log(
        self,
        level: int,
        msg: object,
        args: Any,
        exc_info: Any = None,
        extra: Mapping[str, object] | None = None,
        stack_info: bool = False,
        stacklevel: int = 1,
    ) -> None:
        if exc_info is None and not stack_info and stacklevel == 1 and type(msg) is str:
            files = self._only_files(level)
            if files is not None and (extra is None or type(extra) is dict):
                frame = sys._getframe(1)  # noqa: SLF001 because `logging` has no other way either
                while frame.f_code.co_filename in _PASSED_OVER and frame.f_back is not None:
                    frame = frame.f_back
                if files.write_direct(self.name, level, msg, args, extra or _NO_EXTRAS, frame):
                    return
        # Because the standard library counts our methods as callers.
        ours = 2 if sys._getframe(1).f_code.co_filename == _FILE else 1  # noqa: SLF001
        super()._log(level, msg, args, exc_info, extra, stack_info, stacklevel + ours)

    def _only_files(self, level: int) -> FilesHandler | None:
        """Our handler, where nothing else could see or change a record of this logger."""
        standard = logging.Logger
        if (
            self.disabled
            or self.filters
            or type(self) not in _OURS
            or logging._logRecordFactory is not logging.LogRecord  # type: ignore[attr-defined]  # noqa: SLF001
            or standard.callHandlers is not _CALL_HANDLERS
            or standard.handle is not _HANDLE
            or standard.makeRecord is not _MAKE_RECORD
        ):
            return None
        found: logging.Handler | None = None
        logger: logging.Logger | None = self
        while logger is not None:
            if logger.handlers:
                if found is not None or len(logger.handlers) > 1:
                    return None
                found = logger.handlers[0]
            logger = logger.parent if logger.propagate else None
        if type(found) is FilesHandler and not found.filters and level >= found.level:
            return found
        return None

    def makeRecord(  # noqa: N802 because the standard library calls it so
        self,
        name: str,
        level: int,
        fn: str,
        lno: int,
        msg: object,
        args: Any,
        exc_info: Any,
        func: str | None = None,
        extra: Mapping[str, object] | None = None,
        sinfo: str | None = None,
    ) -> logging.LogRecord:
        if extra is not None:
            extra = _without_clashes(extra)
        return super().makeRecord(name, level, fn, lno, msg, args, exc_info, func, extra, sinfo)


class DirectRootLogger(DirectLogger, logging.RootLogger):
    """The root logger, alike."""


_OURS = (DirectLogger, DirectRootLogger)
_FILE = DirectLogger.info.__code__.co_filename
_PASSED_OVER = frozenset((_FILE, logging.debug.__code__.co_filename))


def _without_clashes(extra: Mapping[str, object]) -> Mapping[str, object]:
    if not isinstance(extra, Mapping):
        return {"extra": extra}
    if RECORD_ATTRIBUTES.isdisjoint(extra):
        return extra
    return {f"extra_{name}" if name in RECORD_ATTRIBUTES else name: value for name, value in extra.items()}
