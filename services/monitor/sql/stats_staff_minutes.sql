-- part scope
-- part incident
), whole as (
    select 0::bigint as contacts, count(*) as incidents, coalesce(sum(staff_minutes), 0)::bigint as value from incident
), cell as (
    select m as place, to_char(m, 'YYYY-MM') as key, to_char(m, 'YYYY"年"FMMM"月"') as ja, to_char(m, 'YYYY-MM') as en,
           null::bigint as contacts, count(i.record_id) as incidents, coalesce(sum(i.staff_minutes), 0)::bigint as value
    from bound cross join lateral generate_series(date_trunc('month', low::timestamp), high::timestamp, interval '1 month') m
    left join incident i on date_trunc('month', i.day::timestamp) = m group by m
-- part answer
