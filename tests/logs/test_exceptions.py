from __future__ import annotations

import json
import re

from app.logs.exceptions import culprit, culprit_in, described, fingerprint


class Unspeakable(Exception):
    """An exception that cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError


def caught(raising, *args) -> BaseException:
    """What a call raises."""
    try:
        raising(*args)
    except BaseException as error:  # noqa: BLE001 because the test wants any of them
        return error
    raise AssertionError("nothing was raised")


def fail_at_depth(depth: int) -> None:
    if depth == 0:
        raise ValueError("too deep")
    fail_at_depth(depth - 1)


def fail_because(error: BaseException | None, *, hide: bool = False) -> None:
    try:
        {}["first"]
    except KeyError:
        if error or hide:
            raise ValueError("second") from error
        raise ValueError("second")  # noqa: B904 because the implicit context is what is tested


def test_an_exception_is_its_type_message_and_frames():
    """Frames are "file:line function", outermost first, without the values of variables."""
    document = described(caught(fail_at_depth, 1))
    assert (document["type"], document["message"]) == ("ValueError", "too deep")
    assert [frame.rsplit(" ", 1)[1] for frame in document["stacktrace"]] == [
        "caught",
        "fail_at_depth",
        "fail_at_depth",
    ]
    assert document["stacktrace"][0].startswith(f"{__file__}:")


def test_types_of_others_have_their_module():
    """A type that is not built in is named with its module."""
    assert described(Unspeakable())["type"] == f"{__name__}.Unspeakable"


def test_deep_recursion_is_cut_in_the_middle():
    """A thousand frames become fifty and a mark; where it began and where it failed stay."""
    stack = described(caught(fail_at_depth, 300))["stacktrace"]
    assert len(stack) == 51
    assert "[cut: 252 more frames]" in stack
    assert stack[0].endswith(" caught")


def test_causes_and_contexts_are_told():
    """An explicit cause is `cause`, an implicit one `context`, and a suppressed one neither."""
    assert described(caught(fail_because, OSError("disk")))["cause"]["type"] == "OSError"
    assert described(caught(fail_because, None))["context"]["type"] == "KeyError"
    hidden = described(caught(lambda: fail_because(None, hide=True)))
    assert "context" not in hidden
    assert "cause" not in hidden


def test_a_chain_without_end_is_bounded():
    """An exception that is its own cause is told five times."""
    error = ValueError("again")
    error.__cause__ = error
    assert str(described(error)).count("again") == 6


def test_groups_tell_their_members():
    """The first members of an exception group are told."""
    group = ExceptionGroup("many", [ValueError(str(number)) for number in range(9)])
    assert [member["message"] for member in described(group)["exceptions"]] == list("01234")


def test_notes_are_told():
    """What add_note() has added is kept."""
    error = ValueError("x")
    error.add_note("while paying")
    assert "while paying" in described(error)["notes"]


def test_an_exception_that_cannot_be_shown_is_still_told():
    """A __str__ that raises does not hide the exception."""
    assert described(Unspeakable())["message"] == "<Unspeakable that cannot be shown>"


def test_alike_errors_have_one_fingerprint():
    """Type and path through the code make the fingerprint; message and line do not."""
    one, same = caught(fail_at_depth, 1), caught(fail_at_depth, 1)
    other, another_type = caught(fail_at_depth, 2), caught(fail_because, None)
    assert fingerprint(one) == fingerprint(same)
    assert len({fingerprint(one), fingerprint(other), fingerprint(another_type)}) == 3


def test_the_culprit_is_the_applications_own_code():
    """The innermost frame that neither Python nor an installed package brought, with its folder and line."""
    assert re.fullmatch(r"logs/test_exceptions\.py:\d+ fail_at_depth", culprit(caught(fail_at_depth, 2)))
    assert re.fullmatch(r"logs/test_exceptions\.py:\d+ caught", culprit(caught(json.loads, "{")))
    assert culprit(ValueError("never raised")) == ""


def test_without_a_frame_of_its_own_the_innermost_is_the_culprit():
    """Better a line of somebody else's than none."""
    outer, inner = ("/v/lib/site-packages/web/serve.py:7 serve", "/v/lib/site-packages/web/parse.py:9 parse")
    assert culprit_in([outer, "[cut: 9 more frames]", inner]) == "web/parse.py:9 parse"
    assert culprit_in(["nonsense"]) == ""
