-- part scope
), told as materialized (
    select r.* from stretch s
    cross join lateral (
        select first_day, parts, repeats from kasumori.rollup_repeat r
        where (select is_whole from asked) and r.tenant = $1 and r.span = s.span
          and r.category = (select category from asked) and r.first_day between s.low and s.high and r.sites = '{}'
        union all
        select first_day, parts, repeats from kasumori.rollup_repeat r
        where not (select is_whole from asked) and r.tenant = $1 and r.span = s.span
          and r.category = (select category from asked) and r.first_day between s.low and s.high
          and r.sites && (select places from asked) offset 0
    ) as r
), whole as (
    select 0::bigint as contacts, coalesce(sum(parts), 0)::bigint as incidents,
           coalesce(sum(repeats), 0)::bigint as value from told
), cell as (
    select m as place, to_char(m, 'YYYY-MM') as key, to_char(m, 'YYYY"年"FMMM"月"') as ja, to_char(m, 'YYYY-MM') as en,
           null::bigint as contacts, coalesce(t.parts, 0)::bigint as incidents, coalesce(t.repeats, 0)::bigint as value
    from bound cross join lateral generate_series(date_trunc('month', low::timestamp), high::timestamp, interval '1 month') m
    left join (select date_trunc('month', first_day::timestamp) as month, sum(parts) as parts,
                      sum(repeats) as repeats from told group by 1) t on t.month = m
-- part answer
