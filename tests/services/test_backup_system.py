"""The backup page, against a real server."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from app.backup.restorer import Wish
from app.backup.settings import BackupSettings
from app.core.errors import Conflict, InputRejected, NotFound, Unavailable
from app.core.health import Level
from app.core.postgres import EmbeddedPostgres
from app.core.signal import Condition
from app.services.backup_system import BackupSystem
from app.testing import FrozenClock, RecordingEmit, wait_until
from tests.backup.samples import flip_a_bit
from tests.backup.server import CONTENT, GUARDED, PASSWORD, ROWS, Server


class Desk:
    """A page of a database `shop`, with what it needs and what it says."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self.folder = folder / "backups"
        self.clock = FrozenClock()
        self.emit = RecordingEmit()
        self.page = self.open()

    def open(self, url: str | None = None, **settings: object) -> BackupSystem:
        """Another page of the same folder, as another worker has it."""
        asked = BackupSettings(**{"timezone": "America/Sao_Paulo", "drill": "off"} | settings)
        return BackupSystem(
            asked, self.folder, self.server.url("shop") if url is None else url, self.clock, self.emit
        )

    def back_up(self, page: BackupSystem | None = None) -> dict:
        """Make a backup and wait for its end."""
        page = page or self.page
        return page.wait(page.request(reason="manual")["id"], 30)

    def run_due(self) -> None:
        """Do what the leader does each 15 seconds, and wait for what that begins."""
        self.page.run_due()
        wait_until(lambda: self.page.status()["running"] is None, what="the end of the run")

    def files(self) -> set[str]:
        """Endings of the files in the folder."""
        return {path.name.partition(".")[2] for path in self.folder.iterdir()} - {"lock"}

    def codes(self) -> list[tuple[str, Condition]]:
        """What was emitted."""
        return [(signal.code, signal.condition) for signal in self.emit.signals]


@pytest.fixture
def server(postgres: EmbeddedPostgres):
    """The server, with a database `shop`."""
    server = Server(postgres)
    server.make("shop", CONTENT)
    yield server
    server.clean()


@pytest.fixture
def desk(server: Server, tmp_path: Path):
    """A page of the shop's database; ended afterwards."""
    desk = Desk(server, tmp_path)
    yield desk
    desk.page.stop()


def test_backup_by_hand(desk: Desk):
    """A backup that is asked for is made, checked, kept as a file with its manifest, and told."""
    made = desk.back_up()
    assert (made["state"], made["reason"], made["tables"]) == ("checked", "manual", len(ROWS))
    assert desk.files() == {"dump.gz", "json", "roles.sql", "sha256"}
    assert desk.page.status()["last_good"]["id"] == made["id"]
    assert desk.codes()[-1] == ("backup_succeeded", Condition.NOTED)


def test_second_is_refused_while_one_runs(desk: Desk):
    """While a backup runs, every worker shows it and refuses another."""
    other = desk.open()
    with desk.server.locked("shop"):
        begun = desk.page.request(reason="manual")
        wait_until(lambda: other.get(begun["id"])["phase"] == "dumping", what="the dump")
        for page in (desk.page, other):
            with pytest.raises(Conflict):
                page.request(reason="another")
        assert other.status()["running"]["id"] == begun["id"]
        assert other.wait(begun["id"], 0.1)["state"] == "running"
    assert other.wait(begun["id"], 30)["state"] == "checked"


def test_first_backup_is_made_a_minute_after_the_start(desk: Desk):
    """A fresh installation has its first backup when the server is up for a minute."""
    desk.run_due()
    assert desk.page.status()["backups"] == []
    desk.clock.advance(seconds=60)
    desk.run_due()
    assert desk.page.status()["last_good"]["reason"] == "first"


def test_one_backup_a_day(desk: Desk):
    """Looked at often, one is made at 02:00 local time and none until the next day's."""
    desk.back_up()
    for _ in range(24 * 2):
        desk.clock.advance(hours=1)
        desk.run_due()
    begun = [backup["started_at"] for backup in desk.page.status()["backups"]]
    assert begun[:-1] == ["2026-11-25T05:00:00.000000Z", "2026-11-24T05:00:00.000000Z"]


