)
select json_build_object(
    'measure', $2 ->> 'measure', 'from', (select low from bound), 'to', (select high from bound),
    'rows', analytics.hide_small(coalesce((select json_agg(json_build_object(
                'key', key, 'label', json_build_object('ja', ja, 'en', en), 'contacts', contacts,
                'incidents', incidents, 'value', value) order by place, key) from cell), '[]'),
            ($2 ->> 'narrow')::boolean),
    'total', (select case when ($2 ->> 'narrow')::boolean and incidents between 1 and 4
                          then json_build_object('suppressed', true)
                          else json_strip_nulls(json_build_object('contacts', coalesce(contacts, 0),
                                                                  'incidents', coalesce(incidents, 0), 'value', value))
                     end
              from whole))::text, null
