-- Facts: append-only. Records and sightings are partitioned by the month in their UUIDv7, so a time
-- range is an id range. There is no default partition: a row of an unknown month is an error here and
-- class "clock" before it gets here. No foreign keys between these tables; kasumori doctor checks them.
create table kasumori.record (
    tenant text not null,
    record_id uuid not null,
    kind smallint not null,
    site text not null,
    concerned_site text not null,
    agent text not null,
    source text not null,
    external_id text,
    revision bigint not null,
    occurred_start timestamptz not null,
    occurred_end timestamptz not null,
    recorded_at timestamptz not null,
    appended_at timestamptz not null,
    clock_state smallint not null,
    channel smallint not null,
    direction smallint not null,
    is_training boolean not null,
    matter text,
    happening_ref text,
    target_id uuid,
    replaces smallint,
    is_connected boolean,
    outcome smallint,
    withheld smallint,
    talk_us bigint,
    hold_us bigint,
    categories text[],
    answer_matters text[],
    answer_recorded_at timestamptz[],
    answer_is_final boolean[],
    body_hash bytea not null,
    detail jsonb,
    has_unknown_fields boolean not null default false,
    constraint record_key primary key (tenant, record_id),
    constraint record_kind_is_known check (kind between 1 and 4),
    constraint record_span_is_bounded check (occurred_end >= occurred_start and occurred_end - occurred_start <= interval '24 hours'),
    constraint record_hash_size check (octet_length(body_hash) = 16),
    constraint record_target_is_given check ((kind in (3, 4)) = (target_id is not null)),
    constraint record_replaces_is_given check ((kind = 4) = (replaces is not null)),
    constraint record_replaces_is_known check (replaces between 0 and 3)
) partition by range (record_id);
create index record_by_target on kasumori.record (tenant, target_id) where target_id is not null;
comment on table kasumori.record is 'Fact: one record as its agent sent it, without identifiers and free text.';
comment on column kasumori.record.tenant is 'The company.';
comment on column kasumori.record.record_id is 'UUIDv7 made by the agent; of a redelivery with a higher revision, derived from the original id and the revision.';
comment on column kasumori.record.kind is '1 contact, 2 incident, 3 supplement, 4 correction.';
comment on column kasumori.record.site is 'The reporting site.';
comment on column kasumori.record.concerned_site is 'Whose customer it was; the reporting site when not said.';
comment on column kasumori.record.agent is 'Who sent it, proven by its MAC.';
comment on column kasumori.record.source is 'Adapter or system it came from.';
comment on column kasumori.record.external_id is 'The source''s own id.';
comment on column kasumori.record.revision is 'Grows when the source sends newer content.';
comment on column kasumori.record.occurred_start is 'When it began, UTC, by the site''s clock.';
comment on column kasumori.record.occurred_end is 'When it ended; the start when not said.';
comment on column kasumori.record.recorded_at is 'When it was written down.';
comment on column kasumori.record.appended_at is 'The broker''s LogAppendTime: every bound is judged by it, so that a replay judges the same.';
comment on column kasumori.record.clock_state is 'kasumori.v1.ClockState.';
comment on column kasumori.record.channel is 'kasumori.v1.Channel.';
comment on column kasumori.record.direction is 'kasumori.v1.Direction.';
comment on column kasumori.record.is_training is 'A fact and nothing else: counts toward nothing.';
comment on column kasumori.record.matter is 'Ticket or order it is about.';
comment on column kasumori.record.happening_ref is 'The PBX''s call id.';
comment on column kasumori.record.target_id is 'Record a supplement or correction names.';
comment on column kasumori.record.replaces is 'Of a correction: 1 contact, 2 incident, 3 supplement, 0 retraction.';
comment on column kasumori.record.is_connected is 'Of a contact body: whether somebody answered.';
comment on column kasumori.record.outcome is 'Of a contact body: kasumori.v1.Outcome.';
comment on column kasumori.record.withheld is 'Of a contact body: kasumori.v1.Withheld.';
comment on column kasumori.record.talk_us is 'Of a contact body: talk time in microseconds.';
comment on column kasumori.record.hold_us is 'Of a contact body: hold time in microseconds.';
comment on column kasumori.record.categories is 'Category codes as scheme:version:code, in the order sent.';
comment on column kasumori.record.answer_matters is 'Matters of the answers given, in the order sent; empty: the record''s own.';
comment on column kasumori.record.answer_recorded_at is 'When each answer was first written.';
comment on column kasumori.record.answer_is_final is 'Whether each answer was the firm''s last word.';
comment on column kasumori.record.body_hash is 'SHA-256 of the canonical form cut to 16 bytes (proto/README.md): a delivery with the same id and hash is a duplicate.';
comment on column kasumori.record.detail is 'The rest of the body by the proto''s JSON mapping, without free text, tokens and seals.';
comment on column kasumori.record.has_unknown_fields is 'A newer agent sent fields this program does not know; they are in kasumori.record_text, place wire.';

