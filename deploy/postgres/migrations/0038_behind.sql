-- How many of a tenant's records its derived rows do not stand for yet. A tenant's own place in a stream moves
-- only with its own records, so that a small tenant's lies far back in a log that others fill; but what its
-- shard's writer has read and saved is in the rows of every tenant that is not marked for a whole (form 0).

create function kasumori.records_behind(of_tenant text, most bigint) returns bigint
language sql stable
set search_path = pg_catalog, pg_temp
-- A plan made once walks the whole log, however little lies behind.
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
    select count(*) from (
        select
        from kasumori.kafka_offset k
        cross join lateral (
            select greatest(
                coalesce((select c.next_offset from kasumori.correlated_stream c
                          where c.tenant = of_tenant and c.stream_no = k.stream_no), 0),
                case when coalesce((select t.form from kasumori.correlated t where t.tenant = of_tenant), 1) > 0
                     then (select c.next_offset from kasumori.correlator_cursor c
                           where c.shard = get_byte(sha256(convert_to(of_tenant, 'UTF8')), 0) % 64
                             and c.stream_no = k.stream_no) end) as next_offset
        ) as read
        cross join lateral (
            select from kasumori.ingest_log i
            where i.stream_no = k.stream_no and i.kafka_offset >= read.next_offset
              and i.kafka_offset < k.next_offset and i.tenant = of_tenant
            order by i.kafka_offset limit most
        ) as waiting
        limit most) as counted
$$;
comment on function kasumori.records_behind(text, bigint) is 'Stored records of a tenant that its derived rows do not stand for yet; not counted further than most.';
revoke execute on function kasumori.records_behind(text, bigint) from public;
grant execute on function kasumori.records_behind(text, bigint) to kasumori_monitor;
