select coalesce(json_agg(json_strip_nulls(json_build_object(
           'site', site, 'name', name, 'kind', kind, 'trade', trade, 'region', region,
           'address', nullif(address, ''), 'landmark', nullif(landmark, ''),
           'openSince', kasumori.rfc3339(since),
           'closedAt', case when valid_to < 'infinity' then kasumori.rfc3339(valid_to) end)) order by site), '[]')::text,
       null
from (select distinct on (s.site) s.*, min(s.valid_from) over (partition by s.site) as since
      from kasumori.site s
      where s.tenant = $1 and s.valid_from <= now() and ($2 -> 'sites' = '[]' or $2 -> 'sites' ? s.site)
      order by s.site, s.valid_from desc) as newest
