-- The audit log as a chain: each sealed row's hash covers the hash before it, so that a row edited, taken
-- out or moved afterwards shows. kasumori audit verify computes the same without this function.

create function kasumori.audit_field(value text) returns bytea
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
    select convert_to(octet_length(convert_to(value, 'UTF8')) || ':' || value, 'UTF8')
$$;
comment on function kasumori.audit_field(text) is 'One field of what an audit row''s hash covers: its size in bytes, a colon, itself.';

create function kasumori.audit_micros(at timestamptz) returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
    select ((extract(epoch from at) * 1000000)::bigint)::text
$$;
comment on function kasumori.audit_micros(timestamptz) is 'Microseconds since 1970.';

create function kasumori.audit_hash(before bytea, a kasumori.audit, no bigint, sealed timestamptz) returns bytea
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
    select sha256(before
        || kasumori.audit_field(a.tenant) || kasumori.audit_field(no::text)
        || kasumori.audit_field(kasumori.audit_micros(sealed)) || kasumori.audit_field(a.audit_no::text)
        || kasumori.audit_field(kasumori.audit_micros(a.at)) || kasumori.audit_field(a.actor)
        || kasumori.audit_field(a.role) || kasumori.audit_field(a.action) || kasumori.audit_field(a.purpose)
        || kasumori.audit_field(a.object) || kasumori.audit_field(a.detail::text))
$$;
comment on function kasumori.audit_hash(bytea, kasumori.audit, bigint, timestamptz) is 'SHA-256 over the hash before and the row''s fields: tenant, chain_no, sealed_at, audit_no, at, actor, role, action, purpose, object, detail. Before the first row stands the empty string.';

create function kasumori.seal_audit(rows_max integer)
returns table (tenant text, chain_no bigint, chain_hash bytea, sealed bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    of_tenant text;
    unsealed kasumori.audit;
    now_sealed timestamptz := clock_timestamp();
begin
    if not pg_try_advisory_xact_lock(7091035016) then
        return; -- another monitor seals
    end if;
    for of_tenant in
        select a.tenant from kasumori.audit a where a.chain_no is null group by a.tenant
    loop
        tenant := of_tenant;
        sealed := 0;
        select a.chain_no, a.chain_hash into chain_no, chain_hash
          from kasumori.audit a where a.tenant = of_tenant and a.chain_no is not null
         order by a.chain_no desc limit 1;
        chain_no := coalesce(chain_no, 0);
        chain_hash := coalesce(chain_hash, '');
        for unsealed in
            select * from kasumori.audit a where a.tenant = of_tenant and a.chain_no is null
             order by a.audit_no limit rows_max
        loop
            chain_no := chain_no + 1;
            chain_hash := kasumori.audit_hash(chain_hash, unsealed, chain_no, now_sealed);
            update kasumori.audit a
               set chain_no = seal_audit.chain_no, chain_hash = seal_audit.chain_hash, sealed_at = now_sealed
             where a.tenant = of_tenant and a.audit_no = unsealed.audit_no;
            sealed := sealed + 1;
        end loop;
        return next;
    end loop;
end
$$;
comment on function kasumori.seal_audit(integer) is 'Puts rows of the audit log that are in no chain yet at the end of their tenant''s, up to so many a tenant; answers each chain''s new head.';

create function kasumori.audit_heads()
returns table (tenant text, chain_no bigint, chain_hash bytea)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select t.tenant, head.chain_no, head.chain_hash
    from (select a.tenant from kasumori.account a union select s.tenant from kasumori.site s) as t
    cross join lateral (select a.chain_no, a.chain_hash from kasumori.audit a
                        where a.tenant = t.tenant and a.chain_no is not null
                        order by a.chain_no desc limit 1) as head
    order by t.tenant
$$;
comment on function kasumori.audit_heads() is 'Where each tenant''s chain has come to.';

create function kasumori.forget_old() returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    delete from kasumori.idempotency where made_at < now() - interval '24 hours';
    delete from kasumori.session where expires_at < now() or seen_at < now() - interval '12 hours';
end
$$;
comment on function kasumori.forget_old() is 'Removes answers kept for requests that come twice and sessions that are over.';

revoke all on function kasumori.audit_field(text), kasumori.audit_micros(timestamptz),
    kasumori.audit_hash(bytea, kasumori.audit, bigint, timestamptz), kasumori.seal_audit(integer),
    kasumori.audit_heads(), kasumori.forget_old() from public;
grant execute on function kasumori.seal_audit(integer), kasumori.audit_heads(), kasumori.forget_old()
    to kasumori_monitor;
