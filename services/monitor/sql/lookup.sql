with asked as materialized (
    select * from unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[]) as a (turn, site, actor, purpose, object)
), run as materialized (
    select distinct token.turn, r.class, r.subject, r.is_shared
    from (select distinct x.turn, t.class
          from unnest($7::bigint[], $8::smallint[], $9::bigint[], $10::uuid[]) as x (turn, kind, key_id, mac)
          join kasumori.token_class t on t.tenant = $1 and t.mac = x.mac and t.kind = x.kind and t.key_id = x.key_id) token
    cross join lateral (select * from kasumori.class_run r where r.tenant = $1 and r.class = token.class
                        order by r.first_at desc limit 1) r
    where r.last_at >= now() - ($11::bigint[])[r.kind] * interval '1 microsecond'
), told as materialized (
    select s.turn, p.*, row_number() over (partition by s.turn order by p.start_at desc, p.occurrence) as place
    from (select distinct turn, subject from run where subject is not null) s
    cross join lateral (select p.subject, p.start_at, p.occurrence, p.matters, p.records from kasumori.part p
                        where p.tenant = $1 and p.subject = s.subject order by p.start_at desc limit 500) p
), total as materialized (
    select turn, sum(case when read < 500 then read else (select count(*) from kasumori.part p
                          where p.tenant = $1 and p.subject = s.subject) end)::bigint as contacts, max(read) = 500 as is_full
    from (select turn, subject, count(*) as read from told group by turn, subject) s
    group by turn
), member as materialized (
    select t.turn, t.start_at, t.occurrence, t.place, t.matters, n.nth, m.record_id, m.effective_id, m.site, m.channel
    from told t cross join lateral unnest(t.records) with ordinality as n (record_id, nth)
    join kasumori.occurrence_record m on m.tenant = $1 and m.record_id = n.record_id
), newest as materialized (
    select m.turn, json_agg(json_build_object(
               'at', kasumori.rfc3339(m.start_at), 'site', m.site, 'channel', kasumori.word_channel(m.channel),
               'matters', to_json(m.matters), 'judged', c.standing <> 'open') order by m.place) as list
    from member m join kasumori.occurrence c on c.tenant = $1 and c.occurrence = m.occurrence
    where m.place <= 10 and m.nth = 1
    group by m.turn
), said as materialized (
    select m.turn, m.record_id, m.site, b.kind, b.record_id = m.effective_id as is_winner, b.record_id as told_by, b.revision,
           b.is_training, b.answer_matters, b.answer_recorded_at, b.answer_is_final
    from member m join kasumori.record_told b on b.tenant = $1 and b.about = m.record_id and b.site = m.site
), heard as materialized (
    select turn, record_id, site, answer_matters, answer_recorded_at, answer_is_final from said where is_winner
    union all
    select s.turn, s.record_id, s.site, w.answer_matters, w.answer_recorded_at, w.answer_is_final
    from said s cross join lateral (
        select c.replaces, c.is_training, c.answer_matters, c.answer_recorded_at, c.answer_is_final, 1 as rank, c.revision, c.record_id
        from kasumori.record_told c
        where c.tenant = $1 and c.about = s.told_by and c.kind = 4 and c.site = s.site and c.revision >= s.revision
          and c.replaces in (0, 3)
        union all
        select 3, s.is_training, s.answer_matters, s.answer_recorded_at, s.answer_is_final, 0, s.revision, s.told_by
        order by rank desc, revision desc, record_id desc limit 1) w
    where s.kind = 3 and w.replaces = 3 and not w.is_training
), answer as materialized (
    select h.turn, a.at, a.is_final, h.site,
           case when a.matter <> '' then array[a.matter] else kasumori.matters_of($1, h.record_id) end as matters
    from heard h
    cross join lateral unnest(h.answer_matters, h.answer_recorded_at, h.answer_is_final) as a (matter, at, is_final)
), answered as materialized (
    select turn, json_agg(json_build_object(
               'matter', coalesce(matters[1], ''), 'at', kasumori.rfc3339(at), 'final', is_final, 'site', site)
               order by at desc, site) as list
    from answer group by turn
), open as materialized (
    select turn, json_agg(json_build_object('matter', matter, 'since', kasumori.rfc3339(since)) order by since, matter) as list
    from (select t.turn, m.matter, min(t.start_at) as since
          from told t cross join lateral unnest(t.matters) as m (matter)
          where m.matter <> '' and not exists (
              select from answer a where a.turn = t.turn and a.is_final and m.matter = any (a.matters))
          group by t.turn, m.matter) o
    group by turn
), limited as materialized (
    select a.turn, w.reason, w.until, array_remove(array_agg(distinct w.site), '') as scope, w.decision_no
    from run join asked a using (turn)
    join kasumori.watch w on w.tenant = $1 and w.class = run.class
    group by a.turn, w.decision_no, w.reason, w.until
    having bool_or(w.site = '' or w.site = a.site)
), kept as materialized (
    select turn, bool_or(reason = 'confirm_person') as is_confirmed, json_agg(json_build_object(
               'kind', reason, 'until', kasumori.rfc3339(until), 'scope', to_json(scope)) order by decision_no) as list
    from limited group by turn
), known as materialized (
    select turn, bool_or(is_shared) as is_shared from run group by turn
), logged as (
    insert into kasumori.audit (tenant, actor, role, action, purpose, object)
    select $1, actor, 'machine', 'lookup', purpose, object from asked order by turn
)
select a.turn, json_build_object(
    'state', case when known.turn is null then 'unknown' else 'known' end,
    'certainty', case when kept.is_confirmed then 'same_person_confirmed' else 'same_number' end,
    'sharedNumber', coalesce(known.is_shared, false),
    'contacts', coalesce(total.contacts, 0),
    'partial', coalesce(total.is_full, false),
    'lastContacts', coalesce(newest.list, '[]'),
    'openMatters', coalesce(open.list, '[]'),
    'answers', coalesce(answered.list, '[]'),
    'restrictions', coalesce(kept.list, '[]'))::text
from asked a
left join known using (turn) left join total using (turn) left join newest using (turn)
left join open using (turn) left join answered using (turn) left join kept using (turn)
