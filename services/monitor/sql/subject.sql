with named as materialized (
    select t.class, o.start_at
    from kasumori.token_class t
    join kasumori.occurrence_record o on o.tenant = $1 and o.record_id = ($2 ->> 'record')::uuid
    where t.tenant = $1 and t.mac = ($2 ->> 'mac')::uuid and t.kind = ($2 ->> 'kind')::smallint
      and t.key_id = ($2 ->> 'key_id')::bigint
      and (exists (select from kasumori.sighting s
                   join kasumori.record r on r.tenant = $1 and r.record_id = s.record_id
                   left join kasumori.record u on u.tenant = $1 and u.record_id = r.target_id and u.kind = 3
                   where s.tenant = $1 and s.mac = t.mac and s.kind = t.kind and s.key_id = t.key_id
                     and s.person = ($2 ->> 'ordinal')::integer and s.role = 1
                     and coalesce(u.target_id, r.target_id, r.record_id) = o.record_id)
           or exists (select from kasumori.decisions_naming(kasumori.names_of($1, o.record_id),
                                                            kasumori.decided_up_to()) d
                      where d.kind = 'attach' and d.in_force and t.kind = 1
                        and (d.body ->> 'handle')::uuid = t.mac
                        and (d.body ->> 'ordinal')::bigint = ($2 ->> 'ordinal')::bigint))
), node as materialized (
    select r.class, r.first_at, r.last_at, r.kind, r.subject, r.is_shared, r.shared_by, r.is_overgrown
    from named n
    join kasumori.class_run r on r.tenant = $1 and r.class = n.class and n.start_at between r.first_at and r.last_at
), nodes as materialized (
    select n.* from node n where n.subject is null
    union all
    select r.class, r.first_at, r.last_at, r.kind, r.subject, r.is_shared, r.shared_by, r.is_overgrown
    from node n join kasumori.class_run r on r.tenant = $1 and r.subject = n.subject
), labelled as materialized (
    select n.*, row_number() over (partition by n.kind order by n.first_at, n.class) as place,
           x.word_ja || ' ' || row_number() over (partition by n.kind order by n.first_at, n.class) as ja,
           x.word_en || ' ' || row_number() over (partition by n.kind order by n.first_at, n.class) as en,
           token.key_id, token.mac, token.sightings
    from nodes n
    cross join lateral (select (array['付与ID', '会員番号', 'アカウント', '電話', 'メール', '車両', 'SNS', '氏名'])[n.kind] as word_ja,
                               (array['handle', 'member', 'account', 'phone', 'mail', 'vehicle', 'sns', 'name'])[n.kind] as word_en) x
    cross join lateral (
        select (array_agg(t.key_id order by t.key_id desc, t.mac))[1] as key_id,
               (array_agg(t.mac order by t.key_id desc, t.mac))[1] as mac,
               (select count(distinct (s.record_id, s.person)) from kasumori.token_class y
                join kasumori.sighting s on s.tenant = $1 and s.mac = y.mac and s.kind = y.kind
                     and s.key_id = y.key_id and s.occurred_start between n.first_at and n.last_at
                where y.tenant = $1 and y.class = n.class) as sightings
        from kasumori.token_class t where t.tenant = $1 and t.class = n.class) token
), edges as materialized (
    select distinct e.* from labelled n
    join kasumori.edge e on e.tenant = $1 and e.class_a = n.class and e.at_a between n.first_at and n.last_at
    union
    select distinct e.* from labelled n
    join kasumori.edge e on e.tenant = $1 and e.class_b = n.class and e.at_b between n.first_at and n.last_at
), links as materialized (
    select e.*, a.ja as a_ja, b.ja as b_ja, a.en as a_en, b.en as b_en,
           d.made_by as decided_by, d.second_by as decided_second, o.start_at,
           coalesce((select s.name from kasumori.site s
                     where s.tenant = $1 and s.site = o.site and s.valid_from <= now()
                     order by s.valid_from desc limit 1), o.site) as site_name,
           case when e.record_id = '00000000-0000-0000-0000-000000000000' then 'decided'
                when e.decision_no > 0 then 'attached' else 'machine' end as evidence,
           (select max(x.decision_no) from kasumori.decision x
            where x.tenant = $1 and x.kind = 'suppress' and kasumori.is_in_force(x.decision_no, kasumori.decided_up_to())
              and exists (select from kasumori.token_class p, kasumori.token_class q
                          where p.tenant = $1 and q.tenant = $1 and p.class = e.class_a and q.class = e.class_b
                            and ((kasumori.mac_text(p.mac), kasumori.mac_text(q.mac)) =
                                 (x.body #>> '{a,token,2}', x.body #>> '{b,token,2}')
                                 or (kasumori.mac_text(p.mac), kasumori.mac_text(q.mac)) =
                                    (x.body #>> '{b,token,2}', x.body #>> '{a,token,2}')))) as suppressed_by
    from edges e
    left join labelled a on a.class = e.class_a and e.at_a between a.first_at and a.last_at
    left join labelled b on b.class = e.class_b and e.at_b between b.first_at and b.last_at
    left join kasumori.decision d on d.tenant = $1 and d.decision_no = e.decision_no
    left join kasumori.occurrence_record o on o.tenant = $1 and o.record_id = e.record_id
), parts as materialized (
    select p.*, c.standing,
           (select array_agg(distinct s order by s) from (
                select m.site as s from unnest(p.records) r
                join kasumori.occurrence_record m on m.tenant = $1 and m.record_id = r
                union select unnest(p.sites)) as x) as all_sites
    from node n
    join kasumori.part p on p.tenant = $1 and p.subject = n.subject
    join kasumori.occurrence c on c.tenant = $1 and c.occurrence = p.occurrence
    order by p.start_at desc, p.occurrence desc
    limit 1001
), sites as (
    select array_agg(distinct s order by s) as list from parts cross join lateral unnest(all_sites) as s
), name as materialized (
    select coalesce((select kasumori.subject_name($1, subject) from node where subject is not null),
                    $2 ->> 'name') as said
)
select told, md5(told) from (
select json_strip_nulls(json_build_object(
    'name', (select said from name),
    'classes', (select json_agg(json_build_object(
            'label', case when $2 ->> 'lang' = 'ja' then ja else en end,
            'class', json_build_object('kind', kasumori.word_kind(kind), 'keyId', key_id,
                                       'mac', kasumori.mac_text(mac), 'at', kasumori.rfc3339(last_at)),
            'kind', kasumori.word_kind(kind), 'firstAt', kasumori.rfc3339(first_at),
            'lastAt', kasumori.rfc3339(last_at), 'sightings', sightings, 'shared', is_shared)
            order by kind, place) from labelled),
    'links', coalesce((select json_agg(json_build_object(
            'a', coalesce(case when $2 ->> 'lang' = 'ja' then a_ja else a_en end, other),
            'b', coalesce(case when $2 ->> 'lang' = 'ja' then b_ja else b_en end, other),
            'evidence', evidence, 'suppressed', is_suppressed,
            'recordId', case when evidence <> 'decided' then record_id end,
            'decisionNo', case when is_suppressed then suppressed_by else nullif(decision_no, 0) end,
            'assuranceA', kasumori.word_assurance(assurance_a), 'assuranceB', kasumori.word_assurance(assurance_b),
            'policyVersion', policy_version,
            'reasons', kasumori.both(
                case evidence
                    when 'machine' then to_char(start_at at time zone 'Asia/Tokyo', 'YYYY-MM-DD HH24:MI')
                         || ' ' || site_name || 'の一つの記録に、同じ方の識別情報として記録されています'
                    when 'attached' then '決定 #' || decision_no || '(' || decided_by || ')で、この記録の相手方に指定されました'
                    else '決定 #' || decision_no || '(' || decided_by || ')で、同じ方とされました' end
                || case when is_suppressed then '。ひも付けは解除されています' || coalesce('(決定 #' || suppressed_by || ')', '') else '' end,
                case evidence
                    when 'machine' then 'one record of ' || site_name || ' at '
                         || to_char(start_at at time zone 'Asia/Tokyo', 'YYYY-MM-DD HH24:MI') || ' names both for one person'
                    when 'attached' then 'decision ' || decision_no || ' (' || decided_by || ') gave the person of this record a handle'
                    else 'decision ' || decision_no || ' (' || decided_by || ') says they are one person' end
                || case when is_suppressed then '; unlinked' || coalesce(' by decision ' || suppressed_by, '') else '' end))
            order by start_at, record_id, decision_no, class_a, class_b)
        from links cross join lateral (select case when $2 ->> 'lang' = 'ja' then '別の相手方' else 'somebody else' end as other) o), '[]'),
    'overgrown', (select bool_or(is_overgrown) from nodes),
    'occurrences', json_build_object('items', coalesce((select json_agg(json_build_object(
            'occurrence', occurrence, 'startAt', kasumori.rfc3339(start_at), 'sites', to_json(all_sites),
            'hasIncident', has_incident, 'counts', counts, 'standing', standing, 'matters', to_json(matters),
            'severity', severity, 'talkMs', talk_us / 1000) order by start_at desc, occurrence desc)
        from (select * from parts limit 1000) as shown), '[]')),
    'findings', coalesce((select json_agg(kasumori.finding_json(f, (select said from name))::jsonb
            || jsonb_build_object('alert', a.alert) order by f.last_at desc, f.finding)
        from node n join kasumori.finding f on f.tenant = $1 and f.subject = n.subject
        left join kasumori.alert a on a.tenant = $1 and a.finding = f.finding), '[]'),
    'answers', coalesce((select json_agg(json_build_object(
            'recordId', r, 'matter', nullif(matter, ''), 'recordedAt', kasumori.rfc3339(at), 'final', is_final,
            'site', m.site) order by at desc)
        from parts p cross join lateral unnest(p.records) r
        join kasumori.occurrence_record m on m.tenant = $1 and m.record_id = r
        cross join lateral (
            select b.answer_matters, b.answer_recorded_at, b.answer_is_final from kasumori.record b
            where b.tenant = $1 and b.record_id = m.effective_id
            union all
            select (s.body).answer_matters, (s.body).answer_recorded_at, (s.body).answer_is_final
            from kasumori.supplements_in_force($1, m.record_id, m.site) s) as body
        cross join lateral unnest(body.answer_matters, body.answer_recorded_at, body.answer_is_final)
             as one (matter, at, is_final)), '[]'),
    'restrictions', coalesce((select json_agg(json_build_object(
            'decisionNo', w.decision_no, 'kind', w.reason, 'until', kasumori.rfc3339(w.until),
            'scope', w.scope, 'class', case when $2 ->> 'lang' = 'ja' then w.ja else w.en end)
            order by w.decision_no, w.ja)
        from (select w.decision_no, w.reason, w.until, n.ja, n.en,
                     array_remove(array_agg(distinct w.site order by w.site), '') as scope
              from labelled n join kasumori.watch w on w.tenant = $1 and w.class = n.class and w.until > now()
              group by w.decision_no, w.reason, w.until, n.ja, n.en) w), '[]'),
    'proposed', coalesce((select json_agg(json_build_object(
            'id', p.proposal, 'decision', p.request, 'madeBy', p.made_by, 'madeAt', kasumori.rfc3339(p.made_at),
            'state', p.state, 'expiresAt', kasumori.rfc3339(p.expires_at),
            'mayApprove', $2 ->> 'role' = 'headquarters' and p.made_by <> $2 ->> 'account')
            order by p.made_at desc, p.proposal)
        from kasumori.proposed_decision p
        where $2 ->> 'role' in ('headquarters', 'privacy') and p.tenant = $1 and p.state = 'open'
          and p.expires_at > now()
          and exists (select from nodes n
                      join kasumori.token_class t on t.tenant = $1 and t.class = n.class
                      join jsonb_array_elements(p.request -> 'classes') c
                           on c ->> 'kind' = kasumori.word_kind(t.kind::integer)
                          and (c ->> 'keyId')::bigint = t.key_id and c ->> 'mac' = kasumori.mac_text(t.mac))), '[]'),
    'sites', coalesce(to_json((select list from sites)), '[]')))::text as told
from node
where $2 -> 'sites' = '[]' or exists (select from parts where $2 -> 'sites' ?| all_sites)
) as answer
