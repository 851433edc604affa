-- part scope
-- part daily
), whole as (
    select sum(contacts)::bigint as contacts, sum(incidents)::bigint as incidents, null::bigint as value from daily
), cell as (
    select d::date as place, to_char(d, 'YYYY-MM-DD') as key, to_char(d, 'FMMM"月"FMDD"日"') as ja,
           to_char(d, 'YYYY-MM-DD') as en, coalesce(contacts, 0)::bigint as contacts,
           coalesce(incidents, 0)::bigint as incidents, null::bigint as value
    from bound cross join lateral generate_series(low, high, interval '1 day') d
    left join (select day, sum(contacts) as contacts, sum(incidents) as incidents from daily group by 1) r on r.day = d::date
-- part answer
