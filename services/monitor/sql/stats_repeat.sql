-- part scope
), told as materialized (
    select p.* from bound, analytics.part p
    where p.tenant = $1 and p.counts
      and p.start_at >= low::timestamp at time zone 'Asia/Tokyo' and p.start_at < (high + 1)::timestamp at time zone 'Asia/Tokyo'
      and (not $2 ?| array['site', 'trade'] and $2 -> 'sites' = '[]' or p.sites && array(select site from scope))
), whole as (
    select 0::bigint as contacts, count(*) as incidents, count(*) filter (where is_repeat) as value from told
), cell as (
    select m as place, to_char(m, 'YYYY-MM') as key, to_char(m, 'YYYY"年"FMMM"月"') as ja, to_char(m, 'YYYY-MM') as en,
           null::bigint as contacts, count(t.occurrence) as incidents, count(*) filter (where t.is_repeat) as value
    from bound cross join lateral generate_series(date_trunc('month', low::timestamp), high::timestamp, interval '1 month') m
    left join told t on date_trunc('month', t.day::timestamp) = m group by m
-- part answer
