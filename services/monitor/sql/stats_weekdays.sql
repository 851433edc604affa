-- part scope
-- part incident
), slot as materialized (
    select r.weekday, r.hour, sum(r.contacts)::bigint as contacts, sum(r.incidents)::bigint as incidents
    from bound, kasumori.rollup_month r
    where $2 ->> 'filtered' = 'no' and r.tenant = $1 and r.month between low and high group by 1, 2
    union all
    select extract(isodow from i.start_at at time zone 'Asia/Tokyo')::smallint,
           extract(hour from i.start_at at time zone 'Asia/Tokyo')::smallint, null, count(*)
    from incident i where $2 ->> 'filtered' = 'yes' group by 1, 2
), whole as (
    select sum(contacts)::bigint as contacts, sum(incidents)::bigint as incidents, null::bigint as value from slot
), cell as (
    select d as place, d::text as key, (array['月', '火', '水', '木', '金', '土', '日'])[d] as ja,
           (array['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'])[d] as en,
           case when $2 ->> 'filtered' = 'no' then coalesce(sum(s.contacts), 0)::bigint end as contacts,
           coalesce(sum(s.incidents), 0)::bigint as incidents, null::bigint as value
    from generate_series(1, 7) d left join slot s on s.weekday = d group by d
-- part answer
