-- What look-ups by the record that is spoken of read instead of the monthly partitions, the correlator's
-- and those of callers: which later records speak of it, and the answers given. A row here for each of
-- the few records that have one or the other, so that one probe tells that there is nothing, where the
-- partitions take one each.

create table kasumori.record_told (
    tenant text not null,
    about uuid not null,
    record_id uuid not null,
    kind smallint not null,
    site text not null,
    revision bigint not null,
    replaces smallint,
    is_training boolean not null,
    answer_matters text[] not null,
    answer_recorded_at timestamptz[] not null,
    answer_is_final boolean[] not null,
    constraint record_told_key primary key (tenant, about, record_id)
);
comment on table kasumori.record_told is 'Fact, in part: of each record that speaks of another or holds answers what look-ups need. Written with the record, by its trigger.';
comment on column kasumori.record_told.tenant is 'The company.';
comment on column kasumori.record_told.about is 'The record it speaks of; a contact or an incident: itself.';
comment on column kasumori.record_told.record_id is 'Which record this is of.';
comment on column kasumori.record_told.kind is 'As kasumori.record.kind.';
comment on column kasumori.record_told.site is 'As kasumori.record.site.';
comment on column kasumori.record_told.revision is 'As kasumori.record.revision.';
comment on column kasumori.record_told.replaces is 'As kasumori.record.replaces.';
comment on column kasumori.record_told.is_training is 'As kasumori.record.is_training.';
comment on column kasumori.record_told.answer_matters is 'As kasumori.record.answer_matters; none: empty.';
comment on column kasumori.record_told.answer_recorded_at is 'As kasumori.record.answer_recorded_at; none: empty.';
comment on column kasumori.record_told.answer_is_final is 'As kasumori.record.answer_is_final; none: empty.';

create function kasumori.tell_record() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    insert into kasumori.record_told
    values (new.tenant, coalesce(new.target_id, new.record_id), new.record_id, new.kind, new.site,
            new.revision, new.replaces, new.is_training, coalesce(new.answer_matters, '{}'),
            coalesce(new.answer_recorded_at, '{}'), coalesce(new.answer_is_final, '{}'))
    on conflict do nothing;
    return null;
end
$$;
comment on function kasumori.tell_record() is 'Trigger: keeps kasumori.record_told with kasumori.record.';
revoke all on function kasumori.tell_record() from public;
create trigger record_is_told after insert or update of target_id on kasumori.record
    for each row when (new.target_id is not null or cardinality(new.answer_matters) > 0)
    execute function kasumori.tell_record();

-- After the trigger: what is committed meanwhile is written by one of the two.
insert into kasumori.record_told
select tenant, coalesce(target_id, record_id), record_id, kind, site, revision, replaces, is_training,
       coalesce(answer_matters, '{}'), coalesce(answer_recorded_at, '{}'), coalesce(answer_is_final, '{}')
  from kasumori.record where target_id is not null or cardinality(answer_matters) > 0
on conflict do nothing;

select kasumori.protect_tenant('kasumori.record_told');
grant select, insert on kasumori.record_told to kasumori_aggregator;
grant select on kasumori.record_told to kasumori_monitor;

create function kasumori.matters_of(of_tenant text, record uuid) returns text[]
language plpgsql stable as $$
begin
    return (select l.matters from kasumori.record_line l where l.tenant = of_tenant and l.record_id = record);
end
$$;
comment on function kasumori.matters_of(text, uuid) is 'Matters of an effective record, its supplements'' and those that decisions gave it among them. Not one expression of the statement that asks: most have no need to open the partitions.';
revoke all on function kasumori.matters_of(text, uuid) from public;
grant execute on function kasumori.matters_of(text, uuid) to kasumori_monitor;

create function kasumori.machines(key_hashes bytea[])
returns table (turn bigint, tenant text, name text, scope text[], site text, linking_version bigint)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query
        select asked.turn, k.tenant, k.name, k.scope, k.site,
               coalesce((select a.version from kasumori.linking_adopted a where a.tenant = k.tenant
                         order by a.adoption_no desc limit 1), 0)
          from unnest(key_hashes) with ordinality as asked (key_hash, turn)
          join kasumori.machine_key k on k.key_hash = asked.key_hash
         where k.expires_at > now() and k.revoked_at is null;
end
$$;
comment on function kasumori.machines(bytea[]) is 'Whose live keys these are, by place in the list, what each opens, and the linking policy its tenant has adopted. Enters no tenant.';
revoke all on function kasumori.machines(bytea[]) from public;
grant execute on function kasumori.machines(bytea[]) to kasumori_monitor;
