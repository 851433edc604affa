with line as materialized (
    select l as line, l.* from kasumori.record_line l
    where l.tenant = $1 and l.record_id = ($2 ->> 'record')::uuid
      and ($2 -> 'sites' = '[]' or $2 -> 'sites' ? l.site or $2 -> 'sites' ? l.concerned_site)
), original as materialized (
    select r.* from line join kasumori.record r on r.tenant = $1 and r.record_id = line.record_id
), said as materialized (
    select 0 as place, r as body, r.record_id as told_by
    from line join kasumori.record r on r.tenant = $1 and r.record_id = line.effective_id
    union all
    select 1, s.body, s.supplement
    from line cross join lateral kasumori.supplements_in_force($1, line.record_id, line.site) s
), piece as materialized (
    select row_number() over (order by place, told_by) as turn,
           coalesce((body).detail -> 'incident', (body).detail, '{}') as d
    from said
), words as materialized (
    select w.* from line
    cross join lateral kasumori.read_words(
        array(select (body).record_id from said), $2 ->> 'reader', $2 ->> 'role', $2 ->> 'purpose',
        line.record_id) w
    where $2 ->> 'words' = 'yes'
), names as materialized (
    select kasumori.names_of($1, line.record_id) as ids from line
), decided as materialized (
    select d.* from names cross join lateral kasumori.decisions_naming(names.ids, 9223372036854775807) d
), persons as materialized (
    select s.record_id, s.person, s.item, min(s.role) as role, min(s.kind) as kind, max(s.assurance) as assurance,
           min(t.class) as class, line.start_at, line.channel, line.direction, line.kind as record_kind
    from line
    join said on true
    join kasumori.sighting s on s.tenant = $1 and s.record_id = (said.body).record_id and s.person >= 0
    left join kasumori.token_class t on t.tenant = $1 and t.mac = s.mac and t.kind = s.kind and t.key_id = s.key_id
    group by s.record_id, s.person, s.item, line.start_at, line.channel, line.direction, line.kind
    union all -- whom the record names without an identifier
    select (said.body).record_id, bare.person, null, bare.role, null, null, null,
           line.start_at, line.channel, line.direction, line.kind
    from line
    cross join said
    cross join lateral unnest((said.body).bare_persons, (said.body).bare_roles) as bare (person, role)
), runs as materialized (
    select p.*, c.subject, c.is_shared,
           p.role = 1 and p.assurance > 1 and p.kind <= 8 and c.class is not null
           and (p.channel in (1, 3) or p.direction = 1 or (p.record_kind = 2 and p.direction = 0)) as links
    from persons p
    left join kasumori.class_run c on c.tenant = $1 and c.class = p.class
         and p.start_at between c.first_at and c.last_at
), attached as materialized (
    select (d.body ->> 'ordinal')::smallint as person, c.subject
    from decided d
    join kasumori.token_class t on t.tenant = $1 and t.kind = 1 and t.key_id = 0
         and t.mac = (d.body ->> 'handle')::uuid
    join line on true
    join kasumori.class_run c on c.tenant = $1 and c.class = t.class
         and line.start_at between c.first_at and c.last_at
    where d.kind = 'attach' and d.in_force and d.decision_no <= kasumori.decided_up_to()
), typed as materialized (
    select r.person, t.classes[1] as class, run.subject
    from line
    join kasumori.review_task t on t.tenant = $1 and t.record_id = line.record_id and t.kind = 'typed'
    join kasumori.class_run run on run.tenant = $1 and run.class = t.classes[1] and not run.is_shared
    join runs r on r.class = t.classes[1] and r.assurance = 1
    where (line.start_at between run.first_at and run.last_at)
       or run.first_at = (select coalesce(
              (select max(x.first_at) from kasumori.class_run x where x.tenant = $1 and x.class = run.class
                 and x.first_at <= line.start_at),
              (select min(x.first_at) from kasumori.class_run x where x.tenant = $1 and x.class = run.class)))
), person as (
    select p.person as ordinal, json_strip_nulls(json_build_object(
               'ordinal', p.person, 'role', kasumori.word_role(min(p.role)::integer),
               'identifiers', coalesce(json_agg(json_strip_nulls(json_build_object(
                   'kind', kasumori.word_kind(case p.kind when 10 then 4 else p.kind end::integer),
                   'assurance', kasumori.word_assurance(p.assurance::integer),
                   'links', coalesce(p.links, false))) order by p.record_id, p.item)
                   filter (where p.kind <> 9), '[]'), -- a worker's code is not shown; nor is none
               'subject', (select kasumori.subject_name($1, chosen.subject)
                           from (select a.subject, 0 as place from attached a where a.person = p.person
                                 union all
                                 select r.subject, r.kind from runs r where r.person = p.person and r.links
                                 order by place limit 1) as chosen
                           where chosen.subject is not null),
               'proposals', coalesce((select json_agg(json_build_object('subject', name))
                             from (select distinct kasumori.subject_name($1, t.subject) as name
                                   from typed t where t.person = p.person) as x where name is not null), '[]'))) as told
    from runs p group by p.person
), answer as (
    select json_agg(json_strip_nulls(json_build_object(
               'recordId', said.told_by, 'matter', nullif(matter, ''),
               'recordedAt', kasumori.rfc3339(at), 'final', is_final)) order by at) as list
    from said cross join lateral unnest((said.body).answer_matters, (said.body).answer_recorded_at,
                                        (said.body).answer_is_final) as one (matter, at, is_final)
), latest as (
    select (array_agg(d ->> 'demandReasonable' order by turn desc) filter (where d ? 'demandReasonable'))[1] as demand_reasonable,
           (array_agg(d ->> 'firmAtFault' order by turn desc) filter (where d ? 'firmAtFault'))[1] as firm_at_fault,
           (array_agg(d ->> 'stillPresent' order by turn desc) filter (where d ? 'stillPresent'))[1] as still_present,
           (array_agg(d -> 'spot' order by turn desc) filter (where d ? 'spot'))[1] as spot,
           (array_agg(d -> 'loss' order by turn desc) filter (where d ? 'loss'))[1] as loss,
           (array_agg(d -> 'offender' order by turn desc) filter (where d ? 'offender'))[1] as offender,
           (array_agg(d -> 'victim' order by turn desc) filter (where d ? 'victim'))[1] as victim,
           (array_agg(d ->> 'retentionClass' order by turn desc) filter (where d ? 'retentionClass'))[1] as retention_class,
           coalesce(bool_or((d ->> 'legalHold')::boolean), false) as legal_hold
    from piece
), lists as (
    select (select json_agg(json_strip_nulls(json_build_object(
                       'kind', lower(replace(m ->> 'kind', 'MEASURE_KIND_', '')),
                       'count', (m ->> 'count')::bigint,
                       'at', kasumori.rfc3339(kasumori.from_us(nullif((m ->> 'atUs')::bigint, 0))))) order by turn)
            from piece cross join lateral jsonb_array_elements(coalesce(d -> 'measures', '[]')) m) as measures,
           (select json_agg(json_strip_nulls(json_build_object(
                       'line', lower(replace(coalesce(m ->> 'line', 'UNSPECIFIED'), 'POLICE_LINE_', '')),
                       'station', m ->> 'station', 'reportNumber', m ->> 'reportNumber',
                       'at', kasumori.rfc3339(kasumori.from_us(nullif((m ->> 'atUs')::bigint, 0))),
                       'evidenceHandedOver', coalesce((m ->> 'evidenceHandedOver')::boolean, false))) order by turn)
            from piece cross join lateral jsonb_array_elements(coalesce(d -> 'police', '[]')) m) as police,
           (select json_agg(json_strip_nulls(json_build_object(
                       'uri', coalesce(m ->> 'uri', ''),
                       'sha256', encode(decode(m ->> 'sha256', 'base64'), 'hex'),
                       'mediaType', m ->> 'mediaType',
                       'notice', lower(replace(m ->> 'notice', 'NOTICE_STATE_', '')),
                       'keepUntil', kasumori.rfc3339(kasumori.from_us(nullif((m ->> 'keepUntilUs')::bigint, 0))))) order by turn)
            from piece cross join lateral jsonb_array_elements(coalesce(d -> 'evidence', '[]')) m) as evidence
), behind as ( -- facts that derived values do not hold yet
    select c.record_id
    from kasumori.record c
    left join kasumori.correlated_stream s on s.tenant = $1 and s.stream_no = c.stream_no
    where c.tenant = $1 and c.target_id = (select record_id from line)
      and c.kafka_offset >= coalesce(s.next_offset, 0)
), corrections as (
    select json_agg(json_build_object(
               'recordId', c.record_id, 'recordedAt', kasumori.rfc3339(c.recorded_at),
               'state', case when c.record_id in (select record_id from behind) then 'waiting'
                             when c.record_id = line.effective_id then 'winner'
                             when c.site <> line.site or c.revision < original.revision
                                  or c.replaces not in (0, 1, 2) then 'inert'
                             else 'loser' end,
               'replaces', (array['retraction', 'contact', 'incident', 'supplement'])[c.replaces + 1])
               order by c.record_id) as list
    from line, original, kasumori.record c
    where c.tenant = $1 and c.target_id = line.record_id and c.kind = 4
), supplements as (
    select json_agg(json_build_object(
               'recordId', s.record_id, 'recordedAt', kasumori.rfc3339(s.recorded_at),
               'state', case when s.record_id in (select record_id from behind) then 'waiting'
                             when s.record_id in (select told_by from said where place = 1) then 'in_force'
                             else 'inert' end) order by s.record_id) as list
    from line, kasumori.record s
    where s.tenant = $1 and s.target_id = line.record_id and s.kind = 3
), alerts as ( -- those that rest on it now
    select json_agg(json_strip_nulls(json_build_object(
               'alert', a.alert, 'rule', a.rule, 'matter', a.matter, 'isNotice', a.is_notice, 'state', a.state,
               'changedAt', kasumori.rfc3339(c.at),
               'reasons', case when f.finding is not null then kasumori.finding_json(f, null) -> 'reasons' end))
               order by c.at desc, a.alert) as list
    from line
    join kasumori.alert_record r on r.tenant = $1 and r.record_id = line.record_id
    join kasumori.alert a on a.tenant = $1 and a.alert = r.alert
    join kasumori.alert_change c on c.tenant = $1 and c.alert = a.alert and c.change_no = a.change_no
         and line.record_id = any (c.records)
    left join kasumori.finding f on f.tenant = $1 and f.finding = a.finding
), made as (
    select (json_build_object('demandReasonable', lower(replace(demand_reasonable, 'TRI_', '')),
                'firmAtFault', lower(replace(firm_at_fault, 'TRI_', '')),
                'stillPresent', lower(replace(still_present, 'TRI_', '')),
                'spot', spot,
                'victim', case when victim is not null then json_build_object(
                    'employment', lower(replace(victim ->> 'employment', 'EMPLOYMENT_TYPE_', '')),
                    'duty', victim ->> 'duty',
                    'anonymityWanted', coalesce((victim ->> 'anonymityWanted')::boolean, false),
                    'injured', lower(replace(victim ->> 'injured', 'TRI_', '')),
                    'care', lower(replace(victim -> 'care' ->> 'state', 'CARE_STATE_', '')),
                    'followUpAt', kasumori.rfc3339(kasumori.from_us(
                        nullif((victim -> 'care' ->> 'followUpAtUs')::bigint, 0)))) end,
                'lossMinutes', (loss ->> 'staffMinutes')::bigint, 'lossYen', (loss ->> 'yen')::bigint,
                'offender', case when offender is not null then json_build_object(
                    'kind', offender ->> 'kind', 'count', (offender ->> 'number')::bigint,
                    'sex', lower(replace(offender ->> 'sex', 'SEX_', '')),
                    'ageFrom', (offender ->> 'ageFrom')::bigint, 'ageTo', (offender ->> 'ageTo')::bigint) end,
                'retentionClass', retention_class)) as told
    from latest
)
select told, md5(told) from (
select json_strip_nulls((kasumori.line_json(line.line)::jsonb || made.told::jsonb || jsonb_build_object(
           'legalHold', latest.legal_hold,
           'words', case when $2 ->> 'words' = 'yes' then coalesce(
               (select jsonb_agg(jsonb_build_object('recordId', w.record_id, 'place', w.place, 'text', w.text,
                                                    'masked', w.masked, 'saidAt', kasumori.rfc3339(w.said_at))
                                 order by w.record_id, w.place) from words w), '[]') end,
           'wordsWithheld', nullif($2 ->> 'words', 'yes'),
           'measures', coalesce(lists.measures, '[]'), 'police', coalesce(lists.police, '[]'),
           'evidence', coalesce(lists.evidence, '[]'),
           'answers', coalesce(answer.list, '[]'),
           'persons', coalesce((select json_agg(told order by ordinal) from person), '[]'),
           'supplements', coalesce(supplements.list, '[]'), 'corrections', coalesce(corrections.list, '[]'),
           'alerts', coalesce(alerts.list, '[]'),
           'others', coalesce((select json_agg(kasumori.line_json(o) order by o.start_at, o.record_id)
                               from kasumori.occurrence_record m
                               join kasumori.record_line o on o.tenant = $1 and o.record_id = m.record_id
                               where m.tenant = $1 and m.occurrence = line.occurrence
                                 and m.record_id <> line.record_id
                                 and ($2 -> 'sites' = '[]' or $2 -> 'sites' ? o.site
                                      or $2 -> 'sites' ? o.concerned_site)), '[]'),
           'decisions', coalesce((select json_agg(kasumori.decision_json(d.decision_no, d.kind, d.made_at, d.made_by,
                                      d.second_by, d.reason, d.body, d.in_force) order by d.decision_no desc)
                                  from decided d), '[]'),
           'reporterIsYou', kasumori.is_party($2 ->> 'account', kasumori.names_of($1, line.record_id))))::json)::text as told
from line, made, latest, lists, answer, supplements, corrections, alerts
) as answer
