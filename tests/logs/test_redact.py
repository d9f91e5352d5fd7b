from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.logs.encoding import Encoding
from app.logs.redact import STANDARD, Redaction, is_secret, redact_text, redact_value
from app.logs.shapes import NUMBERS, RULES, is_suspect, replaced

SECRET_TEXTS = {
    "Authorization: Bearer abc.def-123 was sent": "Authorization: [redacted] was sent",
    "sent bearer 9f8e7d6c5b4a": "sent bearer [token]",
    "Authorization: Basic dXNlcjpwYXNz": "Authorization: [redacted]",
    "basic dXNlcjpwYXNz": "basic [token]",
    "a JWT eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJ here": "a JWT [token] here",
    "xoxb-1234567890-abcdef": "[token]",
    "key sk-proj-abcdefghijklmnop1234": "key [token]",
    "at https://hooks.slack.com/services/T0/B0/xyz": "at https://hooks.slack.com/services/[redacted]",
    "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----": "[redacted]",
    "postgresql://user:p@ss@host:5432/db": "postgresql://[redacted]@host:5432/db",
    "password=hunter2&page=2": "password=[redacted]&page=2",
    '{"password": "two words", "page": 2}': '{"password": "[redacted]", "page": 2}',
    "User(name='x', senha='hunter2')": "User(name='x', senha='[redacted]')",
    '{\\"api_key\\": \\"k-1\\"}': '{\\"api_key\\": \\"[redacted]\\"}',
    "GET /hook?access_token=EAAB&x=1": "GET /hook?access_token=[redacted]&x=1",
    "Cookie: a=b; c=d": "Cookie: [redacted]",
    "(b'cookie', b'session=1')": "(b'cookie', b'[redacted]')",
    "from maria.silva+x@example.com.br": "from [email]",
    "CPF 529.982.247-25": "CPF [cpf]",
    "52998224725": "[cpf]",
    "CNPJ 11.222.333/0001-81": "CNPJ [cnpj]",
    "11222333000181": "[cnpj]",
    "12.ABC.345/01DE-35": "[cnpj]",
    "paid with 4111 1111 1111 1111": "paid with [card]",
    "378282246310005": "[card]",
    "call +55 11 98765-4321 now": "call [phone] now",
    "wa_id: 5511987654321": "wa_id: [phone]",
    "(11) 3456-7890": "[phone]",
    "11987654321": "[phone]",
    "+1 415 555 2671": "[phone]",
    "/users/5511987654321/messages": "/users/[phone]/messages",
    "5511987654321@s.whatsapp.net": "[email]",
    "+4155526712": "[phone]",
    "PASSWORD = hunter2": "PASSWORD = [redacted]",
    "secret\t:\tx": "secret\t:\t[redacted]",
    "x-api-key: k-1": "x-api-key: [redacted]",
    "BEARER\tabcdef": "BEARER\t[token]",
    "ghp_abcdefghijklmnopqrstuvwx": "[token]",
    "github_pat_abcdefghijklmnopqrstu": "[token]",
    "glpat-abcdefghijklmnop": "[token]",
    "AKIAIOSFODNN7EXAMPLE": "[token]",
    "AIzaSyA1234567890abcdefghijklmnopqrstuv": "[token]",
    "EAABsbCS1iHgBAabcdefghijkl": "[token]",
    "whsec_abcdefgh": "[token]",
    "sk_live_abcdefgh": "[token]",
    "xapp-1-A0-abcdefgh": "[token]",
    "(011) 98765-4321": "[phone]",
    "11 3456-7890": "[phone]",
    "cpf=529.982.247-25;": "cpf=[redacted];",
    "amex 3782 822463 10005": "amex [card]",
    "amqp://guest:guest@rabbit/": "amqp://[redacted]@rabbit/",
}

HARMLESS_TEXTS = (
    "1763863200",
    "1763863200000",
    "1763863200000000",
    "20261123020000",
    "2026-11-23T02:00:00.123456Z",
    "2026-11-23 11:59:59,123",
    "550e8400-e29b-41d4-a716-446655440000",
    "4bf92f3577b34da6a3ce929d0e0e4736",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "8f2a1c3b4d-1f",
    "R$ 1.234.567,89",
    "120.50",
    "order 12345678901",
    "payment 106540352242922",
    "192.168.100.200:5432",
    "took 98765.4321 ms",
    "0.11987654321",
    "wamid.HBgNNTUxMTk4NzY1NDMyMRUCABEYEjQ",
    "https://graph.facebook.com/v19.0/messages",
    "used 512 tokens: 12 more",
    "basic plan, bearer token missing",
    "installed pkg@1.2.30",
    "Basic authentication failed",
)

SECRET_NAMES = (
    *("password", "Password", "user_password", "passwd", "senha", "secret", "client_secret", "clientSecret"),
    *("token", "access_token", "accessToken", "authorization", "X-Api-Key", "api_key", "apikey", "cookie"),
    *("set-cookie", "cpf", "customer_cpf", "cnpj", "card", "card_number", "cvv", "private_key", "phone"),
)

HARMLESS_NAMES = (
    *("order_id", "key", "card_id", "card_brand", "token_type", "password_changed", "secret_name", "monkey"),
    *("phone_number_id", "dashboard", "tokenizer", "author", "passenger", "spec", "", "keyboard"),
)


@pytest.mark.parametrize(("text", "safe"), SECRET_TEXTS.items())
def test_secrets_and_personal_data_leave_a_text(text: str, safe: str):
    """What looks like a secret or like personal data is replaced by what it was; the rest stays."""
    assert redact_text(text) == safe


