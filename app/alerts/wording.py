"""The words of messages in English and Brazilian Portuguese: one entry a kind of notice, one a word."""

from __future__ import annotations

from typing import Literal, TypeAlias

from ..core.signal import Category, Severity
from .model import Kind

Language: TypeAlias = Literal["en", "pt-BR"]

KINDS: dict[Language, dict[Kind, str]] = {
    "en": {
        Kind.FIRED: "{severity}: {heading}",
        Kind.WORSE: "Worse, now {severity}: {heading}",
        Kind.REMINDER: "Still {severity}: {heading}",
        Kind.RESOLVED: "Over: {heading}",
        Kind.LATE: "Was {severity}, is over: {heading}",
        Kind.NOTED: "{heading}",
        Kind.TEST: "{heading}",
        Kind.ACKNOWLEDGED: "{who} is on it: {heading}",
        Kind.ESCALATED: "{severity}, and nobody is on it: {heading}",
        Kind.FLAPPING: "Comes and goes: {heading}",
        Kind.DIGEST: "{severity}: {heading}",
    },
    "pt-BR": {
        Kind.FIRED: "{severity}: {heading}",
        Kind.WORSE: "Piorou, agora {severity}: {heading}",
        Kind.REMINDER: "Continua {severity}: {heading}",
        Kind.RESOLVED: "Encerrado: {heading}",
        Kind.LATE: "Foi {severity}, já encerrado: {heading}",
        Kind.NOTED: "{heading}",
        Kind.TEST: "{heading}",
        Kind.ACKNOWLEDGED: "{who} está cuidando: {heading}",
        Kind.ESCALATED: "{severity}, e ninguém está cuidando: {heading}",
        Kind.FLAPPING: "Vai e volta: {heading}",
        Kind.DIGEST: "{severity}: {heading}",
    },
}

SEVERITIES: dict[Language, dict[Severity, str]] = {
    "en": {severity: severity.value for severity in Severity},
    "pt-BR": {
        Severity.LOW: "BAIXO",
        Severity.MEDIUM: "MÉDIO",
        Severity.HIGH: "ALTO",
        Severity.CRITICAL: "CRÍTICO",
    },
}

CATEGORIES: dict[Language, dict[Category, str]] = {
    "en": {
        Category.SYSTEM: "system",
        Category.PERFORMANCE: "performance",
        Category.BUSINESS: "business",
        Category.SECURITY: "security",
    },
    "pt-BR": {
        Category.SYSTEM: "sistema",
        Category.PERFORMANCE: "desempenho",
        Category.BUSINESS: "negócio",
        Category.SECURITY: "segurança",
    },
}

WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "value": "Value",
        "threshold": "Limit",
        "since": "Since",
        "over": "Over at",
        "reason": "Because",
        "repeats": "Seen again",
        "category": "Category",
        "host": "Server",
        "id": "Id",
        "times": "{count} times",
        "repeated": "This may have been sent before: the sender was interrupted.",
        "dashboard": "Dashboard",
        "runbook": "What to do",
        "trend": "Lately",
        "lines": "From the log",
        "somebody": "Somebody",
        "acknowledged": "On it since",
        "acknowledge": "I am on it",
        "resolve": "It is over",
        "silence": "Quiet for 1 h",
        "digest": "{count} alerts: {counts}",
        "digest_subject": "{count} alerts since {since}",
        "more": "and {count} more",
    },
    "pt-BR": {
        "value": "Valor",
        "threshold": "Limite",
        "since": "Desde",
        "over": "Encerrado em",
        "reason": "Motivo",
        "repeats": "Visto de novo",
        "category": "Categoria",
        "host": "Servidor",
        "id": "Id",
        "times": "{count} vezes",
        "repeated": "Esta mensagem pode ser repetida: o envio foi interrompido.",
        "dashboard": "Painel",
        "runbook": "O que fazer",
        "trend": "Ultimamente",
        "lines": "Do log",
        "somebody": "Alguém",
        "acknowledged": "Em cuidado desde",
        "acknowledge": "Estou cuidando",
        "resolve": "Já passou",
        "silence": "Silêncio por 1 h",
        "digest": "{count} alertas: {counts}",
        "digest_subject": "{count} alertas desde {since}",
        "more": "e mais {count}",
    },
}
