-- Whatever SQL can define, own and grant, each in its rarest form, for servers from 15 on.
select lo_from_bytea(4242, 'x');
create role "O'Neil ""x"" $a$ --" login; create role "Über Rolle"; create role app; create role ro;
create role "PUBLIC2";
create schema "S ""1"""; create schema acc authorization app;
create type rng as range (subtype = float8, subtype_diff = float8mi);
create type comp as (a int, b text collate "C");
create domain dm as text default 'x' not null constraint ck check (length(value) < 10);
create domain dm2 as dm constraint ck2 check (value <> '') ;
alter domain dm2 add constraint ck3 check (value like 'x%') not valid;
create collation coll (provider = libc, locale = 'C');
create function op_f(comp, comp) returns bool language sql immutable as 'select ($1).a = ($2).a';
create operator === (leftarg = comp, rightarg = comp, function = op_f, commutator = ===);
create operator acc.=== (leftarg = comp, rightarg = comp, function = op_f);
create function cast_f(comp) returns int language sql immutable as 'select ($1).a';
create cast (comp as int) with function cast_f(comp) as assignment;
create text search dictionary td (template = simple, stopwords = english);
create text search configuration tc (parser = default);
alter text search configuration tc add mapping for asciiword with td, simple;
create sequence sq as smallint increment -3 minvalue -99 maxvalue 99 start 5 cycle cache 4;
create table base (id int generated always as identity (start 10 increment 5) primary key, v varchar(10)
    not null default 'a'||'b',
  c "char", n numeric(12,3) check (n in (1,2,3.5)), d date default current_date, ts timestamptz default
    (now() at time zone 'utc'),
  arr varchar[] check (arr <@ array['a','b']::varchar[]), cm comp, dmv dm2 default 'xx', r rng, x bit(3),
    iv interval hour to minute,
  g text generated always as (upper(v) || coalesce(c::text,'')) stored, u uuid default gen_random_uuid(),
    j jsonb default '{}',
  constraint nn check (v is not null and (v::text) = any (array['ab'::text,'q'])) , unique (v, n)
    deferrable initially deferred, exclude using gist (r with &&))
  with (fillfactor=70, autovacuum_enabled=false);
alter table base cluster on base_pkey; alter table base replica identity using index base_pkey;
alter table base alter v set statistics 50; alter table base alter j set storage external;
create table kid (extra int check (extra > 0)) inherits (base); alter table kid alter v set default 'kid';
create table kid2 (z int, v varchar(10) not null, id int not null, n numeric(12,3));
create table fk (id int references base on delete set null (id) deferrable, b int, foreign key (id)
    references base match full on update cascade not valid);
create table parted (a int not null, b text not null, c numeric default 1) partition by list (b);
create table p1 (c numeric default 1, b text not null, a int not null);
alter table parted attach partition p1 for values in ('x', null, 'y');
create table pd partition of parted default partition by range (a, (a+1));
create table pd1 partition of pd for values from (minvalue, minvalue) to (10, maxvalue);
create index on parted (a) include (c); 
create index i1 on base using btree (lower(v) text_pattern_ops desc nulls last, (n + 1)) where n is not
    null and v in ('a','b') ;
create index i2 on base using hash (v); create index i3 on base using brin (d) with (pages_per_range=4);
create index i4 on base using gin (j jsonb_path_ops);
create statistics st1 (ndistinct, dependencies, mcv) on v, n from base;
create statistics st2 on (n+1), lower(v) from base; alter statistics st1 set statistics 77;
create view v1 with (security_barrier) as select b.id, b.v, k.extra from base b left join kid k using (id)
    where b.v in ('a','b') and b.n between 1 and 3 or b.d > '2020-01-01'::date - interval '1 day';
create view v2 as select *, row_number() over w as rn, count(*) filter (where n > 1) over (partition by v




order by n rows between 1 preceding and current row exclude ties) from base window w as (order by id desc
    nulls last);
create recursive view v3 (n) as values (1) union all select n+1 from v3 where n < 5;
create view v4 as select v, n from base where n > 1 with cascaded check option;
create view v5 as select a.x, lat.y, grouping(a.x) from (values (1,'a'),(2,'b')) a(x, t), lateral (select
    a.x * 2 as y) lat group by cube (a.x, lat.y) having a.x is distinct from 7 order by 1 limit 5;
create view v6 as select extract(year from d) as e1, trim(both 'x' from v), substring(v from 1 for 2),




position('a' in v), overlay(v placing 'z' from 1), v similar to 'a%' as c1, v ~* 'b' as c2, cast(n as




int), case v when 'a' then 1 else 2 end, nullif(v,'q'), greatest(1,n), v collate "C", array(select 1),




exists(select 1), n = any(select 1) as c3, row(1,2) = row(2,3) as c4, (cm).a, arr[1:2], current_user,




coalesce(null::text, 'x'), ts at time zone 'UTC', xmlforest_dummy from base, (select 1 as xmlforest_dummy)
    q;
create view v7 as with recursive t(n) as materialized (select 1 union select n+1 from t where n<3) select
    n from t;
create view v8 as select b1.* from base b1 natural join kid;
create view v9 as select id from base union all (select id from kid except select extra from kid)
    intersect select 1;
