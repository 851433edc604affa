with recursive bound as (
    select ($2 ->> 'from')::date as low, ($2 ->> 'to')::date as high
), scope as materialized (
    select s.site, s.name, s.trade from analytics.site s
    where s.tenant = $1 and ($2 -> 'sites' = '[]' or $2 -> 'sites' ? s.site)
      and (not $2 ? 'site' or s.site = $2 ->> 'site') and (not $2 ? 'trade' or s.trade = $2 ->> 'trade')
), asked as materialized (
    select is_whole, coalesce($2 ->> 'category', '') as category,
           case when is_whole then array[''] else array(select site from scope) end as places
    from (select not $2 ?| array['site', 'trade'] and $2 -> 'sites' = '[]' as is_whole) as w
), stretch as materialized (
    select s.* from (
        select low, high, (date_trunc('month', low::timestamp - interval '1 day') + interval '1 month')::date as months_low,
               date_trunc('month', high::timestamp + interval '1 day')::date as months_end
        from bound
    ) as cut
    cross join lateral (values ('month', months_low, months_end - 1), ('day', low, least(high, months_low - 1)),
                               ('day', greatest(months_low, months_end), high)) as s (span, low, high)
    where s.low <= s.high
