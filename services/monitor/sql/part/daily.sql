), daily as materialized (
    select c.first_day as day, c.contacts, c.incidents from kasumori.rollup_coarse c
    where (select is_whole from asked) and c.tenant = $1 and c.span = 'day' and c.site = ''
      and c.category = (select category from asked)
      and c.first_day between (select low from bound) and (select high from bound)
    union all
    select r.day, r.contacts, r.incidents from kasumori.rollup_day r
    where not (select is_whole from asked) and r.tenant = $1 and r.category = (select category from asked)
      and r.site = any ((select places from asked)::text[])
      and r.day between (select low from bound) and (select high from bound)
