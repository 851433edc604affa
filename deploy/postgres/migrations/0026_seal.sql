-- Sealing cost 1.5 ms a row, most of it for planning the functions that spelt a row's bytes, anew at each
-- call, and one update a row. Now one statement spells all rows, a loop does nothing but hash, and one
-- statement updates them. The bytes are the same, so chains go on.
create or replace function kasumori.seal_audit(rows_max integer)
returns table (tenant text, chain_no bigint, chain_hash bytea, sealed bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    now_sealed timestamptz := clock_timestamp();
    sealed_text text := ((extract(epoch from now_sealed) * 1000000)::bigint)::text;
    of_tenant text;
    line record;
    numbers bigint[];
    hashes bytea[];
    before_no text;
    after_no text := octet_length(sealed_text) || ':' || sealed_text;
begin
    if not pg_try_advisory_xact_lock(7091035016) then
        return; -- another monitor seals
    end if;
    for of_tenant in
        select a.tenant from kasumori.audit a where a.chain_no is null group by a.tenant
    loop
        tenant := of_tenant;
        numbers := '{}';
        hashes := '{}';
        before_no := octet_length(convert_to(of_tenant, 'UTF8')) || ':' || of_tenant;
        select a.chain_no, a.chain_hash into chain_no, chain_hash
          from kasumori.audit a where a.tenant = of_tenant and a.chain_no is not null
         order by a.chain_no desc limit 1;
        chain_no := coalesce(chain_no, 0);
        chain_hash := coalesce(chain_hash, '');
        for line in
            select a.audit_no,
                   octet_length(a.audit_no::text) || ':' || a.audit_no
                   || octet_length(told.at) || ':' || told.at
                   || octet_length(convert_to(a.actor, 'UTF8')) || ':' || a.actor
                   || octet_length(convert_to(a.role, 'UTF8')) || ':' || a.role
                   || octet_length(convert_to(a.action, 'UTF8')) || ':' || a.action
                   || octet_length(convert_to(a.purpose, 'UTF8')) || ':' || a.purpose
                   || octet_length(convert_to(a.object, 'UTF8')) || ':' || a.object
                   || octet_length(convert_to(told.detail, 'UTF8')) || ':' || told.detail as told
              from kasumori.audit a
             cross join lateral (select ((extract(epoch from a.at) * 1000000)::bigint)::text as at,
                                        a.detail::text as detail offset 0) told
             where a.tenant = of_tenant and a.chain_no is null
             order by a.audit_no limit rows_max
        loop
            chain_no := chain_no + 1;
            chain_hash := sha256(chain_hash || convert_to(
                before_no || octet_length(chain_no::text) || ':' || chain_no || after_no || line.told, 'UTF8'));
            numbers := numbers || line.audit_no;
            hashes := hashes || chain_hash;
        end loop;
        sealed := cardinality(numbers);
        update kasumori.audit a
           set chain_no = seal_audit.chain_no - seal_audit.sealed + x.nth, chain_hash = x.hash, sealed_at = now_sealed
          from unnest(numbers, hashes) with ordinality as x (audit_no, hash, nth)
         where a.tenant = of_tenant and a.audit_no = x.audit_no;
        return next;
    end loop;
end
$$;
