select coalesce(json_agg(a.told order by a.site, a.agent), '[]')::text, null
from kasumori.agents_json($1, ($2 ->> 'silent_us')::bigint * interval '1 microsecond') a
where $2 -> 'sites' = '[]' or $2 -> 'sites' ? a.site