def test_old_backups_are_rotated(desk: Desk):
    """After a success backups older than the days go, and so many stay as must stay."""
    page = desk.open(retention_days=2, keep_at_least=1)
    for _ in range(4):
        desk.back_up(page)
        desk.clock.advance(days=1)
    assert [backup["sequence"] for backup in page.status()["backups"]] == [4, 3, 2]


def test_failed_run_is_recorded_and_deletes_nothing(desk: Desk):
    """A failed run leaves a record with fact and hint and no part, and old backups stay."""
    good = desk.back_up()
    desk.clock.advance(days=99)
    failed = desk.back_up(desk.open(desk.server.url("shop", user="stranger")))
    assert (failed["state"], failed["phase"]) == ("failed", "starting")
    assert 'role "stranger" does not exist' in failed["fact"]
    assert "CREATE ROLE" in failed["hint"]
    status = desk.page.status()
    assert [one["id"] for one in status["backups"]] == [good["id"]]
    assert status["failed"][0]["id"] == failed["id"]
    assert desk.files() == {"dump.gz", "json", "roles.sql", "sha256", "failed.json"}
    assert desk.codes()[-1] == ("backup_failed", Condition.RAISED)
    assert desk.page.health().level is Level.DEGRADED


def test_failure_is_retried_and_ends_with_a_success(desk: Desk):
    """A failed daily backup is tried again after 5 minutes; the success clears the alert."""
    broken = desk.open(desk.server.url("shop", user="stranger"))
    desk.back_up(broken)
    desk.run_due()
    assert len(desk.page.status()["failed"]) == 1
    desk.clock.advance(minutes=5)
    desk.run_due()
    assert desk.page.status()["last_good"]["reason"] == "retry"
    assert ("backup_failed", Condition.CLEARED) in desk.codes()
    assert desk.page.health().level is Level.OK


def test_overdue_is_said_once(desk: Desk):
    """Without a good backup for 26 hours it is said, once, and shown in the health."""
    desk.back_up()
    desk.emit.signals.clear()
    desk.clock.advance(hours=26)
    broken = desk.open(desk.server.url("shop", user="stranger"))
    for _ in range(3):
        broken.run_due()
        broken.stop()
    assert desk.codes().count(("backup_overdue", Condition.RAISED)) == 1
    assert broken.health().reason == "the last good backup is 26 hours old"


def test_verification_finds_damage(desk: Desk):
    """A flipped bit in an old backup is found, alerted as CRITICAL, and the backup counts no more."""
    good, bad = desk.back_up(), desk.back_up()
    flip_a_bit(desk.folder / bad["file"])
    told = desk.page.inspection.verify()
    assert {result["id"]: result["ok"] for result in told["results"]} == {good["id"]: True, bad["id"]: False}
    assert not told["ok"]
    raised = next(
        s for s in desk.emit.signals if s.code == "backup_damaged" and s.condition is Condition.RAISED
    )
    assert good["id"] in raised.message
    assert desk.page.status()["last_good"]["id"] == good["id"]
    assert desk.page.get(bad["id"])["state"] == "damaged"


def test_restore_after_showing_what_will_happen(desk: Desk):
    """A plan tells source and target and changes nothing; the restore tells the rows of each table."""
    made = desk.back_up()
    plan = desk.page.plan_restore(made["id"], Wish("copy"))
    assert (plan["exists"], len(plan["tables"]), plan["backup"]["id"]) == (False, len(ROWS), made["id"])
    assert "copy" not in desk.server.databases()
    shares: list[float] = []
    done = desk.page.restore(made["id"], Wish("copy"), shares.append)
    assert (done["tables"], done["rows"]) == (len(ROWS), sum(ROWS.values()))
    assert shares[-1] == 1.0
    assert desk.server.content("copy") == desk.server.content("shop")


def test_restore_over_an_existing_database(desk: Desk):
    """Over an existing database a restore has to be allowed, and keeps the former one."""
    made = desk.back_up()
    with pytest.raises(Conflict):
        desk.page.restore(made["id"], Wish("shop"))
    assert desk.page.restore(made["id"], Wish("shop", replace=True))["former"] in desk.server.databases()