@pytest.mark.parametrize("text", HARMLESS_TEXTS)
def test_ids_times_and_amounts_stay(text: str):
    """A text that only resembles personal data stays as it is."""
    assert redact_text(text) == text


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_secret_names_are_known_in_any_spelling(name: str):
    """A name that holds a secret is known by its words, in snake, camel or header case."""
    assert is_secret(name)


@pytest.mark.parametrize("name", HARMLESS_NAMES)
def test_names_about_secrets_are_harmless(name: str):
    """A name that tells something about a secret, or only resembles one, is not a secret's."""
    assert not is_secret(name)


def test_values_of_secret_names_go_at_any_depth():
    """A secret name takes its whole value away, in mappings within lists too."""
    value = {"order": 7, "headers": [{"Authorization": "Bearer x"}, {"cookie": {"a": 1}}]}
    assert redact_value(value) == {
        "order": 7,
        "headers": [{"Authorization": "[redacted]"}, {"cookie": "[redacted]"}],
    }


def test_header_pairs_are_known():
    """A header given as a pair of bytes or texts loses its value."""
    headers = [(b"authorization", b"Bearer x"), ("X-Api-Key", "k"), (b"host", b"x")]
    assert redact_value(headers) == [
        (b"authorization", "[redacted]"),
        ("X-Api-Key", "[redacted]"),
        (b"host", b"x"),
    ]


def test_yes_no_nothing_and_numbers_of_tokens_stay():
    """Values that cannot be the secret itself stay, but a number may be a password."""
    harmless = {"password": None, "token": False, "total_tokens": 512, "secret": ""}
    assert redact_value(harmless) == harmless
    assert redact_value({"password": 1234}) == {"password": "[redacted]"}


def test_names_that_become_alike_are_both_kept():
    """Two keys that hold personal data do not overwrite each other."""
    assert redact_value({"a@b.com": 1, "c@d.com": 2}) == {"[email]": 1, "[email]'": 2}


def test_what_is_too_deep_to_be_looked_at_is_replaced():
    """A cycle ends, and what lies deeper than 32 levels is not shown."""
    cycle: list[object] = []
    cycle.append(cycle)
    assert "[redacted]" in str(redact_value(cycle))


texts = st.one_of(
    st.text(),
    st.lists(st.sampled_from([*SECRET_TEXTS, *HARMLESS_TEXTS, " ", "-", ".", "=", ": ", "'", "[token]"])).map(
        "".join
    ),
    st.text("0123456789.-/()+ @:='\"eyJbA"),
)


@given(texts)
def test_redacting_twice_changes_nothing_more(text: str):
    """Redaction is idempotent on texts."""
    once = redact_text(text)
    assert redact_text(once) == once


@given(st.recursive(texts, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=8))
def test_redacting_values_twice_changes_nothing_more(value: object):
    """Redaction is idempotent on values."""
    once = redact_value(value)
    assert redact_value(once) == once


@given(texts)
def test_no_rule_matches_what_the_first_look_lets_go(text: str):
    """The cheap first look never lets a text go that a rule would change."""
    rules = [(rule.pattern, rule.replacement) for rule in RULES]
    if not is_suspect(text):
        assert replaced(text) == text
        assert all(pattern.sub(replacement, text) == text for pattern, replacement in (*rules, *NUMBERS))


@given(st.text("0123456789.-/() ", max_size=5_000) | st.text("a@.=:'\\", max_size=5_000))
def test_hostile_texts_do_not_take_long(text: str):
    """No pattern backtracks without bound: the test's deadline holds."""
    redact_text(text)


@given(st.dictionaries(texts, texts | st.integers() | st.none(), max_size=4), texts)
def test_the_quick_way_writes_nothing_that_redaction_would_change(fields: dict[str, object], message: str):
    """What is encoded without looking at each text holds no secret, wherever in the line it might be."""
    encoding = Encoding(msgspec.json.encode, STANDARD, frozenset(), frozenset(), {})
    plain = encoding.plain(message, fields)
    if plain is not None:
        text, inner = plain
        assert json.loads(text) == redact_text(message)
        assert json.loads(inner or b"{}") == redact_value(fields)


@pytest.mark.parametrize("text", SECRET_TEXTS)
@pytest.mark.parametrize("around", ["{}", "\n{}\r\n", 'say "{}"', "\t{}\\", "São {} é", "x" * 300 + " {}"])
def test_planted_secrets_are_seen_within_json(text: str, around: str):
    """A secret is suspected whatever JSON has to escape around it."""
    planted = around.format(text)
    if redact_text(planted) != planted:
        assert STANDARD.shapes.is_suspect_json(json.dumps({"note": [planted]}))
        assert STANDARD.shapes.is_suspect_json(msgspec.json.encode({"note": planted}).decode())


def test_a_deployment_adds_names_of_secrets():
    """An added name is a secret's as a field, within longer names and in texts."""
    redaction = Redaction(secret=["matricula", "X-Partner-Key"])
    assert redaction.value({"aluno_matricula": "123", "xPartnerKey": "k"}) == {
        "aluno_matricula": "[redacted]",
        "xPartnerKey": "[redacted]",
    }
    assert (
        redaction.text("x-partner-key: k-1, Matricula=9") == "x-partner-key: [redacted], Matricula=[redacted]"
    )
    assert redact_text("matricula=9") == "matricula=9"


def test_a_deployment_allows_names():
    """An allowed name keeps its value, unless that looks like a secret itself."""
    redaction = Redaction(allowed=["card_network"])
    assert redaction.value({"card_network": "visa", "card_number": "1"}) == {
        "card_network": "visa",
        "card_number": "[redacted]",
    }
    assert redaction.value({"Card_Network": "maria@example.com"}) == {"Card_Network": "[email]"}
