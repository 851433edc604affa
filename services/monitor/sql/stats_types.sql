-- part scope
-- part rolled
), told as (
    select r.category, sum(r.contacts) as contacts, sum(r.incidents) as incidents
    from bound, kasumori.rollup_day r
    where r.tenant = $1 and r.category <> '' and r.day between low and high
      and (not $2 ? 'category' or r.category = $2 ->> 'category')
      and (not $2 ?| array['site', 'trade'] and $2 -> 'sites' = '[]' or r.site in (select site from scope))
    group by r.category
), cell as (
    select -coalesce(t.incidents, 0) as place, coalesce(t.category, k.name) as key,
           coalesce(k.ja, t.category, k.name) as ja, coalesce(k.en, t.category, k.name) as en,
           coalesce(t.contacts, 0)::bigint as contacts, coalesce(t.incidents, 0)::bigint as incidents, null::bigint as value
    from told t
    full join (select scheme || ':' || version || ':' || code as name, ja, en from kasumori.category
               where (scheme, version) in (select split_part(category, ':', 1), split_part(category, ':', 2) from told)
                 and (not $2 ? 'category' or scheme || ':' || version || ':' || code = $2 ->> 'category')) k
         on k.name = t.category
-- part answer
