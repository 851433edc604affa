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
    select 0 as place, coalesce(s.trade, '') as key, coalesce(nullif(s.trade, ''), 'その他') as ja,
           coalesce(nullif(s.trade, ''), 'other') as en, sum(r.contacts)::bigint as contacts,
           sum(r.incidents)::bigint as incidents, null::bigint as value
    from rolled r left join scope s on s.site = r.site group by s.trade
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