create table kasumori.record_text (
    tenant text not null,
    record_id uuid not null,
    place text not null,
    text text,
    masked integer not null default 0,
    said_at timestamptz,
    raw bytea,
    constraint record_text_key primary key (tenant, record_id, place),
    constraint record_text_is_one check ((text is null) <> (raw is null))
) partition by range (record_id);
comment on table kasumori.record_text is 'Fact: free text of a record. It may hold personal data in spite of the masker, so it has a role and a retention of its own.';
comment on column kasumori.record_text.tenant is 'The company.';
comment on column kasumori.record_text.record_id is 'The record.';
comment on column kasumori.record_text.place is 'Field it stood in, for example incident.words[0]; wire: the whole encoded record, kept for fields this program does not know.';
comment on column kasumori.record_text.text is 'The words, masked by the agent.';
comment on column kasumori.record_text.masked is 'How many stretches the masker replaced.';
comment on column kasumori.record_text.said_at is 'When it was said.';
comment on column kasumori.record_text.raw is 'Of place wire: the bytes.';

create table kasumori.sealed_identity (
    tenant text not null,
    record_id uuid not null,
    person smallint not null,
    item smallint not null,
    kind smallint not null,
    sealed bytea not null,
    constraint sealed_identity_key primary key (tenant, record_id, person, item)
) partition by range (record_id);
comment on table kasumori.sealed_identity is 'Fact: the identifier itself in a sealed box that only the tenant''s vault key opens.';
comment on column kasumori.sealed_identity.tenant is 'The company.';
comment on column kasumori.sealed_identity.record_id is 'The record.';
comment on column kasumori.sealed_identity.person is 'Ordinal of the person in the record; -1: the worker who wrote it; -2-n: who decided measure n.';
comment on column kasumori.sealed_identity.item is 'Place of the identifier within the person, from 0.';
comment on column kasumori.sealed_identity.kind is 'kasumori.v1.IdentifierKind.';
comment on column kasumori.sealed_identity.sealed is 'libsodium sealed box to the tenant''s vault public key.';

create table kasumori.sighting (
    tenant text not null,
    record_id uuid not null,
    person smallint not null,
    item smallint not null,
    key_id bigint not null,
    kind smallint not null,
    mac uuid not null,
    role smallint not null,
    assurance smallint not null,
    direction smallint not null,
    site text not null,
    occurred_start timestamptz not null,
    constraint sighting_key primary key (tenant, record_id, person, item, key_id)
) partition by range (record_id);
create index sighting_by_token on kasumori.sighting (tenant, mac, kind, key_id, occurred_start);
comment on table kasumori.sighting is 'Fact: one token of one identifier of one person in one record. Rows that differ only in key_id are aliases of one value.';
comment on column kasumori.sighting.tenant is 'The company.';
comment on column kasumori.sighting.record_id is 'The record.';
comment on column kasumori.sighting.person is 'Ordinal of the person in the record; -1: the worker who wrote it; -2-n: who decided measure n (role 0).';
comment on column kasumori.sighting.item is 'Place of the identifier within the person, from 0.';
comment on column kasumori.sighting.key_id is 'Which of the tenant''s token keys made mac; 0..2^32-1.';
comment on column kasumori.sighting.kind is 'kasumori.v1.IdentifierKind.';
comment on column kasumori.sighting.mac is 'HMAC-SHA256 of the identifier cut to 16 bytes, kept as uuid for its size. (tenant, kind, key_id, mac) is a token.';
comment on column kasumori.sighting.role is 'kasumori.v1.Role.';
comment on column kasumori.sighting.assurance is 'kasumori.v1.Assurance.';
comment on column kasumori.sighting.direction is 'kasumori.v1.Direction of the record.';
comment on column kasumori.sighting.site is 'The reporting site.';
comment on column kasumori.sighting.occurred_start is 'When the record''s happening began.';

