-- The statements of history_rows.py, a section each; {words} are filled in by str.format.

-- == functions
-- Draws: uniform in [0, 1), a function of number, place and seed. And the plan: one row a record.
create schema kasumori_load;
create function kasumori_load.draw(n bigint, place integer) returns float8
language sql immutable parallel safe as
$$ select (hashint8extended(n, {seed} * 1000 + place) & 2147483647) / 2147483648.0::float8 $$;
create function kasumori_load.mac(word text, token bigint) returns uuid
language sql immutable parallel safe as $$ select md5('{seed}:' || word || ':' || token)::uuid $$;
create function kasumori_load.token_bytes(kind integer, mac uuid) returns bytea
language sql immutable parallel safe as
$$ select int4send(kind) || int4send(1) || uuid_send(mac) $$;
create function kasumori_load.surrogate(name bytea) returns bigint
language sql immutable parallel safe as
$$ select ((('x' || encode(substr(sha256(name), 1, 8), 'hex'))::bit(64)) >> 1)::bigint $$;
create function kasumori_load.site(n float8) returns text
language sql immutable parallel safe as
$$ select 's' || lpad(floor(n)::integer::text, 4, '0') $$;
create unlogged table kasumori_load.plan (
    n bigint, id uuid, kind smallint, site text, concerned text, start_at timestamptz, end_at timestamptz,
    channel smallint, direction smallint, training boolean, outcome smallint, talk_us bigint,
    hold_us bigint, token bigint, has_member boolean, ref text, matter text, is_final boolean,
    categories text[], target uuid, pair bigint, is_retracted boolean
);

-- == later
-- The id of a record made an hour after another.
create function kasumori_load.later(id uuid, n bigint) returns uuid language sql immutable as $$
    select (lpad(to_hex(('x' || substr(replace(id::text, '-', ''), 1, 12))::bit(48)::bigint + 3600000), 12, '0')
            || '7' || substr(md5({seed} || ':later:' || n), 1, 3)
            || '8' || substr(md5({seed} || ':later:' || n), 4, 15))::uuid
$$;

-- == plan
-- One record a number. Every 22nd is an incident; four of five incidents are about the call just
-- before: same site, caller and call id. Odd numbers name each token once, even ones name known ones
-- again, some much more often than others.
insert into kasumori_load.plan
select n,
       (lpad(to_hex((extract(epoch from end_at) * 1000)::bigint
                    + case when kind = 2 then 180000 when kind = 4 then 3600000 else 1000 end), 12, '0')
        || '7' || substr(hash, 1, 3) || '8' || substr(hash, 4, 15))::uuid,
       kind, site,
       case when site < 's{centers:04d}' and kasumori_load.draw(s, 5) < 0.9
            then kasumori_load.site({centers} + {stores} * kasumori_load.draw(s, 6) ^ 2) else site end,
       start_at, end_at, channel, direction, training, outcome,
       case when outcome = 1 then talk_us end, case when outcome = 1 then hold_us end,
       token, token % 50 = 0 and channel = 2 and direction = 1 and kasumori_load.draw(n, 13) < 0.5,
       case when kind = 1 or is_joined then 'c' || s end,
       case when kind = 1 and kasumori_load.draw(s, 14) < 0.12 then 'T-' || (s / 3) end,
       kasumori_load.draw(s, 15) < 0.3,
       case when kind = 2 then
           array['mhlw9:2022:' || ({codes})[1 + floor(9 * kasumori_load.draw(n, 16) ^ 2)::integer]]
           || case when kasumori_load.draw(n, 17) < 0.15 then array['mhlw9:2022:sexual'] else '{{}}' end
       else '{{}}' end,
       null, case when is_joined then s end, false
