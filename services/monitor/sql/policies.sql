select coalesce(json_agg(json_build_object(
           'version', version, 'effectiveFrom', kasumori.rfc3339(effective_from), 'isLinking', is_linking,
           'loadedBy', loaded_by, 'loadedAt', kasumori.rfc3339(loaded_at)) order by version desc), '[]')::text, null
from (select * from kasumori.policy_version
      where tenant = $1 and $2 is not null order by version desc limit 1000) as newest