@pytest.mark.parametrize("name", ["nothing", "../../etc/passwd", "", "a\0"])
def test_unknown_backups_are_not_found(desk: Desk, name: str):
    """What is not there is NotFound, whatever it is asked for."""
    for ask in (
        desk.page.get,
        lambda one: desk.page.wait(one, 1),
        lambda one: desk.page.plan_restore(one, Wish("x")),
        lambda one: desk.page.restore(one, Wish("x")),
    ):
        with pytest.raises(NotFound):
            ask(name)


def test_impossible_target_is_refused(desk: Desk):
    """A name that no database can have is refused before anything is done."""
    made = desk.back_up()
    with pytest.raises(InputRejected):
        desk.page.plan_restore(made["id"], Wish(""))


def test_without_a_database_it_is_not_configured(tmp_path: Path, clock: FrozenClock, emit: RecordingEmit):
    """Without DATABASE_URL all is well, nothing is due, and a backup cannot be asked for."""
    page = BackupSystem(BackupSettings(), tmp_path / "backups", "", clock, emit)
    page.run_due()
    assert page.health().level is Level.OK
    assert page.health().reason == "not configured: DATABASE_URL is not set"
    assert (page.status()["configured"], list(page.measures())) == (False, [])
    with pytest.raises(Unavailable, match="not configured") as refused:
        page.request(reason="manual")
    assert refused.value.hint
    assert not (tmp_path / "backups").exists()
    page.stop()


def test_another_kind_of_database_does_not_keep_from_starting(
    tmp_path: Path, clock: FrozenClock, emit: RecordingEmit
):
    """A DATABASE_URL of something else degrades the health with a reason, and nothing more."""
    page = BackupSystem(BackupSettings(), tmp_path, "sqlite:///canary.db", clock, emit)
    page.run_due()
    assert page.health().level is Level.DEGRADED
    assert page.health().reason == "DATABASE_URL is no PostgreSQL URL"


def test_measures_tell_the_last_good_one(desk: Desk):
    """After a backup its time, size and duration are measured."""
    made = desk.back_up()
    told = {measure.name: measure.samples[0].value for measure in desk.page.measures()}
    assert told["atalaia_backup_size_bytes"] == made["size_bytes"]
    assert told["atalaia_backup_last_success_timestamp_seconds"] == desk.clock.now().timestamp()


def test_guarded_server(desk: Desk):
    """With a role that needs a password, backup and restore work, and status does not hold it."""
    desk.server.guard()
    page = desk.open(desk.server.url("shop", user=GUARDED, password=PASSWORD))
    made = desk.back_up(page)
    assert made["state"] == "checked"
    assert page.restore(made["id"], Wish("copy"))["rows"] == sum(ROWS.values())
    assert PASSWORD not in str(page.status())


def test_run_can_be_cancelled_from_any_process(desk: Desk):
    """A run is ended by another worker's word: nothing is left, nobody is alarmed, an hour is waited."""
    other = desk.open()
    with desk.server.locked("shop"):
        begun = desk.page.request(reason="manual")
        wait_until(lambda: other.get(begun["id"])["phase"] == "dumping", what="the dump")
        ended = other.cancel(begun["id"])
    assert (ended["state"], ended["called_off"], ended["fact"]) == ("failed", True, "it was cancelled")
    assert desk.files() == {"failed.json"}
    assert desk.codes() == []
    assert desk.page.health().level is Level.OK
    desk.clock.advance(minutes=59)
    desk.run_due()
    assert desk.page.status()["backups"] == []
    desk.clock.advance(minutes=1)
    desk.run_due()
    assert desk.page.status()["last_good"]["reason"] == "retry"


def test_nothing_to_cancel(desk: Desk):
    """Where nothing runs there is nothing to cancel, and what never was is not found."""
    made = desk.back_up()
    for of in (None, made["id"]):
        with pytest.raises(Conflict, match="not running"):
            desk.page.cancel(of)
    with pytest.raises(NotFound):
        desk.page.cancel("shop-20261123T120000Z-0000")


