"""The words of messages in English and Brazilian Portuguese: one entry a code, one a kind of notice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ..core.signal import Category, Severity
from .model import Kind

Language: TypeAlias = Literal["en", "pt-BR"]


@dataclass(frozen=True, slots=True)
class Heading:
    """What a code is called; {names} are labels. `unit` is that of value and threshold."""

    en: str
    pt: str
    unit: str = ""

    def template(self, language: Language) -> str:
        """The heading in a language."""
        return self.pt if language == "pt-BR" else self.en


HEADINGS: dict[str, Heading] = {
    "cpu_high": Heading("High CPU use", "Uso alto de CPU", "%"),
    "memory_high": Heading("High memory use", "Uso alto de memória", "%"),
    "disk_high": Heading("A disk is filling up", "Disco quase cheio", "%"),
    "response_time_high": Heading("Slow answers of {route}", "Respostas lentas em {route}", "s"),
    "error_rate_high": Heading("Many requests fail", "Muitas requisições com erro", "%"),
    "database_connections_high": Heading(
        "Database connections are running out", "Conexões do banco de dados se esgotando", "%"
    ),
    "database_unreachable": Heading("The database does not answer", "O banco de dados não responde"),
    "external_unreachable": Heading("{service} does not answer", "{service} não responde"),
    "event_loop_blocked": Heading("The event loop was blocked", "O event loop ficou bloqueado", "s"),
    "backup_failed": Heading("Backup failed", "Falha no backup"),
    "backup_succeeded": Heading("Backup made and verified", "Backup feito e verificado"),
    "backup_overdue": Heading("Backup overdue", "Backup atrasado"),
    "backup_damaged": Heading("A backup is damaged", "Backup danificado"),
    "unhandled_exception": Heading("Unhandled {type} in {where}", "{type} não tratada em {where}"),
    "internal_failure": Heading("Atalaia itself failed in {place}", "A própria Atalaia falhou em {place}"),
    "access_attack": Heading("Attack on the access control", "Ataque ao controle de acesso"),
    "logs_dropped": Heading("Log lines were lost", "Linhas de log perdidas"),
    "events_dropped": Heading("Business events were lost", "Eventos de negócio perdidos"),
    "events_refused": Heading("Business events were refused", "Eventos de negócio recusados"),
    "events_quarantined": Heading("Journal lines are no events", "Linhas do diário que não são eventos"),
    "events_conflicts": Heading(
        "An event key came with another amount", "Uma chave de evento veio com outro valor"
    ),
    "channel_failed": Heading(
        "The alert channel {channel} fails", "O canal de alertas {channel} está com falha"
    ),
    "worker_died": Heading("A worker process died", "Um processo worker morreu"),
    "test": Heading("Test message", "Mensagem de teste"),
}


def heading_of(code: str, labels: Mapping[str, str], title: str, language: Language) -> str:
    """What an alert is called in a language; its own title where nothing better is known."""
    known = HEADINGS.get(code)
    try:
        return known.template(language).format_map(dict(labels)) if known else title
    except KeyError:
        return title


KINDS: dict[Language, dict[Kind, str]] = {
    "en": {
        Kind.FIRED: "{severity}: {heading}",
        Kind.WORSE: "Worse, now {severity}: {heading}",
        Kind.REMINDER: "Still {severity}: {heading}",
        Kind.RESOLVED: "Over: {heading}",
        Kind.LATE: "Was {severity}, is over: {heading}",
        Kind.NOTED: "{heading}",
        Kind.TEST: "{heading}",
    },
    "pt-BR": {
        Kind.FIRED: "{severity}: {heading}",
        Kind.WORSE: "Piorou, agora {severity}: {heading}",
        Kind.REMINDER: "Continua {severity}: {heading}",
        Kind.RESOLVED: "Encerrado: {heading}",
        Kind.LATE: "Foi {severity}, já encerrado: {heading}",
        Kind.NOTED: "{heading}",
        Kind.TEST: "{heading}",
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
    },
}
