with asked as materialized (
    select * from unnest($2::text[], $3::text[], $4::text[]) as a (actor, purpose, object)
), logged as (
    insert into kasumori.audit (tenant, actor, role, action, purpose, object)
    select $1, actor, 'machine', 'lookup', purpose, object from asked
), run as materialized (
    select distinct x.turn, r.class, r.subject, r.is_shared
    from unnest($5::bigint[], $6::smallint[], $7::bigint[], $8::uuid[]) as x (turn, kind, key_id, mac)
    join kasumori.token_class t on t.tenant = $1 and t.mac = x.mac and t.kind = x.kind and t.key_id = x.key_id
    cross join lateral (select * from kasumori.class_run r where r.tenant = $1 and r.class = t.class
                        order by r.first_at desc limit 1) r
    where r.last_at >= now() - ($9::bigint[])[r.kind] * interval '1 microsecond'
)
select run.turn, run.is_shared, k.reason, k.until, k.site as scope, k.decision_no,
       null::timestamptz as start_at, null::uuid as occurrence, null::text[] as matters, null::boolean as is_judged,
       null::text as site, null::text as channel, null::text[] as answer_matters, null::timestamptz[] as answer_at,
       null::boolean[] as answer_is_final, null::text[] as own_matters, null::bigint as nth
from run left join kasumori.watch k on k.tenant = $1 and k.class = run.class and k.until > now()
union all
select s.turn, null, null, null, null, null, p.start_at, p.occurrence, p.matters, c.standing <> 'open',
       m.site, kasumori.word_channel(m.channel), said.answer_matters, said.answer_recorded_at, said.answer_is_final,
       case when '' = any (said.answer_matters) then kasumori.matters_of($1, m.record_id) end, n.nth
from (select distinct turn, subject from run where subject is not null) s
cross join lateral (select p.start_at, p.occurrence, p.matters, p.records from kasumori.part p
                    where p.tenant = $1 and p.subject = s.subject order by p.start_at desc limit 501) p
join kasumori.occurrence c on c.tenant = $1 and c.occurrence = p.occurrence
cross join lateral unnest(p.records) with ordinality as n (record_id, nth)
join kasumori.occurrence_record m on m.tenant = $1 and m.record_id = n.record_id
left join kasumori.record_told h on h.tenant = $1 and h.about = m.record_id and h.site = m.site
     and (h.record_id = m.effective_id or h.kind = 3)
left join lateral (
    select x.* from kasumori.record_told x
    where x.tenant = $1 and x.about = h.record_id and h.kind = 3 and x.kind = 4 and x.site = h.site
      and x.revision >= h.revision and x.replaces in (0, 3)
    order by x.revision desc, x.record_id desc limit 1) w on true
left join lateral (
    select coalesce(w.answer_matters, h.answer_matters) as answer_matters,
           coalesce(w.answer_recorded_at, h.answer_recorded_at) as answer_recorded_at,
           coalesce(w.answer_is_final, h.answer_is_final) as answer_is_final
    where not coalesce(w.is_training, h.is_training) and w.replaces is distinct from 0) said on true
order by turn, start_at desc nulls first, occurrence, nth, decision_no, scope
