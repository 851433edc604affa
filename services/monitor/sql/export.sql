with found as (
    select o.record_id, b.occurred_start as at
-- part wanted
      and b.occurred_start >= coalesce(kasumori.from_us(($2 ->> 'after_at')::bigint), '-infinity')
      and ($2 ->> 'after_at' is null or b.occurred_start > kasumori.from_us(($2 ->> 'after_at')::bigint)
           or o.record_id > ($2 ->> 'after_id')::uuid)
      and case when $2 ? 'updated_since' then
               b.appended_at >= ($2 ->> 'updated_since')::timestamptz
               or exists (select from kasumori.record t
                          where t.tenant = $1 and t.target_id = o.record_id
                            and t.appended_at >= ($2 ->> 'updated_since')::timestamptz)
               or exists (select from kasumori.decisions_naming(kasumori.names_of($1, o.record_id),
                                                                kasumori.decided_up_to()) d
                          where d.made_at >= ($2 ->> 'updated_since')::timestamptz
                             or exists (select from kasumori.decision r
                                        where r.tenant = $1 and r.kind = 'revoke'
                                          and r.made_at >= ($2 ->> 'updated_since')::timestamptz
                                          and (r.body ->> 'no_revoked')::bigint = d.decision_no))
               else true end
    order by b.occurred_start, o.record_id
    limit 500
), line as (
    select l.start_at, l.record_id,
           case when $2 ->> 'format' = 'ndjson' then kasumori.line_json(l)::text || E'\n'
                else concat_ws(',', kasumori.csv_cell(l.record_id::text), kasumori.csv_cell(l.site),
                    kasumori.csv_cell(l.concerned_site), kasumori.csv_cell(kasumori.word_channel(l.channel)),
                    kasumori.csv_cell(kasumori.word_direction(l.direction)),
                    kasumori.csv_cell(kasumori.rfc3339(l.start_at)), kasumori.csv_cell(kasumori.rfc3339(l.end_at)),
                    kasumori.csv_cell(kasumori.rfc3339(l.recorded_at)),
                    kasumori.csv_cell(array_to_string(l.categories, ' ')),
                    kasumori.csv_cell(array_to_string(l.matters, ' ')),
                    kasumori.csv_cell(l.occurrence::text), kasumori.csv_cell(l.standing),
                    kasumori.csv_cell(coalesce(l.verdict, ''))) || E'\r\n' end as text
    from found join kasumori.record_line l on l.tenant = $1 and l.record_id = found.record_id
)
select coalesce(string_agg(text, '' order by start_at, record_id), ''),
       case when count(*) = 500 then (select kasumori.to_us(at) || '.' || record_id from found
                                      order by at desc, record_id desc limit 1) end,
       count(*)
from line
