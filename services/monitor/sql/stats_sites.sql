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
    select 0 as place, s.site as key, s.name as ja, s.name as en, coalesce(sum(r.contacts), 0)::bigint as contacts,
           coalesce(sum(r.incidents), 0)::bigint as incidents, null::bigint as value
    from scope s left join rolled r on r.site = s.site group by s.site, s.name
    union all
    select 0, r.site, r.site, r.site, sum(r.contacts)::bigint, sum(r.incidents)::bigint, null
    from rolled r where r.site not in (select site from scope) group by r.site
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
