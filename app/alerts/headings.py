"""What each code is called, in English and Brazilian Portuguese."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..core.command import COMMAND
from .phrases import in_portuguese
from .wording import Language


@dataclass(frozen=True, slots=True)
class Heading:
    """What a code is called; {names} are labels. `unit` is that of value and threshold.

    `details` says in Portuguese what the alert's own message, which is English, says; it may quote it.
    """

    en: str
    pt: str
    unit: str = ""
    details: str = "{message}"

    def template(self, language: Language) -> str:
        """The heading in a language."""
        return self.pt if language == "pt-BR" else self.en


HEADINGS: dict[str, Heading] = {
    "cpu_high": Heading(
        "High CPU use", "Uso alto de CPU", "%", "O uso passou do limite em várias medições seguidas."
    ),
    "memory_high": Heading(
        "High memory use", "Uso alto de memória", "%", "O uso passou do limite em várias medições seguidas."
    ),
    "disk_high": Heading(
        "A disk is filling up", "Disco quase cheio", "%", "O espaço usado em {path} passou do limite."
    ),
    "response_time_high": Heading(
        "Slow answers of {route}",
        "Respostas lentas em {route}",
        "s",
        "O p95 desta rota passou do limite na janela observada.",
    ),
    "error_rate_high": Heading(
        "Many requests fail",
        "Muitas requisições com erro",
        "%",
        "A proporção de respostas 5xx passou do limite na janela observada.",
    ),
    "database_connections_high": Heading(
        "Database connections are running out",
        "Conexões do banco de dados se esgotando",
        "%",
        "As conexões em uso se aproximam do máximo que o servidor aceita.",
    ),
    "database_unreachable": Heading(
        "The database does not answer",
        "O banco de dados não responde",
        details="O que depende dele falha até que volte. O motivo: {message}",
    ),
    "external_unreachable": Heading(
        "{service} does not answer", "{service} não responde", details="O motivo: {message}"
    ),
    "event_loop_blocked": Heading(
        "The event loop was blocked",
        "O event loop ficou bloqueado",
        "s",
        "Nenhuma requisição foi atendida nesse tempo. O que o segurava: {where}",
    ),
    "slo_burn": Heading(
        "{rule}: the error budget burns too fast",
        "{rule}: a margem de erro se gasta rápido demais",
        "x",
        "No ritmo de {window}, o objetivo de {objective} não será cumprido.",
    ),
    "business_anomaly": Heading(
        "Unusual number of {event}",
        "Número incomum de {event}",
        "x",
        "A última hora inteira é diferente da mesma hora das últimas quatro semanas (vezes a mediana).",
    ),
    "rule_no_data": Heading(
        "{rule}: no data", "{rule}: sem dados", details="A regra não encontra nada para comparar. {message}"
    ),
    "rule_failed": Heading(
        "The rule {rule} could not be evaluated",
        "A regra {rule} não pôde ser avaliada",
        details="O que ela vigia não está sendo vigiado; o motivo está em /production/system/status.",
    ),
    "backup_failed": Heading(
        "Backup failed", "Falha no backup", details="Nenhum backup foi feito. O motivo: {message}"
    ),
    "backup_succeeded": Heading(
        "Backup made and verified",
        "Backup feito e verificado",
        "bytes",
        "O backup {backup_id} foi feito, lido de volta e conferido.",
    ),
    "backup_drill_failed": Heading(
        "Backup does not restore",
        "O backup não restaura",
        details="O ensaio de restauração falhou: o restaurado não é o que estava na origem. {message}",
    ),
    "backup_not_drillable": Heading(
        "Backup could not be drilled",
        "O backup não pôde ser ensaiado",
        details="O arquivo foi conferido, mas a restauração não pôde ser ensaiada aqui. {message}",
    ),
    "backup_overdue": Heading(
        "Backup overdue", "Backup atrasado", "s", "Não há um backup bom que seja recente o bastante."
    ),
    "backup_offsite_failed": Heading(
        "Backup without second copy",
        "Backup sem segunda cópia",
        details="O último backup bom ainda não está no outro lugar. {message}",
    ),
    "backup_archiving_fails": Heading(
        "WAL archiving fails",
        "O arquivamento de WAL falha",
        "s",
        details="O WAL não chega ao repositório: sem ele não há restauração a um ponto no tempo. {message}",
    ),
    "backup_shrunken": Heading(
        "Backup has shrunk",
        "O backup encolheu",
        details="Há muito menos no backup do que nos anteriores. {message}",
    ),
    "backup_damaged": Heading(
        "A backup is damaged",
        "Backup danificado",
        details="O arquivo {backup_id} já não é o que o manifesto diz. {message}",
    ),
    "unhandled_exception": Heading("Unhandled {type} in {where}", "{type} não tratada em {where}"),
    "new_error": Heading(
        "New error: {type}",
        "Erro novo: {type}",
        details="Não tinha aparecido antes em logs/errors.log; veja /production/logs/errors. {message}",
    ),
    "internal_failure": Heading(
        "Atalaia itself failed in {place}",
        "A própria Atalaia falhou em {place}",
        details="A aplicação segue; veja `internal` em /production/system/status. {message}",
    ),
    "access_attack": Heading(
        "Attack on the access control",
        "Ataque ao controle de acesso",
        details="{client} insiste em tokens errados e é recusado; veja logs/security.log.",
    ),
    "logs_dropped": Heading(
        "Log lines were lost",
        "Linhas de log perdidas",
        details="Não couberam na memória enquanto um arquivo de log não podia ser escrito.",
    ),
    "events_dropped": Heading(
        "Business events were lost",
        "Eventos de negócio perdidos",
        details="O disco recusou o diário até a memória encher; veja o espaço e as permissões de logs/.",
    ),
    "events_refused": Heading(
        "Business events were refused",
        "Eventos de negócio recusados",
        details="A aplicação registrou eventos com argumentos errados; o app.log diz quais.",
    ),
    "events_quarantined": Heading(
        "Journal lines are no events",
        "Linhas do diário que não são eventos",
        details=f"Foram postas de lado com o motivo: {COMMAND} metrics quarantine.",
    ),
    "events_conflicts": Heading(
        "An event key came with another amount",
        "Uma chave de evento veio com outro valor",
        details="Vale o valor registrado primeiro; dois pagamentos não podem ter a mesma chave.",
    ),
    "channel_failed": Heading(
        "The alert channel {channel} fails",
        "O canal de alertas {channel} está com falha",
        details="O motivo: {message}",
    ),
    "worker_died": Heading(
        "A worker process died",
        "Um processo worker morreu",
        details="O processo {pid} foi morto ou caiu sem se despedir; os outros seguem.",
    ),
    "was_down": Heading(
        "Atalaia was not running",
        "A Atalaia não estava rodando",
        details="De {from} até {until} nada foi observado; o processo foi morto ou a máquina caiu.",
    ),
    "test": Heading("Test message", "Mensagem de teste"),
}


OWN_WORDS = "own_words"
"""The label that says which of an alert's words (title, message) somebody chose in place of ours."""


def heading_of(code: str, labels: Mapping[str, str], title: str, language: Language) -> str:
    """What an alert is called in a language; its own title where nothing better is known."""
    known = None if "title" in labels.get(OWN_WORDS, "") else HEADINGS.get(code)
    return _filled(known.template(language), labels, title) if known else title


def details_of(code: str, labels: Mapping[str, str], message: str, language: Language) -> str:
    """What an alert's message says in a language; the message itself where nothing better is known."""
    known = None if "message" in labels.get(OWN_WORDS, "") else HEADINGS.get(code)
    if language == "en" or known is None or not message:
        return message
    return _filled(known.details, {**labels, "message": in_portuguese(message)}, message)


def _filled(template: str, labels: Mapping[str, str], otherwise: str) -> str:
    try:
        return template.format_map(dict(labels))
    except KeyError:
        return otherwise
