-- How far each tenant's derived rows have come, what was told about watch entries, and room for a
-- notice about a call whose caller nobody knows.
alter table kasumori.finding alter column subject drop not null;
alter table kasumori.finding add constraint finding_marks_a_subject check (is_notice or subject is not null);
comment on column kasumori.finding.subject is 'kasumori.part.subject; null: a notice on a contact that tells about nobody.';
comment on column kasumori.review_task.since is 'When the last fact that raised it was stored: LogAppendTime of the record, time of the decision; -infinity when it is about tokens alone.';

create table kasumori.correlated (
    tenant text not null,
    form integer not null,
    decision_no bigint not null,
    policy_version bigint not null,
    as_of timestamptz,
    records bigint not null,
    duration_us bigint not null,
    at timestamptz not null default now(),
    constraint correlated_key primary key (tenant)
) with (fillfactor = 50);
comment on table kasumori.correlated is 'State: which facts a tenant''s derived rows stand for, written in the transaction of the rows. A decision with a greater number is pending.';
comment on column kasumori.correlated.tenant is 'The company.';
comment on column kasumori.correlated.form is 'Version of the program''s way to make rows; another one recomputes.';
comment on column kasumori.correlated.decision_no is 'All decisions up to here are in.';
comment on column kasumori.correlated.policy_version is 'All policy versions up to here are in.';
comment on column kasumori.correlated.as_of is 'Greatest tick that is in; null: none.';
comment on column kasumori.correlated.records is 'Records of the tenant.';
comment on column kasumori.correlated.duration_us is 'How long the last recompute took.';
comment on column kasumori.correlated.at is 'When.';

create table kasumori.correlated_stream (
    tenant text not null,
    stream_no integer not null,
    next_offset bigint not null,
    constraint correlated_stream_key primary key (tenant, stream_no)
) with (fillfactor = 50);
comment on table kasumori.correlated_stream is 'State: which part of each stream of kasumori.ingest_log a tenant''s derived rows stand for.';
comment on column kasumori.correlated_stream.tenant is 'The company.';
comment on column kasumori.correlated_stream.stream_no is 'kasumori.kafka_offset.stream_no.';
comment on column kasumori.correlated_stream.next_offset is 'First offset that may not be in.';

create table kasumori.watch_told (
    tenant text not null,
    entry uuid not null,
    decision_no bigint not null,
    reason text not null,
    kind smallint not null,
    change_no bigint not null,
    is_withdrawn boolean not null,
    value bytea not null,
    constraint watch_told_key primary key (tenant, entry),
    constraint watch_told_reason_is_known check (reason in ('restrict', 'confirm_person'))
);
comment on table kasumori.watch_told is 'Journal: what was last told to sites about a watch entry. Kept through rebuilds.';
comment on column kasumori.watch_told.tenant is 'The company.';
comment on column kasumori.watch_told.entry is 'Hash of tenant, decision and least token of the class.';
comment on column kasumori.watch_told.decision_no is 'The decision.';
comment on column kasumori.watch_told.reason is 'As in kasumori.watch.';
comment on column kasumori.watch_told.kind is 'kasumori.v1.IdentifierKind of the class.';
comment on column kasumori.watch_told.change_no is 'Counts per entry from 1.';
comment on column kasumori.watch_told.is_withdrawn is 'It was taken back.';
comment on column kasumori.watch_told.value is 'The message: kasumori.v1.WatchEntry.';

select kasumori.protect_tenant('kasumori.correlated');
select kasumori.protect_tenant('kasumori.correlated_stream');
select kasumori.protect_tenant('kasumori.watch_told');
grant select, insert, update on kasumori.correlated, kasumori.correlated_stream, kasumori.watch_told
    to kasumori_aggregator;
grant select on kasumori.correlated, kasumori.correlated_stream to kasumori_monitor;
