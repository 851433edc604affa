-- part scope
), told as materialized (
    select date_trunc('month', v.made_at at time zone 'Asia/Tokyo') as month, v.took_us::float8 as took_us
    from kasumori.first_verdict v
    where v.tenant = $1
      and v.made_at >= (select low from bound)::timestamp at time zone 'Asia/Tokyo'
      and v.made_at < ((select high from bound) + 1)::timestamp at time zone 'Asia/Tokyo'
      and ((select is_whole from asked) or v.site = any ((select places from asked)::text[]))
      and ((select category from asked) = '' or (select category from asked) = any (v.categories))
), whole as (
    select 0::bigint as contacts, count(*) as incidents,
           (percentile_cont(0.5) within group (order by took_us) / 60000000)::numeric::bigint as value from told
), cell as (
    select m as place, to_char(m, 'YYYY-MM') as key, to_char(m, 'YYYY"年"FMMM"月"') as ja, to_char(m, 'YYYY-MM') as en,
           null::bigint as contacts, coalesce(t.verdicts, 0) as incidents, t.value
    from bound cross join lateral generate_series(date_trunc('month', low::timestamp), high::timestamp, interval '1 month') m
    left join (select month, count(*) as verdicts,
                      (percentile_cont(0.5) within group (order by took_us) / 60000000)::numeric::bigint as value
               from told group by 1) t on t.month = m
-- part answer
