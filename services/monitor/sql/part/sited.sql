), sited as materialized (
    select m.site, m.contacts, m.incidents
    from stretch s
    cross join lateral (
        select c.site, c.contacts, c.incidents from kasumori.rollup_coarse c
        where c.tenant = $1 and c.span = 'month' and c.category = (select category from asked)
          and c.first_day between s.low and s.high
          and ((select is_whole from asked) or c.site = any ((select places from asked)::text[])) offset 0
    ) as m where s.span = 'month'
    union all
    select e.site, d.contacts, d.incidents
    from stretch s
    cross join lateral (
        select distinct c.site from kasumori.rollup_coarse c
        where c.tenant = $1 and c.span = 'month' and c.category = (select category from asked)
          and c.first_day between date_trunc('month', s.low::timestamp)::date and s.high
          and ((select is_whole from asked) or c.site = any ((select places from asked)::text[])) offset 0
    ) as e
    cross join lateral (
        select sum(r.contacts) as contacts, sum(r.incidents) as incidents from kasumori.rollup_day r
        where r.tenant = $1 and r.category = (select category from asked) and r.site = e.site
          and r.day between s.low and s.high
    ) as d where s.span = 'day' and d.contacts is not null
