"""The tables of the performance room, and why each key and index is as it is."""

from __future__ import annotations

SCHEMA = """
create table series (
  id integer primary key, kind text not null, method text not null, route text not null,
  seen integer not null, unique (kind, method, route));
create table timing (           -- the key's order serves "all series of a span of time"
  width integer not null, at integer not null, series integer not null references series on delete cascade,
  errors integer not null, nanoseconds integer not null, worst real not null, counts blob not null,
  primary key (width, at, series)) without rowid;
create index timing_series on timing (series, width, at);  -- for the trend of one series
create table gauge (            -- the key's order serves "one name over a span of time"
  width integer not null, name text not null, at integer not null,
  count integer not null, total real not null, peak real not null,
  primary key (width, name, at)) without rowid;
create table latest (
  name text primary key, at real not null, level text not null, reason text not null,
  failures integer not null, details text not null) without rowid;
create table worker (pid integer primary key, at real not null, document text not null);
create table slow_request (
  id integer primary key, at real not null, method text not null, route text not null,
  status integer not null, seconds real not null, request_id text not null);
create table slow_query (
  source text not null, statement text not null, caller text not null,
  count integer not null, seconds real not null, worst real not null, at real not null,
  primary key (source, statement, caller)) without rowid;
"""
