-- part scope
-- part incident
), whole as (
    select 0::bigint as contacts, coalesce(sum(incidents), 0)::bigint as incidents,
           coalesce(sum(staff_minutes), 0)::bigint as value from incident
), cell as (
    select m as place, to_char(m, 'YYYY-MM') as key, to_char(m, 'YYYY"年"FMMM"月"') as ja, to_char(m, 'YYYY-MM') as en,
           null::bigint as contacts, coalesce(i.incidents, 0)::bigint as incidents,
           coalesce(i.staff_minutes, 0)::bigint as value
    from bound cross join lateral generate_series(date_trunc('month', low::timestamp), high::timestamp, interval '1 month') m
    left join (select date_trunc('month', first_day::timestamp) as month, sum(incidents) as incidents,
                      sum(staff_minutes) as staff_minutes from incident group by 1) i on i.month = m
-- part answer
