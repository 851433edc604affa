with happened as materialized (
    select c.* from kasumori.occurrence c
    where c.tenant = $1 and c.occurrence = ($2 ->> 'occurrence')::uuid
), member as materialized (
    select l as line, l.record_id, l.start_at, l.site, l.concerned_site, m.happening_ref, m.owner_class, m.channel,
           m.gap_us, m.start_at as own_start, m.end_at as own_end
    from happened c
    join kasumori.occurrence_record m on m.tenant = $1 and m.occurrence = c.occurrence
    join kasumori.record_line l on l.tenant = $1 and l.record_id = m.record_id
), together as materialized (
    select d.decision_no, d.made_by, kasumori.decision_records(d.body) as records
    from kasumori.decisions_naming(array(select record_id from member), kasumori.decided_up_to()) d
    where d.kind = 'same_occurrence' and d.in_force
), reasoned as (
    select m.*,
           (select count(*) from member o where o.record_id <> m.record_id and o.site = m.site
               and o.happening_ref = m.happening_ref and m.happening_ref <> '') > 0 as by_ref,
           (select max(t.decision_no) from together t where m.record_id = any (t.records)
               and exists (select from member o where o.record_id <> m.record_id
                             and o.record_id = any (t.records))) as by_decision,
           (select min(greatest(o.own_start - m.own_end, m.own_start - o.own_end, interval '0'))
            from member o where o.record_id <> m.record_id and o.site = m.site and o.channel = m.channel
                            and o.owner_class is not null and m.owner_class is not null) as away,
           count(*) over () as members
    from member m
), told as (
    select r.*, case when by_ref then 'ref' when by_decision is not null then 'decision'
                     when members = 1 then 'alone' else 'close' end as reason
    from reasoned r
)
select told, md5(told) from (
select json_strip_nulls(json_build_object(
    'occurrence', c.occurrence, 'firstAt', kasumori.rfc3339(c.first_at), 'lastAt', kasumori.rfc3339(c.last_at),
    'standing', c.standing,
    'records', (select json_agg(kasumori.line_json(t.line)::jsonb || jsonb_build_object(
        'reason', t.reason,
        'reasons', case t.reason
            when 'ref' then kasumori.both('同じ通話の記録です', 'the same call id')
            when 'decision' then kasumori.both('決定 #' || t.by_decision || ' で同じ事案とされました',
                                               'decision ' || t.by_decision || ' says it is the same')
            when 'alone' then kasumori.both('この記録だけです', 'this record alone')
            else kasumori.both(
                '同じ拠点・経路・相手方で、' || coalesce(round(extract(epoch from t.away) / 60) || '分', '少し') || 'の間隔です',
                'one site, channel and person, ' || coalesce(round(extract(epoch from t.away) / 60) || ' min', 'little time') || ' apart')
            end) order by t.start_at, t.record_id)
        from told t
        where $2 -> 'sites' = '[]' or $2 -> 'sites' ? t.site or $2 -> 'sites' ? t.concerned_site),
    'parts', coalesce((select json_agg(json_build_object(
                 'subject', kasumori.subject_name($1, p.subject), 'hasIncident', p.has_incident,
                 'counts', p.counts, 'talkMs', p.talk_us / 1000, 'severity', p.severity) order by p.subject)
              from kasumori.part p where p.tenant = $1 and p.occurrence = c.occurrence), '[]')))::text as told
from happened c
where $2 -> 'sites' = '[]'
   or exists (select from member m where $2 -> 'sites' ? m.site or $2 -> 'sites' ? m.concerned_site)
) as answer