create table kasumori.external_key (
    tenant text not null,
    site text not null,
    source text not null,
    external_hash bytea not null,
    record_id uuid not null,
    constraint external_key_key primary key (tenant, site, source, external_hash),
    constraint external_key_hash_size check (octet_length(external_hash) = 16)
);
comment on table kasumori.external_key is 'Fact: which record a source''s own id names; a file read twice meets its own rows here.';
comment on column kasumori.external_key.tenant is 'The company.';
comment on column kasumori.external_key.site is 'The reporting site.';
comment on column kasumori.external_key.source is 'Adapter or system.';
comment on column kasumori.external_key.external_hash is 'SHA-256 of the external id cut to 16 bytes.';
comment on column kasumori.external_key.record_id is 'The record stored for it first.';

create table kasumori.ingest_log (
    stream_no integer not null,
    kafka_offset bigint not null,
    tenant text not null,
    record_id uuid not null,
    constraint ingest_log_key primary key (stream_no, kafka_offset)
);
comment on table kasumori.ingest_log is 'Fact: at which place of the log each stored record stands; the correlator reads it forward. Duplicates and bad records have no row.';
comment on column kasumori.ingest_log.stream_no is 'kasumori.kafka_offset.stream_no.';
comment on column kasumori.ingest_log.kafka_offset is 'Offset within the partition.';
comment on column kasumori.ingest_log.tenant is 'The company.';
comment on column kasumori.ingest_log.record_id is 'The record.';

create table kasumori.bad_record (
    stream_no integer not null,
    kafka_offset bigint not null,
    class text not null,
    reason text not null,
    appended_at timestamptz not null,
    tenant text,
    site text,
    agent text,
    epoch bigint,
    sequence bigint,
    record_id uuid,
    message_key bytea,
    headers bytea not null,
    value bytea,
    state text not null default 'open',
    state_at timestamptz not null default now(),
    restamped_at timestamptz,
    constraint bad_record_key primary key (stream_no, kafka_offset),
    constraint bad_record_class_is_known check (class in ('malformed', 'oversized', 'newer', 'forged', 'clock', 'archived', 'conflict')),
    constraint bad_record_state_is_known check (state in ('open', 'replayed', 'dismissed'))
);
create index bad_record_open on kasumori.bad_record (class, appended_at) where state = 'open';
comment on table kasumori.bad_record is 'Fact: a message that could not be stored as a record, whole, with the reason; replayed after the cure.';
comment on column kasumori.bad_record.stream_no is 'kasumori.kafka_offset.stream_no.';
comment on column kasumori.bad_record.kafka_offset is 'Offset within the partition.';
comment on column kasumori.bad_record.class is 'malformed, oversized, newer, forged, clock, archived or conflict.';
comment on column kasumori.bad_record.reason is 'One sentence with the place.';
comment on column kasumori.bad_record.appended_at is 'LogAppendTime.';
comment on column kasumori.bad_record.tenant is 'The company of the authenticated agent; null when nobody is proven.';
comment on column kasumori.bad_record.site is 'Site of the authenticated agent.';
comment on column kasumori.bad_record.agent is 'Agent named in the headers, proven or not.';
comment on column kasumori.bad_record.epoch is 'From the headers.';
comment on column kasumori.bad_record.sequence is 'From the headers.';
comment on column kasumori.bad_record.record_id is 'Id in the value, when it could be read.';
comment on column kasumori.bad_record.message_key is 'The message''s key.';
comment on column kasumori.bad_record.headers is 'All headers: for each, name size (2 bytes big-endian), name, value size (4 bytes), value.';
comment on column kasumori.bad_record.value is 'The message''s value; null when it was null.';
comment on column kasumori.bad_record.state is 'open, replayed or dismissed.';
comment on column kasumori.bad_record.state_at is 'When the state was set.';
comment on column kasumori.bad_record.restamped_at is 'Of a replay with --restamp: the time put in place of the record''s own; the original stays in value.';

