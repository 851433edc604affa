-- part scope
), summed as materialized (
    select date_trunc('month', r.first_day::timestamp) as month, r.bucket, sum(r.verdicts) as verdicts
    from stretch s
    cross join lateral (
        select first_day, bucket, verdicts from kasumori.rollup_verdict v
        where (select is_whole from asked) and v.tenant = $1 and v.span = s.span
          and v.category = (select category from asked) and v.first_day between s.low and s.high offset 0
    ) as r group by 1, 2
), ranked as (
    select month, bucket, verdicts, sum(verdicts) over (partition by month order by bucket) as upto,
           sum(verdicts) over (partition by month) as total
    from (select month, bucket, verdicts from summed
          union all select null, bucket, sum(verdicts) from summed group by bucket) as r
), middle as materialized (
    select r.month, r.bucket, r.total, (k.place - (r.upto - r.verdicts))::bigint as place,
           greatest(b.low, r.month::date) as low,
           least(b.high, (r.month + interval '1 month')::date - 1) as high
    from bound b, ranked r
    cross join lateral (values (div(r.total - 1, 2)), (div(r.total, 2))) as k (place)
    where k.place < r.upto and k.place >= r.upto - r.verdicts
), told as materialized (
    select date_trunc('month', v.day::timestamp) as month, v.took_us
    from kasumori.first_verdict v
    where not (select is_whole from asked) and v.tenant = $1 and v.site = any ((select places from asked)::text[])
      and v.day between (select low from bound) and (select high from bound)
      and ((select category from asked) = '' or (select category from asked) = any (v.categories))
), found as (
    select m.month, max(m.total)::bigint as verdicts, avg(v.took_us) as took_us
    from middle m
    cross join lateral (
        select v.took_us from kasumori.first_verdict v
        where v.tenant = $1 and v.bucket = m.bucket and v.day between m.low and m.high
          and ((select category from asked) = '' or (select category from asked) = any (v.categories))
        order by v.took_us offset m.place limit 1
    ) as v group by m.month
    union all
    select month, count(*), percentile_cont(0.5) within group (order by took_us::float8)::numeric
    from told group by grouping sets ((month), ()) having count(*) > 0
), whole as (
    select 0::bigint as contacts, coalesce(sum(verdicts), 0)::bigint as incidents,
           (sum(took_us) / 60000000)::bigint as value from found where month is null
), cell as (
    select m as place, to_char(m, 'YYYY-MM') as key, to_char(m, 'YYYY"年"FMMM"月"') as ja, to_char(m, 'YYYY-MM') as en,
           null::bigint as contacts, coalesce(f.verdicts, 0)::bigint as incidents,
           (f.took_us / 60000000)::bigint as value
    from bound cross join lateral generate_series(date_trunc('month', low::timestamp), high::timestamp, interval '1 month') m
    left join found f on f.month = m
-- part answer
