), incident as materialized (
    select i.* from stretch s
    cross join lateral (
        select * from kasumori.rollup_incident r
        where r.tenant = $1 and r.span = s.span and r.category = (select category from asked)
          and r.site = any ((select places from asked)::text[]) and r.first_day between s.low and s.high offset 0
    ) as i