create table kasumori.decision (
    tenant text not null,
    decision_no bigint not null,
    kind text not null,
    made_at timestamptz not null default now(),
    made_by text not null,
    second_by text,
    reason text not null,
    body jsonb not null,
    constraint decision_key primary key (tenant, decision_no),
    constraint decision_kind_is_known check (kind in ('verdict', 'link', 'suppress', 'pin_shared', 'attach', 'same_occurrence', 'matter', 'restrict', 'confirm_person', 'not_listable', 'ack', 'revoke')),
    constraint decision_has_two_persons check (kind not in ('restrict', 'confirm_person') or (second_by is not null and second_by <> made_by))
);
comment on table kasumori.decision is 'Fact: what a person decided. Nothing else changes a judgement, and a revocation is a decision too.';
comment on column kasumori.decision.tenant is 'The company.';
comment on column kasumori.decision.decision_no is 'Counts per tenant in commit order (kasumori.decision_counter); set by a trigger.';
comment on column kasumori.decision.kind is 'What kind of decision; docs/correlation.md says what each does.';
comment on column kasumori.decision.made_at is 'When it was made.';
comment on column kasumori.decision.made_by is 'Account that made it.';
comment on column kasumori.decision.second_by is 'Second person, where two must agree.';
comment on column kasumori.decision.reason is 'Why, in the person''s words; never about identifiers.';
comment on column kasumori.decision.body is 'Records, classes, values: by kind.';

create table kasumori.decision_counter (
    tenant text not null,
    last_no bigint not null,
    constraint decision_counter_key primary key (tenant)
);
comment on table kasumori.decision_counter is 'State: the last decision_no of a tenant; its row lock makes numbers follow commits.';
comment on column kasumori.decision_counter.tenant is 'The company.';
comment on column kasumori.decision_counter.last_no is 'The last number given.';

create function kasumori.number_decision() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into kasumori.decision_counter as counter (tenant, last_no)
    values (new.tenant, 1)
    on conflict (tenant) do update set last_no = counter.last_no + 1
    returning last_no into new.decision_no;
    return new;
end
$$;
comment on function kasumori.number_decision() is 'Gives a decision its number; whoever inserts one has no say in it.';
create trigger decision_is_numbered before insert on kasumori.decision
    for each row execute function kasumori.number_decision();

create table kasumori.policy_version (
    tenant text not null,
    version bigint not null,
    is_linking boolean not null,
    effective_from timestamptz not null,
    loaded_at timestamptz not null default now(),
    loaded_by text not null,
    source text not null,
    constraint policy_version_key primary key (tenant, version)
);
comment on table kasumori.policy_version is 'Fact: a policy as it was loaded; rules take the version in force at the event''s time.';
comment on column kasumori.policy_version.tenant is 'The company.';
comment on column kasumori.policy_version.version is 'Counts per tenant.';
comment on column kasumori.policy_version.is_linking is 'A linking policy: one at a time, changes only by rebuild.';
comment on column kasumori.policy_version.effective_from is 'Event time from which it holds.';
comment on column kasumori.policy_version.loaded_at is 'When it was loaded.';
comment on column kasumori.policy_version.loaded_by is 'Account that loaded it.';
comment on column kasumori.policy_version.source is 'The YAML text.';

create table kasumori.tick (
    tenant text not null,
    as_of timestamptz not null,
    constraint tick_key primary key (tenant, as_of)
);
comment on table kasumori.tick is 'Fact: an instant the correlator was told of; what depends on time depends on the greatest one.';
comment on column kasumori.tick.tenant is 'The company.';
comment on column kasumori.tick.as_of is 'The instant.';
