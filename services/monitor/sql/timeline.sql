with word as (
    select '{"verdict":["判定","verdict"],"link":["ひも付け","link"],"suppress":["ひも付け解除","unlinking"],
             "pin_shared":["共用番号の指定","shared number"],"attach":["相手方の指定","attachment"],
             "same_occurrence":["同一事案の指定","same occurrence"],"matter":["用件の指定","matter"],
             "restrict":["対応のお断り・入店お断り","refusal"],"confirm_person":["相手方の確認","person confirmed"],
             "not_listable":["対応注意リストに載せない","not to be listed"],"ack":["通知の確認","alert acknowledged"],
             "revoke":["取消","revocation"]}'::jsonb as decision,
           '{"complaint":["正当な苦情・ご意見","complaint"],"suspected":["カスハラの疑い(確認中)","suspected"],
             "confirmed":["カスハラに該当","confirmed"],"rejected":["非該当","rejected"]}'::jsonb as verdict,
           '{"confinement":["長時間拘束","confinement"],"repetition":["リピート","repetition"],
             "repeat_matter":["リピート(同一用件の繰り返し)","the same matter again"],
             "cross_site":["複数拠点","several sites"],"escalation":["言動の悪化","escalation"]}'::jsonb as rule,
           '{"opened":["検知","found"],"extended":["追加","extended"],"withdrawn":["解消","withdrawn"],
             "merged":["統合","merged"],"reopened":["再検知","found again"]}'::jsonb as change,
           '{"handling":["応対のため","handling"],"judging":["判定のため","judging"],"safety":["従業員の安全確保","safety"],
             "request":["ご本人からの申出","request"],"legal":["警察・法務への対応","legal"],
             "audit":["監査・点検","audit"]}'::jsonb as purpose
), case_of as materialized (
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
           kasumori.both(coalesce(word.decision -> d.kind ->> 0, d.kind) || coalesce(': ' || (word.verdict -> (d.body ->> 'value') ->> 0), ''),
                         coalesce(word.decision -> d.kind ->> 1, d.kind) || coalesce(': ' || (word.verdict -> (d.body ->> 'value') ->> 1), ''))
    from word, names cross join lateral kasumori.decisions_naming(names.ids, 9223372036854775807) d
    union all
    select c.at, 2, 'alert', 'kasumori', 'alert ' || c.alert,
           kasumori.both('通知(要対応): ' || (word.rule -> a.rule ->> 0) || ' ' || (word.change -> c.change ->> 0),
                         'alert: ' || (word.rule -> a.rule ->> 1) || ', ' || (word.change -> c.change ->> 1))
    from word, case_of
    join kasumori.alert_record r on r.tenant = $1 and r.record_id = case_of.record_id
    join kasumori.alert_change c on c.tenant = $1 and c.alert = r.alert and c.records @> array[case_of.record_id]
    join kasumori.alert a on a.tenant = $1 and a.alert = c.alert
    union all
    select a.at, 3, case when a.action like 'export%' then 'export' else 'view' end, a.actor,
           a.action || ' ' || a.object, kasumori.both('閲覧: ' || coalesce(word.purpose -> a.purpose ->> 0, a.purpose),
                                                'looked at: ' || coalesce(word.purpose -> a.purpose ->> 1, a.purpose))
    from word, case_of join kasumori.audit a on a.tenant = $1 and a.object = 'record ' || case_of.record_id
         and a.action like any (array['view%', 'export%'])
)
select coalesce(json_agg(json_build_object('at', kasumori.rfc3339(at), 'what', what, 'by', by, 'object', object,
                                           'reasons', reasons) order by at, turn, object), '[]')::text, null
from (select * from line order by at desc limit 1000) as newest
where exists (select from names)
having exists (select from names)
