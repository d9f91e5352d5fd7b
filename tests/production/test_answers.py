"""Every answer is compact, uncached and trusted by nobody."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from app.production.answers import Document
from tests.production.served import Tower


def test_a_document_is_one_line_of_strict_json() -> None:
    """What JSON has no form for is null, money keeps its digits, and letters are letters."""
    body = Document({"a": float("nan"), "b": [float("inf")], "c": Decimal("1.50"), "d": "ação"}).body
    assert body == '{"a":null,"b":[null],"c":"1.50","d":"ação"}\n'.encode()


def test_half_a_surrogate_pair_breaks_no_document() -> None:
    """It may stand in a log that another program wrote."""
    assert json.loads(Document({"message": "\ud800", "cost": Decimal("1.5")}).body)["message"] == "\ud800"


@pytest.mark.parametrize("path", ["", "/system/status", "/metrics", "/nowhere", "/login", "/health/live"])
def test_no_answer_is_kept_sniffed_or_framed(tower: Tower, path: str) -> None:
    """Pages, documents, expositions and errors alike."""
    headers = tower.ask("GET", f"/production{path}").headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_the_host_s_answers_are_left_as_they_are(tower: Tower) -> None:
    """Their headers are its own affair, but for the request's id."""
    headers = tower.ask("GET", "/openapi.json").headers
    assert set(headers) == {"content-length", "content-type", "x-request-id"}
