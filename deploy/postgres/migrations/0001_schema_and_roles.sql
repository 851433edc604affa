-- The schema and the roles that services run under. Roles cannot log in: an operator grants them to
-- login roles. They belong to the cluster, so another database may have made them already. This is the
-- only migration that runs as whoever calls "kasumori migrate"; the later ones run as kasumori_owner.
do $$
declare
    wanted record;
begin
    for wanted in
        select *
        from (values
            ('kasumori_owner', 'Owns the schema; only the operator''s command runs as it.'),
            ('kasumori_aggregator', 'Appends facts, writes derived tables and offsets.'),
            ('kasumori_monitor', 'Reads one tenant at a time, writes decisions and audit rows.'),
            ('kasumori_privacy', 'Reads free text and sealed identities, for the privacy officer.')
        ) as role (name, purpose)
        where not exists (select from pg_roles where rolname = role.name)
    loop
        begin
            execute format('create role %I nologin', wanted.name);
            execute format('comment on role %I is %L', wanted.name, wanted.purpose);
        exception
            when duplicate_object or unique_violation then null;
        end;
    end loop;
    if not pg_has_role(current_user, 'kasumori_owner', 'member') then
        execute format('grant kasumori_owner to %I', current_user);
    end if;
end
$$;

create schema kasumori authorization kasumori_owner;
comment on schema kasumori is
    'Kasumori. Facts are append-only; derived tables can be recomputed from facts; state belongs to running services.';
create extension if not exists btree_gist with schema kasumori;
grant usage on schema kasumori to kasumori_aggregator, kasumori_monitor, kasumori_privacy;

-- kasumori migrate has made this before the roles were there.
alter schema kasumori_meta owner to kasumori_owner;
alter table kasumori_meta.migration owner to kasumori_owner;
grant usage on schema kasumori_meta to kasumori_aggregator, kasumori_monitor, kasumori_privacy;
grant select on kasumori_meta.migration to kasumori_aggregator, kasumori_monitor, kasumori_privacy;