from (
    select *, start_at + case when outcome = 1 or is_joined then (talk_us + hold_us + 15000000)
                              when kind = 2 then 600000000 else 30000000 end
                         * interval '1 microsecond' as end_at
    from (
        select *, md5({seed} || ':id:' || n) as hash,
               case when kind = 1 then case when is_calm then 1
                    else (array[1,1,1,1,1,1,1,2,3,4])[1 + floor(10 * kasumori_load.draw(n, 9))::integer] end
               end::smallint as outcome,
               (20000000 + floor(900000000 * kasumori_load.draw(s, 10) ^ 3))::bigint as talk_us,
               (case when kasumori_load.draw(s, 11) < 0.3 then floor(120000000 * kasumori_load.draw(s, 12))
                     else 0 end)::bigint as hold_us,
               (case when kind = 2 and not is_joined then 1 else 2 end)::smallint as channel,
               (case when is_calm or kasumori_load.draw(n, 7) > 0.08 or kind = 2 then 1 else 2 end)::smallint
                   as direction,
               not is_calm and kind = 1 and kasumori_load.draw(n, 8) < 0.004 as training,
               case when is_calm then (s - 1) / 2
                    when kasumori_load.draw(n, 18) < 0.15 then null
                    else floor({tokens} * kasumori_load.draw(n, 19) ^ 2)::bigint end as token,
               (timestamp '{first}' + floor({days} * (s - 0.5) / {records})::integer * interval '1 day'
                + ({hours})[1 + floor(100 * kasumori_load.draw(s, 1))::integer] * interval '1 hour'
                + floor(3600000000 * kasumori_load.draw(s, 2)) * interval '1 microsecond')
                   at time zone 'Asia/Tokyo' as start_at,
               case when kasumori_load.draw(s, 3) < 0.4 and not (kind = 2 and not is_joined)
                    then kasumori_load.site({centers} * kasumori_load.draw(s, 4))
                    else kasumori_load.site({centers} + {stores} * kasumori_load.draw(s, 4) ^ 2) end as site
        from (
            select n, (case when n % 22 = 0 then 2 else 1 end)::smallint as kind,
                   n % 22 = 0 and kasumori_load.draw(n, 0) < 0.8 as is_joined,
                   case when n % 22 = 0 and kasumori_load.draw(n, 0) < 0.8 then n - 1 else n end as s,
                   n % 2 = 1 or (n % 22 = 0 and kasumori_load.draw(n, 0) < 0.8) as is_calm
            from generate_series({low}::bigint, {high}::bigint) as n
        ) as numbered
    ) as drawn
) as timed
order by 2;

-- == retract
-- One contact of 500 is retracted an hour later: of those that no incident is about and that were not
-- the first to name their token.
create index on kasumori_load.plan (n);
update kasumori_load.plan set is_retracted = true where n % 500 = 2 and kind = 1 and not training;
insert into kasumori_load.plan
select {records} + n, kasumori_load.later(id, n), 4, site, '', start_at, end_at, 0, 0, false, null, null, null,
       null, false, null, null, false, '{{}}', id, null, false
from kasumori_load.plan where is_retracted;
create index on kasumori_load.plan (id);
analyze kasumori_load.plan;

-- == facts
-- Facts, one month a statement.
insert into kasumori.record (tenant, record_id, kind, site, concerned_site, agent, source, revision,
    occurred_start, occurred_end, recorded_at, appended_at, clock_state, channel, direction, is_training,
    matter, happening_ref, target_id, replaces, is_connected, outcome, withheld, talk_us, hold_us,
    categories, answer_matters, answer_recorded_at, answer_is_final, body_hash, detail)
select '{tenant}', id, kind, site, case when kind = 4 then site else concerned end, site || '-a',
       case when kind = 1 then 'cti' else 'form' end, case when kind = 4 then 1 else 0 end,
       start_at, end_at, end_at + interval '1 second', end_at + interval '5 seconds', 1, channel, direction,
       training, matter, ref, target, case when kind = 4 then 0 end,
       case when kind = 1 then outcome = 1 end, outcome, case when kind = 1 and token is null then 1 end,
       talk_us, hold_us, categories,
       case when matter is not null then array[matter] else '{{}}' end,
       case when matter is not null then array[end_at] else '{{}}' end,
       case when matter is not null then array[is_final] else '{{}}' end,
       uuid_send(id), case when kind = 2 and kasumori_load.draw(n, 20) < 0.7 then jsonb_build_object(
           'loss', jsonb_build_object('staffMinutes', 5 + floor(90 * kasumori_load.draw(n, 21) ^ 2)::integer)) end
