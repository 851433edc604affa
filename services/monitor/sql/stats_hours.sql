-- part scope
-- part incident
), slot as materialized (
    select r.hour, sum(r.contacts)::bigint as contacts, sum(r.incidents)::bigint as incidents
    from kasumori.rollup_month r
    where $2 ->> 'filtered' = 'no' and r.tenant = $1
      and r.month between (select low from bound) and (select high from bound) group by 1
    union all
    select (place - 1)::smallint, null, total::bigint from (
        select array[sum(hour_0), sum(hour_1), sum(hour_2), sum(hour_3), sum(hour_4), sum(hour_5),
                   sum(hour_6), sum(hour_7), sum(hour_8), sum(hour_9), sum(hour_10), sum(hour_11),
                   sum(hour_12), sum(hour_13), sum(hour_14), sum(hour_15), sum(hour_16), sum(hour_17),
                   sum(hour_18), sum(hour_19), sum(hour_20), sum(hour_21), sum(hour_22), sum(hour_23)] as totals
        from incident
    ) as i cross join lateral unnest(totals) with ordinality as t (total, place)
    where $2 ->> 'filtered' = 'yes'
), whole as (
    select sum(contacts)::bigint as contacts, sum(incidents)::bigint as incidents, null::bigint as value from slot
), cell as (
    select h as place, h::text as key, h || '時' as ja, to_char(h, 'FM00') || ':00' as en,
           case when $2 ->> 'filtered' = 'no' then coalesce(s.contacts, 0)::bigint end as contacts,
           coalesce(s.incidents, 0)::bigint as incidents, null::bigint as value
    from generate_series(0, 23) h left join slot s on s.hour = h
-- part answer