create view v10 as select j->'a' as a, j #>> '{a,b}' as b, jsonb_path_query(j, '$.a'), j @> '{"a":1}' from
    base tablesample bernoulli (10) repeatable (1);
create materialized view mv as select v, sum(n) from base group by v with no data;
create unique index on mv (v);
create function f_sql(a int default 3, variadic b text[] default '{}') returns table (x int, y text)




language sql stable parallel safe cost 5 rows 7 set search_path = public, pg_temp set work_mem = '5MB'
    begin atomic select a, b[1]; select id, v::text from base where v in ('a','b'); end;
create function f_pl(inout a anyelement, out b int) language plpgsql security definer strict as
    $x$ begin b := 1; end $x$;
create procedure pr(inout a int) language plpgsql as $$ begin a := a+1; commit; end $$;
create function trg() returns trigger language plpgsql as 'begin return new; end';
create aggregate ag1 (float8) (sfunc = float8_accum, stype = float8[], finalfunc = float8_avg, initcond =
    '{0,0,0}', parallel = safe, combinefunc=float8_combine);
create trigger t1 before insert or update of v, n on base for each row when (new.v is distinct from 'q'
    and new.n in (1,2)) execute function trg('a', 'b''c');
create trigger t2 after update on base referencing old table as o new table as nn for each statement
    execute function trg();
create constraint trigger t3 after insert on base deferrable initially deferred for each row execute
    function trg(); alter table base disable trigger t2; alter table base enable always trigger t3;
create trigger t4 instead of insert on v4 for each row execute function trg();
create trigger t5 after insert on parted for each row execute function trg();
create rule r1 as on insert to v1 do instead (insert into base (v) values (new.v); select 1);
create rule r2 as on delete to base where old.n > 5 do also delete from kid where id = old.id;
alter table base enable row level security;
create policy po1 on base for all to app, ro, "O'Neil ""x"" $a$ --" using (v in ('a','b') and



 current_setting('x.y', true) = v::text) with check (n > 0 or pg_has_role(current_user, 'app', 'member'));
create policy po2 on base as restrictive for select using (exists (select 1 from kid k where k.id =
    base.id));
grant select, insert (v, n), update (v) on base to ro; grant all on base to app with grant option;
set session authorization app; grant select on base to "Über Rolle" with grant option;
set session authorization "Über Rolle"; grant select on base to "O'Neil ""x"" $a$ --";
reset session authorization;
revoke select on base from ro; grant usage, create on schema "S ""1""" to public;
grant usage on schema acc to ro; revoke all on schema public from public;
grant usage on schema public to app, "Über Rolle";
grant usage on type comp to ro; revoke usage on type rng from public; grant usage on domain dm to app;
grant usage on sequence sq to ro; grant execute on function f_pl(anyelement) to ro;
revoke execute on procedure pr(int) from public; grant execute on function ag1(float8) to app;
grant usage on language plpgsql to ro;
alter default privileges for role app in schema acc grant select on tables to ro;
alter default privileges for role app revoke execute on routines from public;
alter default privileges in schema public grant all on sequences to app;
alter default privileges grant usage on schemas to ro;
alter default privileges grant usage on types to ro;
alter table kid owner to app; alter table fk owner to "Über Rolle";
alter view v1 owner to "O'Neil ""x"" $a$ --"; alter type comp owner to app; alter domain dm owner to app;
alter sequence sq owner to app; alter function f_pl(anyelement) owner to app;
alter procedure pr(int) owner to ro; alter aggregate ag1(float8) owner to app;
alter materialized view mv owner to app; alter collation coll owner to app;
alter text search configuration tc owner to app; alter text search dictionary td owner to app;
alter statistics st1 owner to app; alter schema "S ""1""" owner to "O'Neil ""x"" $a$ --";
alter type rng owner to app; alter operator ===(comp, comp) owner to app; alter table parted owner to ro;
comment on schema acc is 'it''s'; comment on column base.v is E'a\nb\\';
comment on function f_pl(anyelement) is '$$'; comment on constraint nn on base is 'c';
comment on trigger t1 on base is 't'; comment on policy po1 on base is 'p'; comment on index i1 is 'i';
comment on operator ===(comp, comp) is 'o'; comment on type comp is 'c';
comment on cast (comp as int) is 'c'; comment on domain dm is 'd'; comment on view v1 is 'v';
comment on database shop is 'db'; comment on schema public is 'mine'; comment on role app is 'r';
comment on large object 4242 is 'lo';
select lo_from_bytea(4244, 'z'), lo_from_bytea(4243, 'y');
alter large object 4242 owner to app; alter large object 4243 owner to app;
grant select on large object 4242, 4243 to ro; revoke update on large object 4243 from app;
grant all on large object 4244 to public; grant select on large object 4244 to ro with grant option;
insert into base (v, n, arr, cm, r, x, c) values ('ab', 1, '{a}', '(1,b)', '[1,2)', B'101', 'q'), ('q',
    3.5, '{b}', null, 'empty', null, null);
insert into kid (id, v, n, extra) values (1, 'ab', 2, 3);
insert into parted select i, case when i % 2 = 0 then 'x' else 'other' end from generate_series(1, 9) i;
select nextval('sq'), nextval('sq');