from kasumori_load.plan where id >= '{low}' and id < '{high}' order by id;
insert into kasumori.sighting (tenant, record_id, person, item, key_id, kind, mac, role, assurance,
    direction, site, occurred_start)
select '{tenant}', id, 0, item, 1, case item when 0 then 4 else 2 end,
       kasumori_load.mac(case item when 0 then 'phone' else 'member' end, token), 1,
       case item when 0 then 4 else 3 end, direction, site, start_at
from kasumori_load.plan, generate_series(0, has_member::integer) as item
where id >= '{low}' and id < '{high}' and token is not null order by id;
insert into kasumori.record_text (tenant, record_id, place, text)
select '{tenant}', id, 'incident.words[0]', 'お前じゃ話にならない、責任者を出せ、' || n || '回も同じ事を言わせるな'
from kasumori_load.plan where id >= '{low}' and id < '{high}' and kind = 2 order by id;

-- == ingested
-- How far all was read: one stream holds all.
with stream as (
    insert into kasumori.kafka_offset (cluster_id, topic, partition, next_offset)
    values ('loaded', 'loaded.' || '{tenant}', 0, (select count(*) from kasumori_load.plan))
    returning stream_no, next_offset),
logged as (
    insert into kasumori.ingest_log (stream_no, kafka_offset, tenant, record_id)
    select stream_no, row_number() over (order by id) - 1, '{tenant}', id from kasumori_load.plan, stream
    order by id)
insert into kasumori.correlated_stream (tenant, stream_no, next_offset)
select '{tenant}', stream_no, next_offset from stream;
insert into kasumori.correlated (tenant, form, decision_no, policy_version, records, duration_us)
select '{tenant}', {form}, 0, 0, count(*), 0 from kasumori_load.plan;

-- == persons
-- A person a token, with the member card where there is one. Their one run goes from the first linking
-- sighting to the last; a subject is named by its least one.
create unlogged table kasumori_load.person as
select seen.*, kasumori_load.mac('phone', seen.token) as phone, kasumori_load.mac('member', seen.token) as member,
       kasumori_load.surrogate('class\000'::bytea || kasumori_load.token_bytes(4, kasumori_load.mac('phone', seen.token)))
           as phone_class,
       kasumori_load.surrogate('class\000'::bytea || kasumori_load.token_bytes(2, kasumori_load.mac('member', seen.token)))
           as member_class,
       kasumori_load.surrogate('subject\000'::bytea || uuid_send(seen.first_id) || int4send(0)
           || case when p.has_member
                   then kasumori_load.token_bytes(2, kasumori_load.mac('member', seen.token))
                   else kasumori_load.token_bytes(4, kasumori_load.mac('phone', seen.token)) end) as subject
from (
    select token, (min(id::text))::uuid as first_id, min(start_at) as first_at, max(start_at) as last_at,
           min(start_at) filter (where has_member) as member_first_at,
           max(start_at) filter (where has_member) as member_last_at
    from kasumori_load.plan
    where token is not null and direction = 1 and not training and not is_retracted and kind < 4
    group by token
) as seen join kasumori_load.plan p on p.id = seen.first_id;
create index on kasumori_load.person (token);
analyze kasumori_load.person;
insert into kasumori.token_class (tenant, kind, key_id, mac, class)
select '{tenant}', kind, 1, mac, class from (
    select 4 as kind, phone as mac, phone_class as class from kasumori_load.person
    union all
    select 2, member, member_class from kasumori_load.person where member_first_at is not null) as t
order by mac;
insert into kasumori.class_run (tenant, class, first_at, last_at, kind, subject)
select '{tenant}', class, first_at, last_at, kind, subject from (
    select 4 as kind, phone_class as class, first_at, last_at, subject from kasumori_load.person
    union all
    select 2, member_class, member_first_at, member_last_at, subject from kasumori_load.person
    where member_first_at is not null) as t
order by class;

