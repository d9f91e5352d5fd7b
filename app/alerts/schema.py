"""The tables of the alerts file, and why each index is there."""

from __future__ import annotations

from ..core.database import OFFSETS

MIGRATIONS = (
    OFFSETS
    + """
    create table alert (
        id text primary key, fingerprint text not null, source text not null, key text not null,
        title text not null, severity text not null, category text not null, state text not null,
        started_at text not null, seen_at text not null, notified text not null, message text not null,
        labels text not null, code text not null, value real, threshold real, repeats integer not null,
        expires_at text, acknowledged_at text, acknowledged_by text not null, resolved_at text,
        resolved_by text not null, reason text not null, noted integer not null
    ) without rowid;
    create unique index alert_active on alert (fingerprint) where resolved_at is null; -- one at a time
    create index alert_episodes on alert (fingerprint, id); -- for the newest episode
    create index alert_expiring on alert (expires_at) where expires_at is not null; -- for the tick
    create index alert_over on alert (resolved_at) where resolved_at is not null; -- for trimming

    create table cleared (fingerprint text primary key, at text not null) without rowid;

    create table event (
        id integer primary key autoincrement, alert_id text not null, at text not null, what text not null,
        why text not null, who text not null, channel text not null,
        count integer not null default 1, last_at text not null
    );
    create index event_of_alert on event (alert_id, what, channel, why); -- for one alert, and for counting on
    create index event_at on event (last_at); -- for trimming

    create table silence (
        id text primary key, matchers text not null, starts_at text not null, ends_at text not null,
        author text not null, comment text not null, ended_by text not null
    ) without rowid;

    create table told (
        fingerprint text not null, channel text not null, alert_id text not null, at text,
        severity text not null, repeats integer not null, reminders integer not null,
        owed text not null, due_at text, primary key (fingerprint, channel)
    ) without rowid;
    create index told_due on told (due_at) where due_at is not null; -- for the tick

    create table outbox (
        id integer primary key autoincrement, key text not null unique, alert_id text not null,
        channel text not null, kind text not null, rank integer not null, state text not null,
        created_at text not null, touched_at text not null, not_before text not null,
        attempts integer not null default 0, fence integer not null default 0,
        lease_owner text not null default '', lease_until text, uncertain integer not null default 0,
        reference text not null default '', error text not null default ''
    );
    create index outbox_pending on outbox (channel, rank desc, id) where state = 'pending'; -- for claims
    create index outbox_sending on outbox (channel) where state = 'sending'; -- for what a crash left
    create index outbox_of_alert on outbox (alert_id, channel); -- for what was said of one alert
    create index outbox_dead on outbox (touched_at) where state = 'dead'; -- for health

    create table channel (
        name text primary key, failures integer not null default 0, failing_since text, pause_until text,
        last_ok_at text, last_error text not null default '', last_error_at text,
        sent integer not null default 0, failed integer not null default 0, dead integer not null default 0
    ) without rowid;
    """,
    """
    alter table told add column kind text not null default '';
    alter table silence add column until_resolved integer not null default 0;

    alter table outbox add column due_at text; -- when it was to go out; later attempts do not move it
    update outbox set due_at = created_at;
    alter table outbox add column grp text not null default '';
    alter table outbox add column digest integer; -- the row of the digest that speaks for it
    alter table outbox add column asked integer not null default 0; -- how often what became of it was asked
    create index outbox_digested on outbox (digest) where digest is not null; -- for what a digest holds
    create index outbox_accepted on outbox (channel, not_before) where state = 'accepted'; -- to ask for

    create table bucket (name text primary key, tokens real not null, at text not null) without rowid;

    create table flap (
        fingerprint text primary key, changes text not null, changed_at text not null, since text
    ) without rowid;
    create index flap_now on flap (since) where since is not null; -- for claims and for the tick

    create table inhibitor (
        alert_id text not null, rule text not null, equal text not null, primary key (alert_id, rule)
    ) without rowid; -- small, and asked at each claim

    create table escalation (
        alert_id text primary key, step integer not null, due_at text not null
    ) without rowid;
    create index escalation_due on escalation (due_at); -- for the tick

    create table life (
        owner text primary key, started_at text not null, heartbeat_at text not null, ended_at text
    ) without rowid;

    alter table channel add column canary_at text;
    alter table channel add column canary_seconds real;
    alter table channel add column canary_error text not null default '';
    """,
    """
    create index outbox_doubtful on outbox (channel, rank desc, id)
    where state = 'pending' and uncertain = 1; -- for what a crash may have delivered
    """,
    """
    alter table flap add column settles_at text;
    update flap set settles_at = strftime('%Y-%m-%dT%H:%M:%f000Z', changed_at, '+22 minutes')
    where since is not null;
    create index flap_settling on flap (settles_at) where settles_at is not null; -- for the tick
    """,
)
