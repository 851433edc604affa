), incident as materialized (
    select i.* from bound, analytics.incident i
    where i.tenant = $1
      and i.start_at >= low::timestamp at time zone 'Asia/Tokyo' and i.start_at < (high + 1)::timestamp at time zone 'Asia/Tokyo'
      and (not $2 ?| array['site', 'trade'] and $2 -> 'sites' = '[]' or i.concerned_site in (select site from scope))
      and (not $2 ? 'category' or exists (
           select from kasumori.record_line l where l.tenant = $1 and l.record_id = i.record_id
                                                and $2 ->> 'category' = any (l.categories)))
