with asked as (
    select r.record_id, r.revision, kasumori.names_of($1, r.record_id) as names
    from kasumori.record r
    where r.tenant = $1 and r.kind = 2 and r.site = $2 ->> 'site'
      and r.record_id = any (array(select value::uuid from jsonb_array_elements_text($2 -> 'records')))
), seen as (
    select asked.record_id,
           coalesce((select c.replaces = 0 from kasumori.record c
                     where c.tenant = $1 and c.target_id = asked.record_id and c.kind = 4
                       and c.site = $2 ->> 'site' and c.revision >= asked.revision and c.replaces in (0, 1, 2)
                     order by c.revision desc, c.record_id desc limit 1), false) as is_withdrawn,
           (select d.body ->> 'value' from kasumori.decisions_naming(asked.names, kasumori.decided_up_to()) d
            where d.kind = 'verdict' and d.in_force
            order by d.decision_no desc limit 1) as verdict,
           exists (select from kasumori.audit a
                   where a.tenant = $1 and a.action = 'view.words' and a.role in ('supervisor', 'headquarters')
                     and a.object in (select 'record ' || name from unnest(asked.names) as name)) as is_read
    from asked
)
select json_build_object('items', coalesce(json_agg(json_build_object(
           'record', record_id,
           'state', case when is_withdrawn then 'withdrawn'
                         when verdict <> 'suspected' then 'judged'
                         when verdict = 'suspected' or is_read then 'in_review'
                         else 'received' end) order by record_id), '[]'))::text, null
from seen
