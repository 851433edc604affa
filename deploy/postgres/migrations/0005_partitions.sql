-- Monthly partitions, made ahead of time by kasumori migrate and by the aggregator in a connection of
-- its own. A new table is filled in first and attached last: attaching locks out no insert, while
-- "create table … partition of" would wait for every running one and hold up the rest.

create function kasumori.uuid_v7_floor(at timestamptz) returns uuid
language sql immutable strict parallel safe set search_path = pg_catalog, pg_temp as $$
    select (lpad(to_hex(floor(extract(epoch from at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;
comment on function kasumori.uuid_v7_floor(timestamptz) is
    'The least uuid of an instant: its 48 bits of milliseconds since 1970, then zeros. Every UUIDv7 made from then on is greater.';

create function kasumori.protect_tenant(tenant_table regclass) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    execute format('alter table %s enable row level security', tenant_table);
    execute format('alter table %s force row level security', tenant_table);
    execute format(
        'create policy every_tenant on %s to kasumori_owner, kasumori_aggregator using (true) with check (true)',
        tenant_table);
    execute format(
        'create policy own_tenant on %s to kasumori_monitor, kasumori_privacy '
        'using (tenant = current_setting(''kasumori.tenant'', true)) '
        'with check (tenant = current_setting(''kasumori.tenant'', true))',
        tenant_table);
end
$$;
comment on function kasumori.protect_tenant(regclass) is
    'Row-level security for one table: services that serve all tenants see all rows, the others those of the tenant named by the setting kasumori.tenant, and none without it.';

create function kasumori.make_partitions(from_month date, to_month date) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    parent text;
    month date;
    child text;
    made integer := 0;
begin
    if from_month is null or to_month is null or from_month > to_month
       or to_month > from_month + interval '600 months' then
        raise exception 'cannot make partitions: the months are not in order or too many';
    end if;
    perform pg_advisory_xact_lock(7091035003); -- of kasumori, for this function alone
    for month in
        select generate_series(date_trunc('month', from_month::timestamp),
                               date_trunc('month', to_month::timestamp), interval '1 month')
    loop
        foreach parent in array array['record', 'record_text', 'sealed_identity', 'sighting'] loop
            child := format('kasumori.%I', parent || to_char(month, '_YYYY_MM'));
            continue when to_regclass(child) is not null;
            execute format('create table %s (like kasumori.%I including all)', child, parent);
            execute format('comment on table %s is %L', child,
                           format('Fact: the rows of kasumori.%s whose record_id was made in %s, UTC.',
                                  parent, to_char(month, 'YYYY-MM')));
            perform kasumori.protect_tenant(child::regclass);
            execute format('alter table kasumori.%I attach partition %s for values from (%L) to (%L)',
                           parent, child,
                           kasumori.uuid_v7_floor(month::timestamp at time zone 'UTC'),
                           kasumori.uuid_v7_floor((month + interval '1 month') at time zone 'UTC'));
            made := made + 1;
        end loop;
    end loop;
    return made;
end
$$;
comment on function kasumori.make_partitions(date, date) is
    'Makes the monthly partitions of record, record_text, sealed_identity and sighting that are missing from one month through another; returns how many. Safe to call at any time, from many sessions at once. A table of that name that was detached is left alone.';
revoke all on function kasumori.protect_tenant(regclass) from public;
revoke all on function kasumori.make_partitions(date, date) from public;
grant execute on function kasumori.make_partitions(date, date) to kasumori_aggregator;
