with bound as (
    select ($2 ->> 'from')::date as low, ($2 ->> 'to')::date as high
), scope as materialized (
    select s.site, s.name, s.trade from analytics.site s
    where s.tenant = $1 and ($2 -> 'sites' = '[]' or $2 -> 'sites' ? s.site)
      and (not $2 ? 'site' or s.site = $2 ->> 'site') and (not $2 ? 'trade' or s.trade = $2 ->> 'trade')
), rolled as materialized (
    select r.day, r.site, sum(r.contacts) as contacts, sum(r.incidents) as incidents
    from bound, kasumori.rollup_day r
    where r.tenant = $1 and r.category = coalesce($2 ->> 'category', '') and r.day between low and high
      and (not $2 ?| array['site', 'trade'] and $2 -> 'sites' = '[]' or r.site in (select site from scope))
    group by r.day, r.site
), whole as (
    select sum(contacts)::bigint as contacts, sum(incidents)::bigint as incidents, null::bigint as value from rolled
), cell as (
    select d::date as place, to_char(d, 'YYYY-MM-DD') as key, to_char(d, 'FMMM"月"FMDD"日"') as ja,
           to_char(d, 'YYYY-MM-DD') as en, coalesce(contacts, 0)::bigint as contacts,
           coalesce(incidents, 0)::bigint as incidents, null::bigint as value
    from bound cross join lateral generate_series(low, high, interval '1 day') d
    left join (select day, sum(contacts) as contacts, sum(incidents) as incidents from rolled group by 1) r on r.day = d::date
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
