"""SQL as it may be shown: one line, and every literal replaced, because literals are personal data."""

from __future__ import annotations

import re

LONGEST = 500

# Because servers cut long texts off, whatever was opened may also end with the text.
_LITERAL = re.compile(
    r"""
      /\*.*?(?:\*/|\Z) | --[^\n]*                     # comments may quote data
    | \$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z)          # $$text$$
    | e'(?:[^'\\]|\\.|'')*(?:'|\Z)                    # e'text with \' in it'
    | (?:\b[bxn]|\bu&)?'(?:[^']|'')*(?:'|\Z)          # 'text'
    | (?<![\w$:%.])\.?\d[\w.]*                        # numbers; $1, :1 and names hold none
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_PLACEHOLDER = r"(?:\?|%s|%\(\w+\)s|\$\d+|:\w+)"
_LIST = re.compile(rf"\(\s*{_PLACEHOLDER}(?:\s*,\s*{_PLACEHOLDER})+\s*\)")
_ROWS = re.compile(r"(\(\?(?:, \.\.\.)?\))(?:\s*,\s*\(\?(?:, \.\.\.)?\))+")
_SPACE = re.compile(r"\s+")


def without_literals(statement: str) -> str:
    """The statement in one line, with `?` for each literal and `(?, ...)` for each list of values."""
    bare = _SPACE.sub(" ", _LITERAL.sub(_replaced, statement)).strip()
    bare = _ROWS.sub(r"\1, ...", _LIST.sub("(?, ...)", bare))
    return bare if len(bare) <= LONGEST else f"{bare[:LONGEST]}…"


def _replaced(literal: re.Match[str]) -> str:
    return " " if literal.group().startswith(("/*", "--")) else "?"
