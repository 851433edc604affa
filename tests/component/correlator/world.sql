-- Facts for the correlator's tests, put in as T1 and the monitor would, with little ado.
create schema if not exists test;

create or replace function test.id(n integer) returns uuid language sql as $$
    select (substr(kasumori.uuid_v7_floor('2026-11-01')::text, 1, 24) || lpad(to_hex(n), 12, '0'))::uuid
$$;

-- kind 1 contact, 2 incident; start in hours after 2026-11-01; phones: numbers of tokens.
create or replace function test.record(n integer, kind integer, hours numeric, site text,
                                       phones integer[], tenant text default 'acme')
returns void language plpgsql as $$
declare
    start timestamptz := timestamptz '2026-11-01' + hours * interval '1 hour';
begin
    insert into kasumori.record (tenant, record_id, kind, site, concerned_site, agent, source,
        revision, occurred_start, occurred_end, recorded_at, appended_at, clock_state, channel,
        direction, is_training, outcome, talk_us, hold_us, categories, answer_matters,
        answer_recorded_at, answer_is_final, body_hash)
    values (tenant, test.id(n), kind, site, site, 'a', 's', 0, start, start, start, start, 1, 2, 1,
        false, case kind when 1 then 1 end, 0, 0, array['s:1:abuse'], '{}', '{}', '{}', '0123456789abcdef');
    insert into kasumori.sighting
    select tenant, test.id(n), 0, place, 1, 4, lpad(to_hex(phone), 32, '0')::uuid, 1, 4, 1, site, start
    from unnest(phones) with ordinality as list (phone, place);
    perform test.log(n, tenant);
end
$$;

-- A name the person of a record is sent with, under these keys; names do not link.
create or replace function test.name(n integer, name integer, keys integer[])
returns void language sql as $$
    insert into kasumori.sighting
    select tenant, record_id, 0, 90, key, 8, lpad(to_hex(100 * key + name), 32, '0')::uuid, 1, 4, 1,
        site, occurred_start
    from kasumori.record cross join unnest(keys) as list (key)
    where tenant = 'acme' and record_id = test.id(n)
$$;

create or replace function test.retract(n integer, target integer) returns void language plpgsql as $$
begin
    insert into kasumori.record (tenant, record_id, kind, site, concerned_site, agent, source,
        revision, occurred_start, occurred_end, recorded_at, appended_at, clock_state, channel,
        direction, is_training, target_id, replaces, body_hash)
    select 'acme', test.id(n), 4, site, site, 'a', 's', 1, occurred_start, occurred_start,
        occurred_start, occurred_start, 1, 0, 0, false, test.id(target), 0, '0123456789abcdef'
    from kasumori.record where tenant = 'acme' and record_id = test.id(target);
    perform test.log(n, 'acme');
end
$$;

create or replace function test.log(n integer, log_tenant text) returns void language sql as $$
    with moved as (update kasumori.kafka_offset set next_offset = next_offset + 1
                   returning stream_no, next_offset - 1 as place),
         placed as (update kasumori.record set stream_no = moved.stream_no, kafka_offset = place
                    from moved where tenant = log_tenant and record_id = test.id(n))
    insert into kasumori.ingest_log select stream_no, place, log_tenant, test.id(n) from moved
$$;

create or replace function test.decide(kind text, body jsonb) returns void language sql as $$
    insert into kasumori.decision (tenant, kind, made_by, second_by, reason, body)
    values ('acme', kind, 'one', 'two', 'r', body)
$$;

create or replace function test.phone(n integer) returns jsonb language sql as $$
    select jsonb_build_object('token', jsonb_build_array(4, 1, lpad(to_hex(n), 32, '0')),
        'at', (extract(epoch from timestamptz '2026-11-01 02:00') * 1000000)::bigint)
$$;

create or replace function test.reset() returns void language plpgsql as $$
declare
    name text;
begin
    foreach name in array array['record', 'record_told', 'sighting', 'ingest_log', 'decision', 'decision_counter',
        'policy_version', 'tick', 'kafka_offset', 'token_class', 'class_run', 'shared_sighting', 'edge', 'occurrence',
        'occurrence_record', 'part', 'finding', 'rollup_day', 'rollup_month', 'rollup_coarse',
        'rollup_incident', 'rollup_repeat', 'rollup_verdict', 'first_verdict', 'watch', 'review_task',
        'alert', 'alert_change', 'alert_record', 'outbox', 'correlated', 'correlated_stream', 'correlator_cursor',
        'watch_told', 'linking_adopted']
    loop
        execute format('delete from kasumori.%I', name);
    end loop;
    update kasumori.correlator set owner = null, epoch = 0, lease_until = '-infinity';
    insert into kasumori.kafka_offset (cluster_id, topic, partition, next_offset) values ('c', 't', 0, 7);
    perform kasumori.make_partitions('2026-11-01', '2026-11-01');
end
$$;
