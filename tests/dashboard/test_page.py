"""The page is whole, says what is missing, and shows text of others as text."""

from __future__ import annotations

import pytest

from app.dashboard.page import CARDS, REFRESH_SECONDS, dashboard
from app.dashboard.portuguese import PORTUGUESE
from tests.dashboard import documents
from tests.dashboard.documents import HOSTILE, frame
from tests.dashboard.outline import Outline


def shown(changed: dict | None = None, *, signed_in: bool = False, **of_frame: object) -> Outline:
    """The page of these documents."""
    return Outline(
        dashboard({**documents.everything(), **(changed or {})}, frame(**of_frame), signed_in=signed_in)
    )


def test_the_page_has_every_part_in_order() -> None:
    """Is it broken, for whom, why, and what can be done."""
    expected = ["own-0" if card.name == "own" else card.name for card in CARDS]
    assert [section["id"] for section in shown().all("section")] == expected


def test_the_page_asks_for_itself_again_and_runs_no_script() -> None:
    """A phone in a pocket shows no more than half a minute ago."""
    page = shown()
    assert {"http-equiv": "refresh", "content": str(REFRESH_SECONDS)} in page.all("meta")
    assert page.all("script") == []
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert not [attributes for _, attributes in page.elements if "style" in attributes]


def test_every_part_has_a_name_for_those_who_hear_the_page() -> None:
    """Sections, tables, meters, buttons and the language."""
    page = shown()
    ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    assert all(section["aria-labelledby"] in ids for section in page.all("section"))
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(meter["aria-label"] for meter in page.all("meter", "progress"))
    assert page.all("html") == [{"lang": "en"}]
    assert len([one for one in page.elements if one[0] == "h1"]) == 1


@pytest.mark.parametrize("missing", list(documents.everything()))
def test_a_document_that_could_not_be_had_leaves_only_its_part_empty(missing: str) -> None:
    """The rest of the page is there."""
    rest = {name: document for name, document in documents.everything().items() if name != missing}
    page = Outline(dashboard(rest, frame(), signed_in=False))
    assert "not available at the moment" in page.text
    ids = {str(section["id"]).removesuffix("-0") for section in page.all("section")}
    assert {card.name for card in CARDS} <= ids


def test_a_card_that_fails_takes_no_other_along() -> None:
    """A document may have changed its form."""
    page = shown({"performance": {"unexpected": True}})
    assert page.text.count("not available at the moment") == 3
    assert "CPU is high" in page.text


def test_text_of_others_is_shown_as_text() -> None:
    """Wherever it comes from, it is seen as it was written, and nothing of it is an element."""
    hostile = dict.fromkeys(("title", "message", "category", "acknowledged_by"), HOSTILE)
    page = shown(
        {
            "system": documents.system(status="down", reasons=[HOSTILE], version=HOSTILE),
            "alerts": {"alerts": [documents.alert(**hostile)]},
            "performance": documents.performance(
                external={"services": [documents.service(name=HOSTILE, reason=HOSTILE)]},
                requests={
                    **documents.performance()["requests"],
                    "by_route": [{"method": HOSTILE, "route": HOSTILE, **documents.timing(level=HOSTILE)}],
                },
            ),
            "backup": documents.backup(failed=[{"sequence": 9, "fact": HOSTILE}]),
            "errors": documents.errors(HOSTILE),
            "logs": documents.logs(HOSTILE),
        }
    )
    assert page.all("script", "img") == []
    assert page.text.count(HOSTILE) == 14


def test_the_page_speaks_portuguese_throughout() -> None:
    """And keeps doing so after a button was pressed."""
    page = shown(words=PORTUGUESE, language="pt-BR")
    assert page.all("html") == [{"lang": "pt-BR"}]
    for heading in ("Alertas ativos (1)", "Requisições", "Recursos", "Negócio", "Últimos registros do log"):
        assert heading in page.text
    assert all(str(form["action"]).endswith("?lang=pt-BR") for form in page.all("form"))


def test_who_is_signed_in_can_sign_out() -> None:
    """Who came over loopback cannot."""
    actions = [form["action"] for form in shown(signed_in=True).all("form")]
    assert "/production/logout" in actions
    assert "/production/logout" not in [form["action"] for form in shown().all("form")]


def test_below_another_path_the_page_stays_there() -> None:
    """A proxy may serve it from elsewhere."""
    page = shown(base="/outside/production", signed_in=True)
    targets = [form["action"] for form in page.all("form")] + [link["href"] for link in page.all("a")]
    assert all(str(target).startswith(("/outside/production/", "#")) for target in targets)
