-- The schema and the roles that services run under. Roles cannot log in: an operator grants them to
-- login roles. They belong to the cluster, so another database may have made them already.
do $$
declare
    wanted text;
begin
    foreach wanted in array array['kasumori_owner', 'kasumori_aggregator', 'kasumori_monitor',
                                  'kasumori_privacy']
    loop
        begin
            execute format('create role %I nologin', wanted);
        exception
            when duplicate_object or unique_violation then null;
        end;
    end loop;
end
$$;
comment on role kasumori_owner is 'Owns the schema; only kasumori migrate runs as it.';
comment on role kasumori_aggregator is 'Appends facts, writes derived tables and offsets.';
comment on role kasumori_monitor is 'Reads one tenant at a time, writes decisions and audit rows.';
comment on role kasumori_privacy is 'Reads free text and sealed identities, for the privacy officer.';

create schema kasumori;
comment on schema kasumori is
    'Kasumori. Facts are append-only; derived tables can be recomputed from facts; state belongs to running services.';
create extension if not exists btree_gist with schema kasumori;
grant usage on schema kasumori to kasumori_aggregator, kasumori_monitor, kasumori_privacy;
