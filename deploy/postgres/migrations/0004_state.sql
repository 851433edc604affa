-- State of running services. Rows that are updated all the time leave room in their pages, so that an
-- update stays in its page and touches no index.
create table kasumori.kafka_offset (
    stream_no integer generated always as identity,
    cluster_id text not null,
    topic text not null,
    partition integer not null,
    incarnation integer not null default 1,
    next_offset bigint not null,
    epoch bigint not null default 0,
    owner uuid,
    updated_at timestamptz not null default now(),
    constraint kafka_offset_key primary key (stream_no),
    constraint kafka_offset_is_one unique (cluster_id, topic, partition, incarnation),
    constraint kafka_offset_is_positive check (next_offset >= 0)
) with (fillfactor = 50);
comment on table kasumori.kafka_offset is 'State: how far each partition is stored. It moves in the transaction of the rows it stands for, and only for the owner of its epoch.';
comment on column kasumori.kafka_offset.stream_no is 'Short name of this row in other tables.';
comment on column kasumori.kafka_offset.cluster_id is 'Kafka''s cluster id.';
comment on column kasumori.kafka_offset.topic is 'Topic name.';
comment on column kasumori.kafka_offset.partition is 'Partition number.';
comment on column kasumori.kafka_offset.incarnation is 'Grows when an operator accepts that the topic was made anew; only the greatest is read.';
comment on column kasumori.kafka_offset.next_offset is 'First offset not yet stored.';
comment on column kasumori.kafka_offset.epoch is 'Grows with every assignment.';
comment on column kasumori.kafka_offset.owner is 'Random id of the lane that holds the epoch.';
comment on column kasumori.kafka_offset.updated_at is 'Last move.';

create table kasumori.agent_seq (
    tenant text not null,
    agent text not null,
    epoch bigint not null,
    received int8multirange not null,
    updated_at timestamptz not null default now(),
    constraint agent_seq_key primary key (tenant, agent, epoch)
) with (fillfactor = 50);
comment on table kasumori.agent_seq is 'State: which sequences of an agent''s epoch have arrived, good or bad; a hole is a record on its way or lost.';
comment on column kasumori.agent_seq.tenant is 'The company.';
comment on column kasumori.agent_seq.agent is 'The agent, proven by its MAC.';
comment on column kasumori.agent_seq.epoch is 'Epoch of its spool.';
comment on column kasumori.agent_seq.received is 'Sequences received.';
comment on column kasumori.agent_seq.updated_at is 'Last arrival.';

create table kasumori.agent_health (
    tenant text not null,
    agent text not null,
    site text not null,
    at timestamptz not null,
    received_at timestamptz not null,
    started_at timestamptz not null,
    version text not null,
    epoch bigint not null,
    sequence_last bigint not null,
    sequence_delivered bigint not null,
    spool_bytes bigint not null,
    oldest_undelivered_at timestamptz,
    clock_state smallint not null,
    accepted bigint not null,
    rejected bigint not null,
    is_refusing boolean not null,
    planned_off_until timestamptz,
    constraint agent_health_key primary key (tenant, agent)
) with (fillfactor = 50);
comment on table kasumori.agent_health is 'State: the last heartbeat of each agent.';
comment on column kasumori.agent_health.tenant is 'The company.';
comment on column kasumori.agent_health.agent is 'The agent.';
comment on column kasumori.agent_health.site is 'Its site.';
comment on column kasumori.agent_health.at is 'By the agent''s clock.';
comment on column kasumori.agent_health.received_at is 'LogAppendTime of the heartbeat.';
comment on column kasumori.agent_health.started_at is 'When the agent started.';
comment on column kasumori.agent_health.version is 'Its program.';
comment on column kasumori.agent_health.epoch is 'Epoch of its spool.';
comment on column kasumori.agent_health.sequence_last is 'Last sequence it gave out.';
comment on column kasumori.agent_health.sequence_delivered is 'All up to here are in Kafka.';
comment on column kasumori.agent_health.spool_bytes is 'Size of its spool.';
comment on column kasumori.agent_health.oldest_undelivered_at is 'When the oldest record still waiting was accepted.';
comment on column kasumori.agent_health.clock_state is 'kasumori.v1.ClockState.';
comment on column kasumori.agent_health.accepted is 'Records accepted since it started.';
comment on column kasumori.agent_health.rejected is 'Records refused since it started.';
comment on column kasumori.agent_health.is_refusing is 'It cannot store and says so to callers.';
comment on column kasumori.agent_health.planned_off_until is 'Planned silence.';

create table kasumori.correlator (
    shard smallint not null,
    owner uuid,
    epoch bigint not null default 0,
    lease_until timestamptz not null default '-infinity',
    constraint correlator_key primary key (shard),
    constraint correlator_shard_is_known check (shard between 0 and 63)
);
comment on table kasumori.correlator is 'State: which process writes derived rows of a shard (hash of the tenant, 64 shards).';
comment on column kasumori.correlator.shard is 'Shard number.';
comment on column kasumori.correlator.owner is 'Random id of the process.';
comment on column kasumori.correlator.epoch is 'Grows with every change of owner.';
comment on column kasumori.correlator.lease_until is 'End of the lease.';
insert into kasumori.correlator (shard) select generate_series(0, 63);

create table kasumori.correlator_cursor (
    shard smallint not null,
    stream_no integer not null,
    next_offset bigint not null,
    constraint correlator_cursor_key primary key (shard, stream_no)
);
comment on table kasumori.correlator_cursor is 'State: how far a shard''s writer has read each stream of kasumori.ingest_log.';
comment on column kasumori.correlator_cursor.shard is 'Shard number.';
comment on column kasumori.correlator_cursor.stream_no is 'kasumori.kafka_offset.stream_no.';
comment on column kasumori.correlator_cursor.next_offset is 'First offset not yet read.';

create table kasumori.setting (
    name text not null,
    value text not null,
    constraint setting_key primary key (name)
);
comment on table kasumori.setting is 'State: settings that every process must see alike.';
comment on column kasumori.setting.name is 'archive_horizon: record ids older than this instant (RFC 3339) are class archived.';
comment on column kasumori.setting.value is 'The value.';
