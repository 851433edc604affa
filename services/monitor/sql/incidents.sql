with found as (
    select o.record_id, b.occurred_start as at
-- part wanted
      and b.occurred_start <= coalesce(kasumori.from_us(($2 ->> 'after_at')::bigint), 'infinity')
      and ($2 ->> 'after_at' is null or b.occurred_start < kasumori.from_us(($2 ->> 'after_at')::bigint)
           or o.record_id < ($2 ->> 'after_id')::uuid)
    order by b.occurred_start desc, o.record_id desc
    limit ($2 ->> 'limit')::integer + 1
), page as (
    select record_id, at from found order by at desc, record_id desc limit ($2 ->> 'limit')::integer
)
select json_build_object('items', coalesce(
           (select json_agg(kasumori.line_json(l) order by l.start_at desc, l.record_id desc)
            from page join kasumori.record_line l on l.tenant = $1 and l.record_id = page.record_id), '[]'))::text,
       case when (select count(*) from found) > ($2 ->> 'limit')::integer then
           (select kasumori.to_us(at) || '.' || record_id from page order by at, record_id limit 1) end
