with case_of as materialized (
    select o.record_id, o.site, coalesce(nullif(b.concerned_site, ''), o.site) as concerned_site
    from kasumori.occurrence_record o
    join kasumori.record b on b.tenant = $1 and b.record_id = o.effective_id
    where o.tenant = $1 and o.record_id = ($2 ->> 'record')::uuid
), names as materialized (
    select kasumori.names_of($1, record_id) as ids from case_of
    where $2 -> 'sites' = '[]' or $2 -> 'sites' ? site or $2 -> 'sites' ? concerned_site
), line as (
    select r.recorded_at as at, 0 as turn,
           case r.kind when 3 then 'supplement' when 4 then 'correction' else 'record' end as what,
           r.site as by, 'record ' || r.record_id as object,
           case r.kind when 1 then kasumori.both('応対の記録', 'contact recorded')
                       when 2 then kasumori.both('カスハラ報告', 'incident reported')
                       when 3 then kasumori.both('追記', 'supplement')
                       else case r.replaces when 0 then kasumori.both('取消', 'retraction')
                                            else kasumori.both('訂正', 'correction') end end as reasons
    from names join kasumori.record r on r.tenant = $1 and r.record_id = any (names.ids)
    union all
    select d.made_at, 1, 'decision', d.made_by || coalesce(', ' || d.second_by, ''), 'decision ' || d.decision_no,
           kasumori.both('決定: ' || d.kind || coalesce(' ' || (d.body ->> 'value'), ''),
                         'decision: ' || d.kind || coalesce(' ' || (d.body ->> 'value'), ''))
    from names cross join lateral kasumori.decisions_naming(names.ids, 9223372036854775807) d
    union all
    select c.at, 2, 'alert', 'kasumori', 'alert ' || c.alert,
           kasumori.both('通知(要対応): ' || a.rule || ' ' || c.change, 'alert: ' || a.rule || ' ' || c.change)
    from case_of
    join kasumori.alert_change c on c.tenant = $1 and c.records @> array[case_of.record_id]
    join kasumori.alert a on a.tenant = $1 and a.alert = c.alert
    union all
    select a.at, 3, case when a.action like 'export%' then 'export' else 'view' end, a.actor,
           a.action || ' ' || a.object, kasumori.both('閲覧: ' || a.purpose, 'looked at: ' || a.purpose)
    from case_of join kasumori.audit a on a.tenant = $1 and a.object = 'record ' || case_of.record_id
         and a.action like any (array['view%', 'export%'])
)
select coalesce(json_agg(json_build_object('at', kasumori.rfc3339(at), 'what', what, 'by', by, 'object', object,
                                           'reasons', reasons) order by at, turn, object), '[]')::text, null
from (select * from line order by at desc limit 1000) as newest
where exists (select from names)
having exists (select from names)