-- == edges
-- Phone and member card in one mention belong together.
insert into kasumori.edge (tenant, class_a, at_a, class_b, at_b, record_id, person, kind_a, kind_b,
    assurance_a, assurance_b, policy_version)
select '{tenant}', least(phone_class, member_class), p.start_at, greatest(phone_class, member_class),
       p.start_at, p.id, 0,
       case when phone_class < member_class then 4 else 2 end,
       case when phone_class < member_class then 2 else 4 end,
       case when phone_class < member_class then 4 else 3 end,
       case when phone_class < member_class then 3 else 4 end, 0
from kasumori_load.plan p join kasumori_load.person using (token)
where p.has_member and p.direction = 1 and not p.training and not p.is_retracted;

-- == decided
-- Two of five incidents older than a fortnight have a verdict, which names the call as well.
create unlogged table kasumori_load.verdict as
select row_number() over (order by made_at, id) as decision_no, *
from (
    select p.id, p.pair, q.id as pair_id,
           p.end_at + interval '1 hour' - ln(1 - kasumori_load.draw(p.n, 23)) * interval '40 hours' as made_at,
           (array['confirmed', 'confirmed', 'confirmed', 'confirmed', 'confirmed', 'confirmed', 'complaint',
                  'complaint', 'rejected', 'suspected'])[1 + floor(10 * kasumori_load.draw(p.n, 24))::integer] as value
    from kasumori_load.plan p left join kasumori_load.plan q on q.n = p.pair
    where p.kind = 2 and kasumori_load.draw(p.n, 22) < 0.4
      and p.start_at < timestamp '{first}' + ({days} - 14) * interval '1 day'
) as v;
create index on kasumori_load.verdict (id);
alter table kasumori.decision disable trigger decision_is_numbered;
insert into kasumori.decision (tenant, decision_no, kind, made_at, made_by, reason, body)
select '{tenant}', decision_no, 'verdict', made_at, 'judge-' || (decision_no % 7), '聞き取りの結果による',
       jsonb_build_object('records', jsonb_strip_nulls(to_jsonb(array_remove(array[pair_id, id], null))), 'value', value,
                          'elements', jsonb_build_object('act', true, 'beyond', value = 'confirmed', 'harm', true))
from kasumori_load.verdict order by decision_no;
alter table kasumori.decision enable trigger decision_is_numbered;
insert into kasumori.decision_counter (tenant, last_no) select '{tenant}', count(*) from kasumori_load.verdict;
update kasumori.correlated set decision_no = (select count(*) from kasumori_load.verdict) where tenant = '{tenant}';

-- == members
-- An effective record is alone in its occurrence, or the second of a call's two.
insert into kasumori.occurrence_record (tenant, record_id, occurrence, effective_id, site, channel, start_at,
    end_at, is_anchor, happening_ref, owner_class, gap_us)
select '{tenant}', p.id, coalesce(q.id, p.id), p.id, p.site, p.channel, p.start_at, p.end_at,
       p.kind = 1 and p.outcome = 1, p.ref,
       case when p.direction = 2 then null when p.has_member then person.member_class
            else person.phone_class end,
       case when p.outcome in (2, 3) then 300000000 else 600000000 end
from kasumori_load.plan p
left join kasumori_load.plan q on q.n = p.pair
left join kasumori_load.person on person.token = p.token
where p.kind < 4 and not p.training and not p.is_retracted
order by p.id;

-- == occurrences
-- Named by the call.
insert into kasumori.occurrence (tenant, occurrence, first_at, last_at, standing, judged_by)
select '{tenant}', p.id, p.start_at, p.end_at,
       case when v.value in ('complaint', 'rejected') then 'innocent' when v.value is null then 'open'
            else 'judged' end, v.decision_no
from kasumori_load.plan p
left join kasumori_load.plan i on i.n = p.n + 1 and i.pair = p.n
left join kasumori_load.verdict v on v.id = coalesce(i.id, p.id)
where p.kind < 4 and p.pair is null and not p.training
  and not p.is_retracted
order by p.id;

-- == parts
-- What each tells about its caller, in the order of the key.
insert into kasumori.part (tenant, subject, start_at, occurrence, counts, has_incident, talk_us, severity,
    matters, sites, records)
