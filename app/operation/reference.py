"""The reference of all settings as a page of Markdown, made from their declarations."""

from __future__ import annotations

from collections.abc import Iterator

from ..core.section import Knob, knobs
from ..settings import SECTIONS

_HEAD = """\
# Settings

Every setting, made by `python -m app settings` from its declaration; do not edit. They stand in
`config/production.env` or in the environment, which wins. A secret can also be given as `NAME_FILE`, the path
of a file that holds it. `./validate_production.py` checks them all.
"""


def settings_page() -> str:
    """The content of docs/SETTINGS.md."""
    return _HEAD + "".join(_sections())


def _sections() -> Iterator[str]:
    for section in SECTIONS.values():
        yield f"\n## {section.title or section.__name__}\n\n"
        yield "| setting | default | unit | what it is |\n|---|---|---|---|\n"
        yield from (_row(one) for one in knobs(section))


def _row(one: Knob) -> str:
    default = "" if one.secret or not one.default else f"`{one.default}`"
    description = one.description.replace("|", "\\|") + (" (secret)" if one.secret else "")
    return f"| `{one.variable}` | {default} | {one.unit} | {description} |\n"
