"""Writes config/production.env and the folders; what a person edited stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..core.command import VALIDATE
from ..core.files import private_folder, write_whole
from ..core.section import Knob
from ..production.tokens import Role, new_token
from ..settings import CONFIG, SECTIONS, every_knob, load

_HEAD = f"""\
# Settings of Atalaia. A line that begins with # shows a default; remove the # to set another value.
# The environment wins over this file. Every secret can be given as NAME_FILE=/path instead.
# Explanations: docs/SETTINGS.md. Check after a change: {VALIDATE}
"""


def set_up(root: Path) -> Iterator[str]:
    """Set up `root`; says what was done, line by line. Running it again adds only what is missing."""
    path = root / CONFIG
    if not path.exists():
        token, entry = new_token(Role.OPERATE)
        private_folder(path.parent).chmod(0o755)
        write_whole(path, (_HEAD + "".join(_blocks()) + f"\nACCESS_TOKENS={entry}\n").encode())
        yield f"made {CONFIG} (mode 0600)"
        yield f"your token, shown only now (only its hash is kept): {token}"
    else:
        path.chmod(0o600)
        added = _add_missing(path)
        yield f"{CONFIG} is there" + (f"; added {', '.join(added)}" if added else "; nothing to add")
    settings = load(root)
    for folder in (settings.log_folder, settings.backup_folder):
        private_folder(folder)
    yield f"folders are there: {settings.log_folder.name}/ and {settings.backup_folder.name}/"


def _add_missing(path: Path) -> list[str]:
    """Append the settings that the file does not mention, as a newer version may have more."""
    text = path.read_text(encoding="utf-8")
    missing = [one for _, one in every_knob() if f"{one.variable}=" not in text]
    if missing:
        text = text.rstrip("\n") + "\n" + "".join(_line(one) for one in missing)
        write_whole(path, text.encode())
    return [one.variable for one in missing]


def _blocks() -> Iterator[str]:
    for section in SECTIONS.values():
        yield f"\n# ---- {section.title or section.__name__} ----\n"
        for owner, one in every_knob():
            if owner is section and one.variable != "ACCESS_TOKENS":
                yield _line(one)


def _line(one: Knob) -> str:
    unit = f" [{one.unit}]" if one.unit else ""
    return f"\n# {one.description}{unit}\n#{one.variable}={one.default}\n"