def test_wish_of_another_run_does_not_end_this_one(desk: Desk):
    """A cancellation that came too late for its run does nothing to the next."""
    (desk.folder).mkdir(mode=0o700)
    (desk.folder / ".cancel").write_text("shop-20261123T120000Z-0000")
    assert desk.back_up()["state"] in {"checked", "proven"}


def test_another_host_is_at_it(desk: Desk, tmp_path: Path):
    """A host with a folder of its own makes none while another backs the same database up, and says so."""
    desk.server.run("shop", "create table more as select i from generate_series(1, 9) i")
    other = BackupSystem(BackupSettings(), tmp_path / "other", desk.server.url("shop"), desk.clock, desk.emit)
    with desk.server.locked("shop"):
        begun = desk.page.request(reason="manual")
        wait_until(lambda: desk.page.get(begun["id"])["phase"] == "dumping", what="the dump")
        second = desk.back_up(other)
    assert (second["state"], second["called_off"]) == ("failed", True)
    assert "another run backs up this database: backup by Atalaia on" in second["fact"]
    desk.page.wait(begun["id"], 30)
    assert desk.back_up(other)["state"] in {"checked", "proven"}


def test_what_is_rotten_names_the_next_best(desk: Desk):
    """The watch alone finds a changed file, and its alert tells what to restore instead."""
    good, bad = desk.back_up(), desk.back_up()
    flip_a_bit(desk.folder / bad["file"])
    desk.clock.advance(days=8)
    desk.page.inspection.watch()
    (signal,) = [
        one for one in desk.emit.signals if one.code == "backup_damaged" and one.condition is Condition.RAISED
    ]
    assert f"Restore from {good['id']} instead" in signal.message
    assert desk.page.status()["last_good"]["rechecked_at"] is not None


def test_emptied_database_is_alerted(desk: Desk):
    """A backup that is good and has nearly nothing in it raises an alert, which the next full one ends."""
    desk.server.run(
        "shop", "insert into messages (text) select repeat('x', 200) from generate_series(1, 5000)"
    )
    desk.back_up()
    desk.server.run("shop", "begin; create table kept as select * from messages; truncate messages; commit")
    desk.server.run("shop", "alter table kept rename to elsewhere; drop table elsewhere")
    made = desk.back_up()
    assert "the table public.messages has 0 rows, 5,500 were there before" in made["shrunken"]
    assert ("backup_shrunken", Condition.RAISED) in desk.codes()


def test_refused_before_it_begins(desk: Desk):
    """Where row security would leave rows out, the run ends before the dump, with what to do about it."""
    desk.server.run(
        "postgres", "drop role if exists clerk; create role clerk login; grant pg_read_all_data to clerk"
    )
    desk.server.run(
        "shop", "alter table leads enable row level security; alter table leads force row level security"
    )
    page = desk.open(desk.server.url("shop", user="clerk"))
    assert not page.check()["ok"]
    failure = desk.back_up(page)
    assert (failure["phase"], "row security hides rows of public.leads" in failure["fact"]) == (
        "starting",
        True,
    )
    assert "BYPASSRLS" in failure["hint"]


def test_concerns_are_kept_with_the_backup(desk: Desk):
    """What is no reason to make none stands in the manifest."""
    desk.server.make("empty")
    made = desk.back_up(desk.open(desk.server.url("empty")))
    assert [one["fact"] for one in made["concerns"]] == ["there is no table in 'empty'"]


def test_zstd_by_setting_and_both_are_read(desk: Desk):
    """With zstd the file is one of zstd, and a page that is set to gzip verifies and drills it."""
    made = desk.back_up(desk.open(compression="zstd"))
    assert made["file"].endswith(".dump.zst")
    assert desk.page.inspection.verify()["ok"]
    again = desk.page.wait(desk.page.drill(made["id"])["id"], 60)
    assert again["drill"]["outcome"] == "proven"


def test_sums_are_what_sha256sum_reads(desk: Desk):
    """sha256sum -c finds every file of a backup right, with no part of ours."""
    made = desk.back_up()
    told = subprocess.run(
        ["sha256sum", "-c", f"{made['id']}.sha256"],
        cwd=desk.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.splitlines()[0] == f"{made['file']}: OK"
