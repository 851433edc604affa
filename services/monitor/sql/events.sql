with stream as materialized (
    select k.stream_no, k.next_offset as stored,
           case when $2 ? 'streams' then coalesce(($2 -> 'streams' ->> k.stream_no::text)::bigint, 0)
                else k.next_offset end as since
    from kasumori.kafka_offset k
), waiting as materialized (
    select s.stream_no, l.kafka_offset, l.record_id,
           row_number() over (order by l.kafka_offset - s.since, s.stream_no) as place
    from stream s
    cross join lateral (
        select i.kafka_offset, i.record_id from kasumori.ingest_log i
        where i.stream_no = s.stream_no and i.kafka_offset >= s.since and i.kafka_offset < s.stored and i.tenant = $1
        order by i.kafka_offset limit ($2 ->> 'most')::bigint + 1
    ) l
), told as materialized (
    select s.stream_no, coalesce((select min(w.kafka_offset) from waiting w
                                  where w.stream_no = s.stream_no and w.place > ($2 ->> 'most')::bigint), s.stored) as upto
    from stream s
), changed as materialized (
    select c.at, c.alert, c.change, a.rule, a.is_notice,
           array(select distinct x from unnest(c.records) r
                 cross join lateral (select * from kasumori.record b
                                     where b.tenant = $1 and b.record_id = r limit 1) b
                 cross join lateral unnest(array[b.site, b.concerned_site]) x where x <> '') as sites
    from kasumori.alert_change c
    join kasumori.alert a on a.tenant = $1 and a.alert = c.alert
    where c.tenant = $1 and c.at > kasumori.from_us(($2 ->> 'alert_at')::bigint)
), decided as materialized (
    select kasumori.decided_up_to() as no
), agent as materialized (
    select a.agent, a.site, a.state
    from kasumori.agents_json($1, ($2 ->> 'silent_us')::bigint * interval '1 microsecond') a
    where ($2 ->> 'slow')::boolean
), behind as materialized (
    select kasumori.records_behind($1, 100000) as records where ($2 ->> 'slow')::boolean
)
select 0 as turn, 'state' as kind, null::text as sites, jsonb_build_object(
    'streams', (select jsonb_object_agg(stream_no, upto) from told),
    'alert_at', coalesce((select kasumori.to_us(max(at)) from changed), ($2 ->> 'alert_at')::bigint,
                         (select kasumori.to_us(max(c.at)) from kasumori.alert_change c where c.tenant = $1), 0),
    'decision', (select no from decided),
    'behind', case when ($2 ->> 'slow')::boolean then to_jsonb((select records from behind)) else $2 -> 'behind' end,
    'agents', case when ($2 ->> 'slow')::boolean
                   then coalesce((select jsonb_object_agg(agent, state) from agent), '{}') else $2 -> 'agents' end)::text as data,
    (select count(*) from waiting where place > ($2 ->> 'most')::bigint) as place
union all
select 1, 'record', concat_ws(',', r.site, nullif(r.concerned_site, r.site)), json_build_object(
    'recordId', r.record_id, 'kind', (array['contact', 'incident', 'supplement', 'correction'])[r.kind],
    'site', r.site, 'categories', coalesce(to_json(r.categories), '[]'),
    'startAt', kasumori.rfc3339(r.occurred_start))::text, a.place
from waiting a
cross join lateral (select * from kasumori.record b where b.tenant = $1 and b.record_id = a.record_id limit 1) r
where a.place <= ($2 ->> 'most')::bigint
union all
select 2, 'alert', array_to_string(sites, ','), json_build_object(
    'alert', alert, 'change', change, 'rule', rule, 'isNotice', is_notice)::text, 0
from changed
union all
select 3, 'decision', null, json_build_object('decisionNo', no)::text, 0 from decided
where $2 ? 'decision' and no <> ($2 ->> 'decision')::bigint
union all
select 4, 'agent', a.site, json_build_object('agent', a.agent, 'site', a.site, 'state', a.state)::text, 0
from agent a
where jsonb_typeof($2 -> 'agents') = 'object' and a.state is distinct from $2 -> 'agents' ->> a.agent
union all
select 5, 'behind', null, json_build_object('records', records)::text, 0 from behind
where ($2 ->> 'slow')::boolean and to_jsonb(records) is distinct from $2 -> 'behind'
order by turn, place
