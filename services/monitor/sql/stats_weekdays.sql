-- part scope
-- part incident
), slot as materialized (
    select r.weekday, sum(r.contacts)::bigint as contacts, sum(r.incidents)::bigint as incidents
    from kasumori.rollup_month r
    where $2 ->> 'filtered' = 'no' and r.tenant = $1
      and r.month between (select low from bound) and (select high from bound) group by 1
    union all
    select place::smallint, null, total::bigint from (
        select array[sum(weekday_1), sum(weekday_2), sum(weekday_3), sum(weekday_4), sum(weekday_5), sum(weekday_6), sum(weekday_7)] as totals
        from incident
    ) as i cross join lateral unnest(totals) with ordinality as t (total, place)
    where $2 ->> 'filtered' = 'yes'
), whole as (
    select sum(contacts)::bigint as contacts, sum(incidents)::bigint as incidents, null::bigint as value from slot
), cell as (
    select d as place, d::text as key, (array['月', '火', '水', '木', '金', '土', '日'])[d] as ja,
           (array['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'])[d] as en,
           case when $2 ->> 'filtered' = 'no' then coalesce(s.contacts, 0)::bigint end as contacts,
           coalesce(s.incidents, 0)::bigint as incidents, null::bigint as value
    from generate_series(1, 7) d left join slot s on s.weekday = d
-- part answer
