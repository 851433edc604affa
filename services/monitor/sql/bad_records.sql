with found as (
    select stream_no, kafka_offset, class, reason, appended_at, site, agent, record_id, state
    from kasumori.bad_record
    where tenant = $1
      and (not $2 ? 'class' or class = $2 ->> 'class') and (not $2 ? 'state' or state = $2 ->> 'state')
      and ($2 ->> 'after_at' is null
           or (appended_at, stream_no, kafka_offset) <
              (kasumori.from_us(($2 ->> 'after_at')::bigint),
               split_part($2 ->> 'after_id', '-', 1)::integer, split_part($2 ->> 'after_id', '-', 2)::bigint))
    order by appended_at desc, stream_no desc, kafka_offset desc
    limit ($2 ->> 'limit')::integer + 1
), page as (
    select * from found order by appended_at desc, stream_no desc, kafka_offset desc
    limit ($2 ->> 'limit')::integer
)
select json_build_object('items', coalesce((select json_agg(json_strip_nulls(json_build_object(
           'stream', stream_no, 'offset', kafka_offset, 'class', class, 'reason', reason,
           'appendedAt', kasumori.rfc3339(appended_at), 'site', site, 'agent', agent,
           'recordId', record_id, 'state', state))
           order by appended_at desc, stream_no desc, kafka_offset desc) from page), '[]'))::text,
       case when (select count(*) from found) > ($2 ->> 'limit')::integer then
           (select kasumori.to_us(appended_at) || '.' || stream_no || '-' || kafka_offset
            from page order by appended_at, stream_no, kafka_offset limit 1) end
