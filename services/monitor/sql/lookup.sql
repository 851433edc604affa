with token as (
    select distinct t.class, t.kind
    from jsonb_to_recordset($2 -> 'tokens') as x (kind smallint, "keyId" bigint, mac uuid)
    join kasumori.token_class t on t.tenant = $1 and t.mac = x.mac and t.kind = x.kind and t.key_id = x."keyId"
), run as materialized (
    select r.class, r.subject, r.is_shared
    from token
    cross join lateral (select * from kasumori.class_run r where r.tenant = $1 and r.class = token.class
                        order by r.first_at desc limit 1) r
    where r.last_at >= now() - case when r.kind in (4, 6) then interval '730 days' else interval '1825 days' end
), told as materialized (
    select p.start_at, p.occurrence, p.matters, p.records
    from (select distinct subject from run where subject is not null) s
    join kasumori.part p on p.tenant = $1 and p.subject = s.subject
    order by p.start_at desc limit 200
), newest as materialized (
    select t.*, c.standing, m.site, m.channel
    from (select * from told order by start_at desc limit 10) t
    join kasumori.occurrence c on c.tenant = $1 and c.occurrence = t.occurrence
    join kasumori.occurrence_record m on m.tenant = $1 and m.record_id = t.records[1]
), answer as materialized (
    select nullif(a.matter, '') as matter, n.matters, a.at, a.is_final, m.site
    from (select * from told order by start_at desc limit 20) n
    cross join lateral unnest(n.records) as named (record_id)
    join kasumori.occurrence_record m on m.tenant = $1 and m.record_id = named.record_id
    cross join lateral (
        select b.answer_matters, b.answer_recorded_at, b.answer_is_final from kasumori.record b
        where b.tenant = $1 and b.record_id = m.effective_id and b.answer_matters is not null) body
    cross join lateral unnest(body.answer_matters, body.answer_recorded_at, body.answer_is_final) as a (matter, at, is_final)
), limited as (
    select w.reason, w.until, array_remove(array_agg(distinct w.site), '') as scope, w.decision_no
    from run join kasumori.watch w on w.tenant = $1 and w.class = run.class
    group by w.decision_no, w.reason, w.until
    having bool_or(w.site = '' or w.site = $2 ->> 'site')
)
select json_build_object(
    'state', case when exists (select from run) then 'known' else 'unknown' end,
    'certainty', case when exists (select from limited where reason = 'confirm_person')
                      then 'same_person_confirmed' else 'same_number' end,
    'sharedNumber', coalesce((select bool_or(is_shared) from run), false),
    'contacts', (select count(*) from told),
    'lastContacts', coalesce((select json_agg(json_build_object(
            'at', kasumori.rfc3339(start_at), 'site', site, 'channel', kasumori.word_channel(channel),
            'matters', to_json(matters), 'judged', standing <> 'open') order by start_at desc) from newest), '[]'),
    'openMatters', coalesce((select json_agg(json_build_object('matter', matter, 'since', kasumori.rfc3339(since))
                                             order by since, matter)
        from (select m.matter, min(t.start_at) as since
              from told t cross join lateral unnest(t.matters) as m (matter)
              where m.matter <> '' and not exists (
                  select from answer a where a.is_final and (a.matter = m.matter
                      or (a.matter is null and m.matter = any (a.matters))))
              group by m.matter) o), '[]'),
    'answers', coalesce((select json_agg(json_build_object(
            'matter', coalesce(matter, matters[1], ''), 'at', kasumori.rfc3339(at), 'final', is_final, 'site', site)
            order by at desc) from answer), '[]'),
    'restrictions', coalesce((select json_agg(json_build_object(
            'kind', reason, 'until', kasumori.rfc3339(until), 'scope', to_json(scope)) order by decision_no)
            from limited), '[]'))::text, null
