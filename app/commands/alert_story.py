"""Alerts as they are told to a person at a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .printing import said, table

_FACTS = ("message", "value", "threshold", "labels", "runbook", "reason")


def history(document: Mapping[str, Any]) -> Iterable[str]:
    """A line for each step, newest first."""
    for step in document["events"]:
        about = f"  [{step['severity']} {step['alert_id']}: {step['title']}]" if step["title"] else ""
        yield f"{_step(step)}{about}"
    if not document["events"]:
        yield "nothing has happened"


def alert(document: Mapping[str, Any]) -> Iterable[str]:
    """The whole story of one: how it is, what happened, what became of each notice."""
    yield f"{document['severity']} {document['category']} {document['state']}: {document['title']}"
    yield f"since {said(document['started_at'])}, seen last {said(document['seen_at'])}{_again(document)}"
    if document["acknowledged_at"]:
        yield f"acknowledged {said(document['acknowledged_at'])} by {document['acknowledged_by']}"
    if document["resolved_at"]:
        yield f"over since {said(document['resolved_at'])}, by {document['resolved_by']}"
    if document["silenced_by"]:
        yield f"silenced by {said(document['silenced_by'])}"
    for name in _FACTS:
        if (text := said(document.get(name))) != "-":
            yield f"{name}: {text}"
    yield f"source {document['source']}, key {document['key']}, fingerprint {document['fingerprint']}"
    yield ""
    yield from (_step(step) for step in document["history"])
    if document["notices"]:
        yield ""
        yield from table(document["notices"])


def silences(document: Mapping[str, Any]) -> Iterable[str]:
    """A line for each: what it keeps quiet, until when, who wants that and why."""
    for silence in document["silences"]:
        matchers = " ".join(f"{name}={pattern}" for name, pattern in silence["matchers"].items())
        until = ", or until it is over" if silence["until_resolved"] else ""
        comment = f": {silence['comment']}" if silence["comment"] else ""
        ends = said(silence["ends_at"])
        yield f"{silence['id']}  {matchers}  until {ends}{until}, by {silence['author']}{comment}"
    if not document["silences"]:
        yield "no silences"


def _again(document: Mapping[str, Any]) -> str:
    return f", again {document['repeats']} times" if document["repeats"] else ""


def _step(step: Mapping[str, Any]) -> str:
    where = f" ({step['channel']})" if step["channel"] else ""
    who = f", by {step['who']}" if step["who"] else ""
    often = f", {step['count']} times until {said(step['last_at'])}" if step["count"] > 1 else ""
    return f"{said(step['at'])}  {step['what']:<12}{where} {step['why']}{who}{often}"
