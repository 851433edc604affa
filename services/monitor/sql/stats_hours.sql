with bound as (
    select ($2 ->> 'from')::date as low, ($2 ->> 'to')::date as high
), scope as materialized (
    select s.site, s.name, s.trade from analytics.site s
    where s.tenant = $1 and ($2 -> 'sites' = '[]' or $2 -> 'sites' ? s.site)
      and (not $2 ? 'site' or s.site = $2 ->> 'site') and (not $2 ? 'trade' or s.trade = $2 ->> 'trade')
), incident as materialized (
    select i.* from bound, analytics.incident i
    where i.tenant = $1
      and i.start_at >= low::timestamp at time zone 'Asia/Tokyo' and i.start_at < (high + 1)::timestamp at time zone 'Asia/Tokyo'
      and (not $2 ?| array['site', 'trade'] and $2 -> 'sites' = '[]' or i.concerned_site in (select site from scope))
      and (not $2 ? 'category' or exists (
           select from kasumori.record_line l where l.tenant = $1 and l.record_id = i.record_id
                                                and $2 ->> 'category' = any (l.categories)))
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
)
select json_build_object(
    'measure', $2 ->> 'measure', 'from', (select low from bound), 'to', (select high from bound),
    'rows', analytics.hide_small(coalesce((select json_agg(json_build_object(
                'key', key, 'label', json_build_object('ja', ja, 'en', en), 'contacts', contacts,
                'incidents', incidents, 'value', value) order by place, key) from cell), '[]'),
            ($2 ->> 'narrow')::boolean),
    'total', (select json_strip_nulls(json_build_object('contacts', coalesce(contacts, 0),
                                                        'incidents', coalesce(incidents, 0), 'value', value))
              from whole))::text, null
