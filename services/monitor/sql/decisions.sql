with found as (
    select d.* from kasumori.decision d
    where d.tenant = $1 and d.decision_no < coalesce(($2 ->> 'after_at')::bigint, 9223372036854775807)
      and ($2 -> 'sites' = '[]' or exists (
          select from unnest(kasumori.decision_records(d.body)) n (id)
          join kasumori.record r on r.tenant = $1 and r.record_id = n.id
          where $2 -> 'sites' ? r.site or $2 -> 'sites' ? r.concerned_site))
      and (not $2 ? 'kind' or d.kind = $2 ->> 'kind')
      and (not $2 ? 'record' or d.decision_no in (
          select n.decision_no from kasumori.decisions_naming(
              kasumori.names_of($1, ($2 ->> 'record')::uuid), 9223372036854775807) n))
    order by d.decision_no desc
    limit ($2 ->> 'limit')::integer + 1
), page as (
    select * from found order by decision_no desc limit ($2 ->> 'limit')::integer
)
select json_build_object('items', coalesce((select json_agg(kasumori.decision_json(
           decision_no, kind, made_at, made_by, second_by, reason, body,
           kasumori.is_in_force(decision_no, 9223372036854775807)) order by decision_no desc) from page), '[]'))::text,
       case when (select count(*) from found) > ($2 ->> 'limit')::integer then
           (select min(decision_no) || '.decision' from page) end
