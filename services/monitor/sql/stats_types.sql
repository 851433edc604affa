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
), told as (
    select r.category, sum(r.contacts) as contacts, sum(r.incidents) as incidents
    from bound, kasumori.rollup_day r
    where r.tenant = $1 and r.category <> '' and r.day between low and high
      and (not $2 ? 'category' or r.category = $2 ->> 'category')
      and (not $2 ?| array['site', 'trade'] and $2 -> 'sites' = '[]' or r.site in (select site from scope))
    group by r.category
), cell as (
    select -coalesce(t.incidents, 0) as place, coalesce(t.category, k.name) as key,
           coalesce(k.ja, t.category, k.name) as ja, coalesce(k.en, t.category, k.name) as en,
           coalesce(t.contacts, 0)::bigint as contacts, coalesce(t.incidents, 0)::bigint as incidents, null::bigint as value
    from told t
    full join (select scheme || ':' || version || ':' || code as name, ja, en from kasumori.category
               where (scheme, version) in (select split_part(category, ':', 1), split_part(category, ':', 2) from told)
                 and (not $2 ? 'category' or scheme || ':' || version || ':' || code = $2 ->> 'category')) k
         on k.name = t.category
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
