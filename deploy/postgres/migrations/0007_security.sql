-- Who may do what. Nobody deletes or changes a fact; bad_record.state is the one exception. Rights are
-- given by name, table by table: a table of a later migration is closed until that migration opens it.
-- Row-level security is the last line, not the only one.

alter default privileges for role kasumori_owner revoke execute on functions from public;
revoke all on all tables in schema kasumori from public;
revoke all on function kasumori.registry_changed(), kasumori.number_decision(), kasumori.keep_audit(),
    kasumori.uuid_v7_floor(timestamptz) from public;
grant execute on function kasumori.uuid_v7_floor(timestamptz)
    to kasumori_aggregator, kasumori_monitor, kasumori_privacy;

-- Every table with a tenant. Partitions get theirs when they are made (kasumori.make_partitions).
do $$
declare
    tenant_table regclass;
begin
    for tenant_table in
        select attrelid::regclass
        from pg_attribute
        join pg_class on pg_class.oid = attrelid
        where relnamespace = 'kasumori'::regnamespace and relkind in ('r', 'p')
          and attname = 'tenant' and not attisdropped and not relispartition
        order by 1
    loop
        perform kasumori.protect_tenant(tenant_table);
    end loop;
end
$$;

-- Aggregator: appends facts, keeps derived rows and state. Of free text and sealed identities it sees
-- only which there are: it stores them and never reads them again.
grant select, insert on
    kasumori.record, kasumori.sighting, kasumori.external_key, kasumori.ingest_log,
    kasumori.bad_record, kasumori.tick
    to kasumori_aggregator;
grant insert on kasumori.record_text, kasumori.sealed_identity to kasumori_aggregator;
grant select (tenant, record_id, place) on kasumori.record_text to kasumori_aggregator;
grant select (tenant, record_id, person, item, kind) on kasumori.sealed_identity to kasumori_aggregator;
grant update (state, state_at, restamped_at) on kasumori.bad_record to kasumori_aggregator;
grant select on
    kasumori.decision, kasumori.decision_counter, kasumori.policy_version, kasumori.site,
    kasumori.agent, kasumori.registry_version, kasumori.setting
    to kasumori_aggregator;
grant select, insert, update, delete on
    kasumori.token_class, kasumori.class_run, kasumori.edge, kasumori.occurrence,
    kasumori.occurrence_record, kasumori.part, kasumori.finding, kasumori.rollup_day,
    kasumori.rollup_month, kasumori.watch, kasumori.review_task
    to kasumori_aggregator;
grant select, insert, update on
    kasumori.alert, kasumori.kafka_offset, kasumori.agent_seq, kasumori.agent_health,
    kasumori.correlator, kasumori.correlator_cursor
    to kasumori_aggregator;
grant select, insert on kasumori.alert_change to kasumori_aggregator;
grant select, insert, update, delete on kasumori.outbox to kasumori_aggregator;
grant insert on kasumori.audit to kasumori_aggregator;

-- Monitor: one tenant at a time, no free text, no sealed identity, no raw message.
grant select on
    kasumori.site, kasumori.agent, kasumori.record, kasumori.sighting, kasumori.ingest_log,
    kasumori.decision, kasumori.decision_counter, kasumori.policy_version, kasumori.tick,
    kasumori.token_class, kasumori.class_run, kasumori.edge, kasumori.occurrence,
    kasumori.occurrence_record, kasumori.part, kasumori.finding, kasumori.rollup_day,
    kasumori.rollup_month, kasumori.watch, kasumori.review_task, kasumori.alert,
    kasumori.alert_change, kasumori.agent_seq, kasumori.agent_health, kasumori.kafka_offset,
    kasumori.correlator, kasumori.correlator_cursor, kasumori.setting, kasumori.audit
    to kasumori_monitor;
grant select (stream_no, kafka_offset, class, reason, appended_at, tenant, site, agent, epoch, sequence,
              record_id, state, state_at, restamped_at)
    on kasumori.bad_record to kasumori_monitor;
grant insert on kasumori.decision, kasumori.audit to kasumori_monitor;

-- Privacy officer: what the monitor may not see, and an audit row for each look.
grant select on
    kasumori.site, kasumori.record, kasumori.record_text, kasumori.sealed_identity,
    kasumori.sighting, kasumori.decision
    to kasumori_privacy;
grant insert on kasumori.audit to kasumori_privacy;
