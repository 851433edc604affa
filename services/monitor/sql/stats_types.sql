-- part scope
-- part sited
), named (category) as (
    select case when $2 ? 'category' then $2 ->> 'category' else (
               select c.category from kasumori.rollup_coarse c
               where c.tenant = $1 and c.span = 'day' and c.category > '' order by c.category limit 1) end
    union all
    select (select c.category from kasumori.rollup_coarse c
            where c.tenant = $1 and c.span = 'day' and c.category > n.category order by c.category limit 1)
    from named n where n.category is not null and not $2 ? 'category'
), whole as (
    select sum(contacts)::bigint as contacts, sum(incidents)::bigint as incidents, null::bigint as value
    from (
        select c.contacts, c.incidents from kasumori.rollup_coarse c
        where (select is_whole from asked) and c.tenant = $1 and c.span = 'day' and c.site = ''
          and c.category = (select category from asked)
          and c.first_day between (select low from bound) and (select high from bound)
        union all
        select contacts, incidents from sited where not (select is_whole from asked)
    ) as r
), told as (
    select n.category, sum(r.contacts) as contacts, sum(r.incidents) as incidents
    from named n
    cross join lateral (
        select c.contacts, c.incidents from kasumori.rollup_coarse c
        where (select is_whole from asked) and c.tenant = $1 and c.span = 'day' and c.site = ''
          and c.category = n.category
          and c.first_day between (select low from bound) and (select high from bound)
        union all
        select p.contacts, p.incidents
        from stretch s
        cross join lateral (
            select c.contacts, c.incidents from kasumori.rollup_coarse c
            where s.span = 'month' and c.tenant = $1 and c.span = 'month' and c.category = n.category
              and c.site = any ((select places from asked)::text[]) and c.first_day between s.low and s.high
            union all
            select d.contacts, d.incidents from kasumori.rollup_day d
            where s.span = 'day' and d.tenant = $1 and d.category = n.category
              and d.site = any ((select places from asked)::text[]) and d.day between s.low and s.high offset 0
        ) as p where not (select is_whole from asked)
    ) as r
    group by n.category
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
