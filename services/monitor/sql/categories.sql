select coalesce(json_agg(json_strip_nulls(json_build_object(
           'scheme', scheme, 'version', version, 'code', code,
           'ja', coalesce(ja, code), 'en', coalesce(en, code)))
           order by scheme, version, place), '[]')::text, null
from kasumori.category
where $2 is not null and $1 is not null
