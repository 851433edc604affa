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
    select h as place, h::text as key, h || '時' as ja, to_char(h, 'FM00') || ':00' as en,
           case when $2 ->> 'filtered' = 'no' then coalesce(sum(s.contacts), 0)::bigint end as contacts,
           coalesce(sum(s.incidents), 0)::bigint as incidents, null::bigint as value
    from generate_series(0, 23) h left join slot s on s.hour = h group by h
-- part answer
