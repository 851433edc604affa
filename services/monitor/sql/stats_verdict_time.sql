-- part scope
), told as materialized (
    select v.* from bound, analytics.verdict v
    where v.tenant = $1 and v.is_first
      and v.made_at >= low::timestamp at time zone 'Asia/Tokyo' and v.made_at < (high + 1)::timestamp at time zone 'Asia/Tokyo'
      and (not $2 ?| array['site', 'trade'] and $2 -> 'sites' = '[]' or v.concerned_site in (select site from scope))
), whole as (
    select 0::bigint as contacts, count(*) as incidents,
           (extract(epoch from percentile_cont(0.5) within group (order by took)) / 60)::bigint as value from told
), cell as (
    select m as place, to_char(m, 'YYYY-MM') as key, to_char(m, 'YYYY"年"FMMM"月"') as ja, to_char(m, 'YYYY-MM') as en,
           null::bigint as contacts, count(t.record_id) as incidents,
           (extract(epoch from percentile_cont(0.5) within group (order by t.took)) / 60)::bigint as value
    from bound cross join lateral generate_series(date_trunc('month', low::timestamp), high::timestamp, interval '1 month') m
    left join told t on date_trunc('month', t.day::timestamp) = m group by m
-- part answer
