-- Which records name one as their target, in one place: kasumori.record has an index of them in each
-- month, and the correlator asks about every record it takes in, though few are ever named.
create table kasumori.record_target (
    tenant text not null,
    target_id uuid not null,
    record_id uuid not null,
    constraint record_target_key primary key (tenant, target_id, record_id)
);
comment on table kasumori.record_target is 'Fact: supplements and corrections by the record they name; kept by a trigger of kasumori.record.';
comment on column kasumori.record_target.tenant is 'The company.';
comment on column kasumori.record_target.target_id is 'kasumori.record.target_id.';
comment on column kasumori.record_target.record_id is 'The supplement or correction.';

create function kasumori.keep_record_target() returns trigger language plpgsql
set search_path = pg_catalog, pg_temp as $$
begin
    insert into kasumori.record_target (tenant, target_id, record_id)
    values (new.tenant, new.target_id, new.record_id) on conflict do nothing;
    return null;
end
$$;
comment on function kasumori.keep_record_target() is 'Trigger: a record that names a target is found by it.';
revoke execute on function kasumori.keep_record_target() from public;

create trigger record_keeps_target after insert or update of target_id on kasumori.record
for each row when (new.target_id is not null) execute function kasumori.keep_record_target();

insert into kasumori.record_target (tenant, target_id, record_id)
select tenant, target_id, record_id from kasumori.record where target_id is not null;

select kasumori.protect_tenant('kasumori.record_target');
grant select, insert on kasumori.record_target to kasumori_aggregator;
