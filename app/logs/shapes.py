"""What secrets and personal data look like in a text, as a table of patterns."""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from pydantic_core import SchemaValidator, core_schema

REDACTED = "[redacted]"

Replacement = str | Callable[[re.Match[str]], str]


class Rule(NamedTuple):
    """A pattern and what is put in its place; it cannot match where none of its hints is (in lower case)."""

    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    replacement: Replacement


class Shapes:
    """All the patterns, with the names of secrets that a deployment adds to ours, each as its words."""

    def __init__(self, names: Collection[Sequence[str]] = ()) -> None:
        added = "".join(f"|{'[_-]?'.join(words)}" for words in names)
        named = Rule(_SEPARATORS, re.compile(_named(added), _NAMED_FLAGS), NAMED.replacement)
        self.rules = tuple(named if rule is NAMED else rule for rule in RULES)
        # Because all patterns at once cost Python's engine twenty times as much.
        schema = core_schema.str_schema(pattern=_SUSPECT % (_NAMES + added), strict=True)
        self.is_suspect_json = SchemaValidator(schema).isinstance_python
        """The same as is_suspect() for all texts of some JSON at once."""

    def is_suspect(self, text: str) -> bool:
        """A cheap look that lets most texts go: where it is False, no rule matches."""
        if self.is_suspect_json(text):
            return True
        return not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text)

    def replaced(self, text: str) -> str:
        """The text after each rule was tried once."""
        lowered = text.lower()
        for rule in self.rules:
            if any(hint in lowered for hint in rule.hints):
                text = rule.pattern.sub(rule.replacement, text)
        if _DIGITS.search(text):
            for pattern, replacement in NUMBERS:
                text = pattern.sub(replacement, text)
        return text


def _if_credentials(match: re.Match[str]) -> str:
    """Basic credentials are the base64 of user:password; any other word after `basic` stays."""
    scheme, word = match.groups()
    try:
        decoded = binascii.a2b_base64(word + "=" * (-len(word) % 4))
    except ValueError:
        return match.group()
    return f"{scheme}[token]" if b":" in decoded else match.group()


def _if(mark: str, is_valid: Callable[[list[int]], bool]) -> Callable[[re.Match[str]], str]:
    def checked(match: re.Match[str]) -> str:
        digits = [int(character) for character in match.group() if character.isdigit()]
        return mark if is_valid(digits) else match.group()

    return checked


def _is_cpf(digits: list[int]) -> bool:
    return len(set(digits)) > 1 and all(
        _check_digit(digits[:size], range(size + 1, 1, -1)) == digits[size] for size in (9, 10)
    )


def _is_cnpj(digits: list[int]) -> bool:
    weights = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
    return any(digits) and all(
        _check_digit(digits[:size], weights[-size:]) == digits[size] for size in (12, 13)
    )


def _check_digit(digits: list[int], weights: Iterable[int]) -> int:
    rest = sum(digit * weight for digit, weight in zip(digits, weights, strict=True)) % 11
    return 0 if rest < 2 else 11 - rest


def _is_card(digits: list[int]) -> bool:
    """Luhn's check."""
    doubled = [digit * 2 for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(n - 9 if n > 9 else n for n in doubled)) % 10 == 0


_SEPARATORS = (":", "=", "b'")
# Because dates and times should pass, this asks for 11 digits, or for the shape of a number with fewer.
_DIGITS = re.compile(
    r"\d(?:[ .()/-]{0,2}\d){10}|\(0?\d\d\)|\d\d[ -][3-5]\d{3}-|/[\dA-Z]{4}-\d\d"
    r"|\+[1-9](?:[ .()-]{0,2}\d){9}"
)

MARK = r"\[(?:redacted|token|email|cpf|cnpj|card|phone)\]"
"""The pattern of everything that redaction leaves in a text."""

_NAMES = (
    "passw(?:or)?d|pwd|passphrase|passcode|senha|secret|token|credentials?|jwt"
    "|(?:api|access|private|secret|signing|encryption|auth)[ _-]?key"
    "|authorization|cookie|cpf|cnpj|cvv|cvc"
)


def _named(added: str) -> str:
    return (
        rf"((?:{_NAMES}{added})"
        r"""(?:(?:\\?["'])?\s{0,3}[:=]\s{0,3}|'\s?,\s?b(?=')))"""
        rf"""(?:(?P<quote>\\?["'])(?!{MARK})(?:(?!(?P=quote)).)+"""
        rf"""|(?!{MARK}|\\["']|(?:none|null|true|false)\b)(?:(?:bearer|basic|digest)\s+)?[^\s"'&,;)}}]+)"""
    )


_NAMED_FLAGS = re.IGNORECASE | re.ASCII
_COOKIE_LINE = re.compile(rf"((?:set-)?cookie:)\s?(?!\s?{MARK})[^\r\n\"']+", re.IGNORECASE | re.ASCII)
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
)
_URL_CREDENTIALS = re.compile(r"://[^\s/?#\"'<>]+@")
_SLACK_HOOK = re.compile(r"(hooks\.slack\.com/\w+/)(?!\[)[^\s\"'<>]+")
_KNOWN_TOKEN = re.compile(
    r"\b(?:xox[a-z]-[\w-]{8,}|xapp-[\w-]{8,}|sk-[\w-]{16,}|sk_(?:live|test)_\w{8,}|gh[ops]_\w{20,}"
    r"|github_pat_\w{20,}|glpat-[\w-]{16,}|AKIA[A-Z0-9]{12,}|AIza[\w-]{30,}|EAA[A-Za-z0-9]{20,}|whsec_\w{8,})"
)
_TOKEN_HINTS = (
    "xox", "xapp-", "sk-", "sk_live_", "sk_test_", "ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "akia",
    "aiza", "eaa", "whsec_",
)  # fmt: skip
_JWT = re.compile(r"\beyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)*")
_BEARER = re.compile(
    r"\b(bearer\s+)(?!(?:auth\w*|tokens?|scheme|credentials?|required|missing|header)\b)[\w.~+/=-]{6,}",
    re.IGNORECASE | re.ASCII,
)
_BASIC = re.compile(r"\b(basic\s+)([a-z0-9+/]{6,}={0,2})", re.IGNORECASE | re.ASCII)
_EMAIL = re.compile(r"[\w.+%-]{1,64}@(?:[\w-]{1,63}\.)+[^\W\d_][\w-]{1,62}")