select '{tenant}', person.subject, p.start_at, p.id,
       p.direction = 1 and coalesce(v.value not in ('complaint', 'rejected'), true),
       i.n is not null or p.kind = 2,
       case when p.direction = 2 then 0
            when p.kind = 2 then 600000000
            when p.outcome = 1 then p.talk_us + p.hold_us
            else 0 end,
       (select max(({severities})[array_position({codes}, split_part(category, ':', 3))])
        from unnest(coalesce(i.categories, p.categories)) as category),
       case when p.matter is not null and p.direction = 1 then array[p.matter] else '{{}}' end,
       case when i.n is not null then array[i.concerned] when p.kind = 2 then array[p.concerned]
            else '{{}}' end,
       case when i.n is not null then array[p.id, i.id] else array[p.id] end
from kasumori_load.plan p
join kasumori_load.person on person.token = p.token
left join kasumori_load.plan i on i.n = p.n + 1 and i.pair = p.n
left join kasumori_load.verdict v on v.id = coalesce(i.id, p.id)
where p.kind < 4 and p.pair is null and not p.training
  and not p.is_retracted
order by person.subject, p.start_at;

-- == rolled_up
-- Day and hour are Japan's; a category that a record has twice counts once.
create temp table cell as
select (start_at at time zone 'Asia/Tokyo')::date as day, concerned as site, category,
       extract(isodow from start_at at time zone 'Asia/Tokyo')::smallint as weekday,
       extract(hour from start_at at time zone 'Asia/Tokyo')::smallint as hour,
       count(*) filter (where kind = 1) as contacts, count(*) filter (where kind = 2) as incidents,
       coalesce(sum(talk_us), 0)::bigint as talk_us, count(*) filter (where outcome in (2, 3)) as abandoned
from kasumori_load.plan, unnest(case when categories[1] = categories[2] then array['', categories[1]]
                                     else array[''] || categories end) as category
where kind < 4 and not training and not is_retracted
group by 1, 2, 3, 4, 5;
insert into kasumori.rollup_day
select '{tenant}', day, site, category, sum(contacts), sum(incidents), sum(talk_us), sum(abandoned)
from cell group by day, site, category order by day, site, category;
insert into kasumori.rollup_month
select '{tenant}', date_trunc('month', day), weekday, hour, sum(contacts), sum(incidents), sum(talk_us),
       sum(abandoned)
from cell where category = '' group by 2, 3, 4 order by 2, 3, 4;
drop table cell;

-- == figures
-- As the migration makes them for what was stored before it.
select kasumori.fill_figures('{tenant}');

-- == asked
-- An incident of which nobody knows whose it was asks for a look.
insert into kasumori.review_task (tenant, task, kind, record_id, since)
select '{tenant}', encode(substr(sha256('tells_nobody\000'::bytea || uuid_send(id) || int8send(0) || int8send(0)),
                                 1, 16), 'hex')::uuid,
       'tells_nobody', id, end_at + interval '5 seconds'
from kasumori_load.plan where kind = 2 and token is null;

-- == alerted
-- A handful of alerts on the persons with the most incidents.
create temp table told as
select md5('finding' || subject)::uuid as finding, subject, count(*) as parts, min(start_at) as first_at,
       max(start_at) as last_at, array_agg(occurrence order by start_at) as occurrences
from (select *, row_number() over (partition by subject order by start_at desc) as place
      from kasumori.part where tenant = '{tenant}' and has_incident and counts) as p
where place <= 8 group by subject having count(*) >= 3 order by count(*) desc, subject limit 200;
insert into kasumori.finding
select '{tenant}', finding, 'repetition', subject, null, false, occurrences[1], 0, first_at, last_at,
       occurrences, 0 from told;
insert into kasumori.alert
select '{tenant}', finding, 'repetition', null, false, finding, 'open', null, 1 from told;
insert into kasumori.alert_change (tenant, alert, change_no, change, at, records)
select '{tenant}', finding, 1, 'opened', last_at + interval '1 minute', occurrences from told;
drop table told;
