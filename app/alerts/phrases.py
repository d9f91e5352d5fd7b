"""What probes and programs complain about, in Portuguese: the phrases that messages quote as reasons."""

from __future__ import annotations

import re

_PHRASES = {
    # Probes of databases and services.
    "its certificate is not valid": "o certificado não é válido",
    "TLS failed": "o TLS falhou",
    "connection refused": "a conexão foi recusada",
    "connection reset": "a conexão foi cortada",
    "its name is not known": "o nome não é conhecido",
    "the answer was not HTTP": "a resposta não era HTTP",
    "no answer in time": "não houve resposta a tempo",
    "no answer within {0} s": "nenhuma resposta em {0} s",
    "an earlier check still waits for an answer": "uma verificação anterior ainda espera a resposta",
    "the check itself failed": "a própria verificação falhou",
    "cannot be reached": "não pode ser alcançado",
    "answered {0}": "respondeu {0}",
    "no DATABASE_URL": "DATABASE_URL não está definida",
    "the driver gives no reason": "o driver não dá motivo",
    # Parts of the system, as the status tells of them.
    "the first backup has not been made yet": "o primeiro backup ainda não foi feito",
    "the last good backup has no second copy": "o último backup bom não tem segunda cópia",
    "not configured: DATABASE_URL is not set": "não configurado: falta DATABASE_URL",
    "no channel is configured: alerts are kept and shown, nobody is told": (
        "nenhum canal configurado: os alertas são guardados e mostrados, ninguém é avisado"
    ),
    "{0} log records were dropped": "{0} registros de log foram descartados",
    # Programs of PostgreSQL, and what to do about them.
    "{0} failed:": "{0} falhou:",
    "(while starting)": "(ao começar)",
    "(while dumping)": "(durante o dump)",
    "(while checking)": "(durante a conferência)",
    "(while drilling)": "(durante o ensaio)",
    "(while copying)": "(durante a cópia)",
    "there is no pg_dump of PostgreSQL {0} or newer": "não há pg_dump do PostgreSQL {0} ou mais novo",
    "Install the package postgresql-client-{0}, or name a pg_dump in BACKUP_PG_DUMP.": (
        "Instale o pacote postgresql-client-{0}, ou indique um pg_dump em BACKUP_PG_DUMP."
    ),
    "BACKUP_PG_DUMP={0} is no working pg_dump with its pg_restore and psql": (
        "BACKUP_PG_DUMP={0} não é um pg_dump que funcione, com seu pg_restore e psql"
    ),
    "Correct it, or leave it empty: then one is chosen.": "Corrija, ou deixe vazio: então um é escolhido.",
    "there is no PostgreSQL {0} or newer to restore it into": (
        "não há PostgreSQL {0} ou mais novo em que restaurar"
    ),
    "it was not done when its time was over": "não terminou no prazo",
    "there was no room for it: {0} got full": "não coube: {0} encheu",
    "the scratch server did not start": "o servidor descartável não iniciou",
    "pg_dump wrote nothing": "o pg_dump não gravou nada",
    "Check user and password in DATABASE_URL.": "Confira o usuário e a senha em DATABASE_URL.",
    "Check that PostgreSQL runs and stays up, and that DATABASE_URL leads to it.": (
        "Veja se o PostgreSQL está no ar e se DATABASE_URL leva a ele."
    ),
    "Check the database's name in DATABASE_URL.": "Confira o nome do banco em DATABASE_URL.",
    "Install PostgreSQL's own client package, or name it in BACKUP_PG_DUMP.": (
        "Instale o pacote de clientes do próprio PostgreSQL, ou indique-o em BACKUP_PG_DUMP."
    ),
    "Something holds a table's lock for long; see pg_stat_activity, then try again.": (
        "Algo segura há muito tempo o bloqueio de uma tabela; veja pg_stat_activity e tente de novo."
    ),
    "Give the role BYPASSRLS: a dump under row security would silently be partial.": (
        "Dê BYPASSRLS ao papel: sob segurança de linhas o dump ficaria incompleto sem avisar."
    ),
    "Give the role pg_read_all_data, and ownership of large objects.": (
        "Dê ao papel pg_read_all_data, e faça-o dono dos large objects."
    ),
    "Install a newer postgresql-client, or name it in BACKUP_PG_DUMP.": (
        "Instale um postgresql-client mais novo, ou indique-o em BACKUP_PG_DUMP."
    ),
    "The server's disk is full: make room, then try again.": (
        "O disco do servidor está cheio: libere espaço e tente de novo."
    ),
    "See what the server does meanwhile (pg_stat_activity), or raise BACKUP_TIMEOUT_SECONDS.": (
        "Veja o que o servidor faz enquanto isso (pg_stat_activity), ou aumente BACKUP_TIMEOUT_SECONDS."
    ),
    "Make room for the folder of BACKUP_DIR, or lower BACKUP_RETENTION_DAYS.": (
        "Libere espaço na pasta de BACKUP_DIR, ou diminua BACKUP_RETENTION_DAYS."
    ),
    "Make room, or name a folder on a larger disk in BACKUP_DRILL_DIR.": (
        "Libere espaço, ou indique em BACKUP_DRILL_DIR uma pasta em um disco maior."
    ),
    "See what was deleted, and keep an older one safe.": "Veja o que foi apagado, e guarde um mais antigo.",
    "Restore from {0} instead.": "Restaure de {0}.",
    "There is no other good one: make one now.": "Não há outro bom: faça um agora.",
}
_VALUE = re.escape("{0}")
_KNOWN = [
    (re.compile(re.escape(phrase).replace(_VALUE, "([^ ]+)")), portuguese.replace("{0}", r"\1"))
    # Because a short one may stand within a long one.
    for phrase, portuguese in sorted(_PHRASES.items(), key=lambda pair: -len(pair[0]))
]


def in_portuguese(text: str) -> str:
    """A text with the phrases in it that are known; what others say (a server, a driver) stays as it is."""
    for phrase, portuguese in _KNOWN:
        text = phrase.sub(portuguese, text)
    return text