# Because ids, amounts and versions hold digits too, a bare number must stand alone.
_ALONE, _ENDS = r"(?<![\w.-])", r"(?!\w|\.\d|-\w)"
_CNPJ = re.compile(r"(?<![\w.])[\dA-Z]{2}\.[\dA-Z]{3}\.[\dA-Z]{3}/[\dA-Z]{4}-\d{2}(?!\d)")
_BARE_CNPJ = re.compile(rf"{_ALONE}\d{{8}}/?00\d{{2}}-?\d{{2}}{_ENDS}")
_CPF = re.compile(r"(?<![\d.])\d{3}\.\d{3}\.\d{3}-\d{2}(?!\d)")
_BARE_CPF = re.compile(rf"{_ALONE}\d{{9}}-?\d{{2}}{_ENDS}")
_CARD = re.compile(
    rf"""
    {_ALONE}
    (?: (?:2[2-7]|[3-6]\d)\d\d ([ -]?) \d{{4}} \1 \d{{4}} \1 \d{{4}} (?:\1\d{{3}})?
      | 3[47]\d\d ([ -]?) \d{{6}} \2 \d{{5}}
      | 3[0689]\d\d ([ -]?) \d{{6}} \3 \d{{4}} )
    {_ENDS}
    """,
    re.VERBOSE,
)
_AREA = "(?:1[1-9]|2[12478]|3[1-578]|4[1-9]|5[1345]|6[1-9]|7[134579]|8[1-9]|9[1-9])"
_PHONE = re.compile(
    rf"""
    (?<![\w.+-])
    (?: \+?55[ -]?\(?{_AREA}\)?[ -]?(?:9[ -]?)?[2-9]\d{{3}}[ -]?\d{{4}}   # with the country
      | \(0?{_AREA}\)[ -]?(?:9[ -]?)?[2-9]\d{{3}}[ -]?\d{{4}}              # area in parentheses
      | 0?{_AREA}[ -]?9[ ]?\d{{4}}[ -]?\d{{4}}                            # a mobile
      | {_AREA}[ -][3-5]\d{{3}}-\d{{4}}                                   # a land line
    ) {_ENDS}
    | (?<![\w+]) \+[1-9](?:[ .()-]{{0,2}}\d){{9,14}}(?!\d)                # any other country
    """,
    re.VERBOSE,
)

NAMED = Rule(_SEPARATORS, re.compile(_named(""), _NAMED_FLAGS), rf"\1\g<quote>{REDACTED}")
"""name=value, where the name is a secret's."""

RULES = (
    Rule(("cookie:",), _COOKIE_LINE, rf"\1 {REDACTED}"),
    NAMED,
    Rule(("private key",), _PRIVATE_KEY, REDACTED),
    Rule(("@",), _URL_CREDENTIALS, f"://{REDACTED}@"),
    Rule(("hooks.slack.com",), _SLACK_HOOK, rf"\1{REDACTED}"),
    Rule(_TOKEN_HINTS, _KNOWN_TOKEN, "[token]"),
    Rule(("eyj",), _JWT, "[token]"),
    Rule(("bearer",), _BEARER, r"\1[token]"),
    Rule(("basic",), _BASIC, _if_credentials),
    Rule(("@",), _EMAIL, "[email]"),
)
"""What is found by signs and words, in the order in which it is tried."""

NUMBERS: tuple[tuple[re.Pattern[str], Replacement], ...] = (
    (_CNPJ, "[cnpj]"),
    (_BARE_CNPJ, _if("[cnpj]", _is_cnpj)),
    (_CPF, "[cpf]"),
    (_BARE_CPF, _if("[cpf]", _is_cpf)),
    (_CARD, _if("[card]", _is_card)),
    (_PHONE, "[phone]"),
)
"""What is found by its digits, in the order in which it is tried."""

# In the syntax of Rust's regex crate, which reads a text once whatever is looked for. In JSON a quote
# has a backslash before it, and white space may be written as \n.
_SUSPECT = (
    r"@|-----BEGIN|(?i:bearer|basic)"
    r"|\d(?:[ .()/-]{0,2}\d){10}|\(0?\d\d\)|\d\d[ -][3-5]\d{3}-|/[\dA-Z]{4}-\d\d|\+[1-9](?:[ .()-]{0,2}\d){9}"
    r"|eyJ[\w-]{5}|xox[a-z]-|xapp-|sk-[\w-]{16}|sk_(?:live|test)_|gh[ops]_\w{8}|github_pat_|glpat-"
    r"|AKIA[A-Z0-9]{8}|AIza[\w-]{8}|EAA[A-Za-z0-9]{8}|whsec_|hooks\.slack\.com/"
    r"""|(?i:%s)(?:(?:\\{0,3}["'])?(?:\s|\\[a-z][0-9a-f]{0,4}){0,3}[:=]|'(?:\s|\\[a-z][0-9a-f]{0,4})?,(?:\s|\\[a-z][0-9a-f]{0,4})?b')"""
)

STANDARD = Shapes()
"""The patterns as they are where nothing was configured."""

is_suspect, replaced = STANDARD.is_suspect, STANDARD.replaced
