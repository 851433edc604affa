), sited as materialized (
    select r.* from stretch s
    cross join lateral (
        select c.site, c.contacts, c.incidents from kasumori.rollup_coarse c
        where (select is_whole from asked) and s.span = 'month' and c.tenant = $1 and c.span = 'month'
          and c.category = (select category from asked) and c.first_day between s.low and s.high
        union all
        select c.site, c.contacts, c.incidents from kasumori.rollup_coarse c
        where not (select is_whole from asked) and s.span = 'month' and c.tenant = $1 and c.span = 'month'
          and c.category = (select category from asked) and c.site = any ((select places from asked)::text[])
          and c.first_day between s.low and s.high
        union all
        select d.site, d.contacts, d.incidents from kasumori.rollup_day d
        where (select is_whole from asked) and s.span = 'day' and d.tenant = $1
          and d.category = (select category from asked) and d.day between s.low and s.high
        union all
        select d.site, d.contacts, d.incidents from kasumori.rollup_day d
        where not (select is_whole from asked) and s.span = 'day' and d.tenant = $1
          and d.category = (select category from asked) and d.site = any ((select places from asked)::text[])
          and d.day between s.low and s.high offset 0
    ) as r
