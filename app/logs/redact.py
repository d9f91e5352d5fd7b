"""Takes secrets and personal data out of texts and values: by the name of a field and by shape.

What it puts in their place says what was there: [redacted], [token], [email], [cpf], [cnpj],
[card], [phone]. Doing it twice changes nothing more.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

from .shapes import MARK, REDACTED, Shapes

_DEEPEST = 32


class Redaction:
    """What a deployment takes for secret: our names and shapes, those that it adds, without those it allows.

    A name in `secret` is one also as part of a longer name and in `name=value` within a text; one in
    `allowed` is the whole name of a field, whose value is then only looked at for shapes.
    """

    def __init__(self, secret: Collection[str] = (), allowed: Collection[str] = ()) -> None:
        added = [words for words in map(_words, secret) if words]
        self.shapes = Shapes(added)
        self._added = [set(words) for words in added]
        self._allowed = frozenset(name.lower() for name in allowed)
        self.is_secret = lru_cache(maxsize=4096)(self._is_secret)
        self._name = lru_cache(maxsize=4096)(self.text)

    def text(self, text: str) -> str:
        """The text without what looks like a secret or like personal data.

        Found by shape: credentials (Bearer, Basic, JWT, in URLs, private keys, well-known prefixes, and
        name=value where the name is a secret's), e-mail addresses, CPF, CNPJ, payment cards, Brazilian
        phones and WhatsApp ids, and other phones that begin with a plus.
        """
        if not self.shapes.is_suspect(text):
            return text
        # Because what one rule leaves behind may be what another one looks for.
        for _ in range(8):
            before, text = text, self.shapes.replaced(text)
            if text == before:
                break
        return text

    def value(self, value: Any) -> Any:
        """The value with its texts redacted and the values of secret names replaced, at any depth.

        Goes into mappings, lists, tuples and sets, and returns new ones; other objects stay as they are.
        """
        return self._redacted(value, 0)

    def _is_secret(self, name: str) -> bool:
        words = _words(name)
        if not words or name.lower() in self._allowed:
            return False
        if any(added.issubset(words) for added in self._added):
            return True
        if words[-1] in _ABOUT:
            return False
        return not _SECRET.isdisjoint(words) or ("key" in words and not _KEY_KINDS.isdisjoint(words))

    def _redacted(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return self._mapping(value, depth + 1)
        if isinstance(value, (list, tuple, set, frozenset)):
            return self._items(value, depth + 1)
        return value

    def _mapping(self, mapping: Mapping[Any, Any], depth: int) -> Any:
        if depth > _DEEPEST:
            return REDACTED
        result: dict[Any, Any] = {}
        for key, value in mapping.items():
            name = self._name(key) if isinstance(key, str) else key
            safe = REDACTED if self._hides(name, value) else self._redacted(value, depth)
            while name in result:
                name = f"{name}'"  # Because two names may be the same without what was taken out.
            result[name] = safe
        return result

    def _items(self, items: list[Any] | tuple[Any, ...] | set[Any] | frozenset[Any], depth: int) -> Any:
        if depth > _DEEPEST:
            return REDACTED
        safe = [self._redacted(item, depth) for item in items]
        if isinstance(items, tuple) and len(items) == 2 and self._hides(safe[0], items[1]):
            safe[1] = REDACTED  # Because headers come as pairs.
        return safe if isinstance(items, list) else tuple(safe) if isinstance(items, tuple) else set(safe)

    def _hides(self, name: Any, value: Any) -> bool:
        """Whether a value must go because of its name; yes, no, nothing and a number of tokens may stay."""
        if isinstance(name, bytes):
            name = name.decode("latin-1")
        if not isinstance(name, str) or not self.is_secret(name):
            return False
        if value is None or isinstance(value, bool) or value == "":
            return False
        return not (isinstance(value, (int, float)) and _COUNTABLE.intersection(_words(name)))


def _words(name: str) -> list[str]:
    # Because the name of a mark in a name is not the name of a secret.
    return _WORD.findall(_CAMEL.sub(r"\1_\2", _MARK.sub("", name)).lower())


_MARK = re.compile(MARK)
_CAMEL = re.compile(r"([a-z0-9])([A-Z])")
_WORD = re.compile(r"[a-z]+|\d+")
_COUNTABLE = frozenset(("token", "tokens"))
_SECRET = _COUNTABLE | {
    "password", "passwd", "pwd", "passphrase", "passcode", "senha", "secret", "secrets", "segredo",
    "authorization", "cookie", "cookies", "credential", "credentials", "apikey", "jwt",
    "cpf", "cnpj", "card", "cartao", "cvv", "cvc",
    "phone", "telephone", "telefone", "celular", "msisdn",
}  # fmt: skip
_KEY_KINDS = frozenset(("api", "access", "private", "secret", "signing", "encryption", "auth"))
# Because a field whose name ends so says something about a secret and does not hold one.
_ABOUT = frozenset((
    "id", "ids", "count", "type", "kind", "name", "at", "on", "expires", "expiry", "expired", "changed",
    "length", "limit", "used", "usage", "budget", "policy", "required", "enabled", "valid", "verified",
    "sent", "status", "state", "present", "brand", "ttl", "seconds", "ms", "age", "version", "url", "uri",
    "endpoint", "source", "provider", "model", "cost", "price", "total", "rate", "channel", "template",
))  # fmt: skip

STANDARD = Redaction()
"""What is taken out where nothing was configured."""

redact_text, redact_value, is_secret = STANDARD.text, STANDARD.value, STANDARD.is_secret
