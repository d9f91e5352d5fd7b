"""Takes over the logging of this process, and gives it back as it was."""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Protocol

from .logger import DirectLogger, DirectRootLogger
from .streams import PROPAGATED, QUIETED, SILENCED, SPECIALISED


class Unhandled(Protocol):
    """What is called with an exception that nobody caught."""

    def __call__(self, error: BaseException, *, where: str) -> None: ...


def take_over(handler: logging.Handler, level: str, unhandled: Unhandled) -> ExitStack:
    """Send every record of `level` and above, every warning and every uncaught exception to the handler.

    Handlers that the host has set up stay. Closing what is returned puts everything back.
    """
    undo = ExitStack()
    root = logging.getLogger()
    _set_level(undo, root, level)
    root.addHandler(handler)
    undo.callback(root.removeHandler, handler)
    _adjust_loggers(undo, level)
    _admit_any_extra(undo)
    _capture_warnings(undo)
    _hook(undo, unhandled)
    return undo


def _set_level(undo: ExitStack, logger: logging.Logger, level: int | str) -> None:
    undo.callback(logger.setLevel, logger.level)
    logger.setLevel(level)


def _set(undo: ExitStack, thing: Any, name: str, value: object) -> None:
    """Set an attribute; afterwards it gets its old value back, unless somebody else has set it since."""
    before = getattr(thing, name)
    setattr(thing, name, value)

    def put_back() -> None:
        if getattr(thing, name) is value:
            setattr(thing, name, before)

    undo.callback(put_back)


def _adjust_loggers(undo: ExitStack, level: str) -> None:
    for name in PROPAGATED:
        _set(undo, logging.getLogger(name), "propagate", True)
    for name in SILENCED:
        _set(undo, logging.getLogger(name), "disabled", True)
    # Because their records are asked for, they do not go where LOG_LEVEL is WARNING.
    lowest = dict.fromkeys(SPECIALISED, min(logging.INFO, logging.getLevelNamesMapping()[level]))
    for name, lowest_level in {**lowest, **QUIETED}.items():
        if logging.getLogger(name).level == logging.NOTSET:
            _set_level(undo, logging.getLogger(name), lowest_level)


def _admit_any_extra(undo: ExitStack) -> None:
    """Make DirectLoggers of all loggers, now and later, that have no class of their own."""
    _change_class(logging.Logger, DirectLogger)
    undo.callback(_change_class, DirectLogger, logging.Logger)
    _set(undo, logging.getLogger(), "__class__", DirectRootLogger)
    if logging.getLoggerClass() is logging.Logger:
        logging.setLoggerClass(DirectLogger)
        undo.callback(_restore_class)


def _change_class(old: type[logging.Logger], new: type[logging.Logger]) -> None:
    for logger in list(logging.root.manager.loggerDict.values()):
        if type(logger) is old:
            logger.__class__ = new


def _restore_class() -> None:
    if logging.getLoggerClass() is DirectLogger:
        logging.setLoggerClass(logging.Logger)


def _capture_warnings(undo: ExitStack) -> None:
    before = warnings.showwarning
    logging.captureWarnings(capture=True)
    if warnings.showwarning is not before:
        undo.callback(logging.captureWarnings, capture=False)


def _hook(undo: ExitStack, unhandled: Unhandled) -> None:
    """Record what nobody caught, then let the hooks that were there before go on."""
    in_main, in_thread, unraisable = sys.excepthook, threading.excepthook, sys.unraisablehook

    def on_main(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if isinstance(error, Exception):
            unhandled(error, where="main thread")
        in_main(kind, error, trace)

    def on_thread(args: threading.ExceptHookArgs) -> None:
        if isinstance(args.exc_value, Exception):
            unhandled(args.exc_value, where=f"thread {args.thread.name if args.thread else ''}".strip())
        in_thread(args)

    def on_unraisable(args: sys.UnraisableHookArgs) -> None:
        if isinstance(args.exc_value, Exception):
            unhandled(args.exc_value, where="finalizer or callback")
        unraisable(args)

    _set(undo, sys, "excepthook", on_main)
    _set(undo, threading, "excepthook", on_thread)
    _set(undo, sys, "unraisablehook", on_unraisable)
