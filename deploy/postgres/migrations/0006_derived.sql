-- What the correlator derives from facts (docs/correlation.md), the journal of what it told the outside,
-- and the audit log. Derived rows are written by one process per shard, so they carry no lock of their
-- own. Nodes are named by (class, instant): a row that names one looks its run up in class_run, so that
-- two runs which become one rewrite nothing else. Subjects have surrogate numbers; canonical dumps leave
-- surrogates out.

create table kasumori.token_class (
    tenant text not null,
    kind smallint not null,
    key_id bigint not null,
    mac uuid not null,
    class bigint not null,
    is_void boolean not null default false,
    constraint token_class_key primary key (tenant, mac, kind, key_id)
);
create index token_class_by_class on kasumori.token_class (tenant, class);
comment on table kasumori.token_class is 'Derived: the class each token is in (D2): tokens of one identifier under different keys are one value.';
comment on column kasumori.token_class.tenant is 'The company.';
comment on column kasumori.token_class.kind is 'kasumori.v1.IdentifierKind.';
comment on column kasumori.token_class.key_id is 'Which of the tenant''s token keys made mac.';
comment on column kasumori.token_class.mac is 'The token''s 16 bytes.';
comment on column kasumori.token_class.class is 'Surrogate of the class, unique within the tenant.';
comment on column kasumori.token_class.is_void is 'An alias of it contradicts another, so it stands alone; an alarm was raised.';

create table kasumori.class_run (
    tenant text not null,
    class bigint not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    kind smallint not null,
    subject bigint,
    is_shared boolean not null default false,
    shared_by text,
    is_overgrown boolean not null default false,
    constraint class_run_key primary key (tenant, class, first_at),
    constraint class_run_is_ordered check (first_at <= last_at),
    constraint class_run_shared_has_no_subject check (not is_shared or subject is null),
    constraint class_run_shared_says_why check (is_shared = (shared_by is not null)),
    constraint class_run_shared_by_is_known check (shared_by in ('kind', 'list', 'cap', 'overlap', 'pin'))
);
create index class_run_by_subject on kasumori.class_run (tenant, subject) where subject is not null;
comment on table kasumori.class_run is 'Derived: one run of a class, which is a node (D3): its linking sightings without a gap longer than the kind''s expiry.';
comment on column kasumori.class_run.tenant is 'The company.';
comment on column kasumori.class_run.class is 'kasumori.token_class.class.';
comment on column kasumori.class_run.first_at is 'Start of the first linking sighting.';
comment on column kasumori.class_run.last_at is 'Start of the last linking sighting.';
comment on column kasumori.class_run.kind is 'kasumori.v1.IdentifierKind.';
comment on column kasumori.class_run.subject is 'Surrogate of the component the node is in (D6); null for a shared node.';
comment on column kasumori.class_run.is_shared is 'Used by too many to stand for one person (D5).';
comment on column kasumori.class_run.shared_by is 'What decided that it is shared: kind, list, cap, overlap or pin.';
comment on column kasumori.class_run.is_overgrown is 'Its component has more nodes than a subject may have, so it stands alone (D6).';

create table kasumori.edge (
    tenant text not null,
    class_a bigint not null,
    at_a timestamptz not null,
    class_b bigint not null,
    at_b timestamptz not null,
    record_id uuid not null default '00000000-0000-0000-0000-000000000000',
    person smallint not null default -1,
    decision_no bigint not null default 0,
    kind_a smallint not null,
    kind_b smallint not null,
    assurance_a smallint not null,
    assurance_b smallint not null,
    policy_version bigint not null,
    is_suppressed boolean not null default false,
    constraint edge_key primary key (tenant, class_a, class_b, at_a, at_b, record_id, person, decision_no),
    constraint edge_is_ordered check (class_a <= class_b),
    constraint edge_has_a_reason check (record_id <> '00000000-0000-0000-0000-000000000000' or decision_no > 0)
);
create index edge_by_b on kasumori.edge (tenant, class_b, at_b);
create index edge_by_record on kasumori.edge (tenant, record_id);
comment on table kasumori.edge is 'Derived: why two nodes belong together (D4). Each row names the record or the decision behind it, so every link explains itself and can be undone.';
comment on column kasumori.edge.tenant is 'The company.';
comment on column kasumori.edge.class_a is 'Class of one end; the lesser surrogate.';
comment on column kasumori.edge.at_a is 'Instant that says which run of class_a.';
comment on column kasumori.edge.class_b is 'Class of the other end.';
comment on column kasumori.edge.at_b is 'Instant that says which run of class_b.';
comment on column kasumori.edge.record_id is 'Record that names both in one mention; nil when a decision made the link.';
comment on column kasumori.edge.person is 'Ordinal of the mention in that record.';
comment on column kasumori.edge.decision_no is 'Decision (link or attach) behind it; 0: the machine''s evidence alone.';
comment on column kasumori.edge.kind_a is 'kasumori.v1.IdentifierKind of class_a.';
comment on column kasumori.edge.kind_b is 'kasumori.v1.IdentifierKind of class_b.';
comment on column kasumori.edge.assurance_a is 'kasumori.v1.Assurance of the identifier in that mention; 0 without a mention.';
comment on column kasumori.edge.assurance_b is 'The same of class_b.';
comment on column kasumori.edge.policy_version is 'Linking policy under which it stands.';
comment on column kasumori.edge.is_suppressed is 'A decision says that the two classes are not one person.';

create table kasumori.occurrence (
    tenant text not null,
    occurrence uuid not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    standing text not null,
    judged_by bigint,
    constraint occurrence_key primary key (tenant, occurrence),
    constraint occurrence_is_ordered check (first_at <= last_at),
    constraint occurrence_standing_is_known check (standing in ('open', 'judged', 'innocent', 'disputed'))
);
comment on table kasumori.occurrence is 'Derived: one real-world happening (D8).';
comment on column kasumori.occurrence.tenant is 'The company.';
comment on column kasumori.occurrence.occurrence is 'Least record_id in it.';
comment on column kasumori.occurrence.first_at is 'Least start of its records.';
comment on column kasumori.occurrence.last_at is 'Greatest end of its records.';
comment on column kasumori.occurrence.standing is 'open, judged, innocent or disputed; the last two count toward nothing.';
comment on column kasumori.occurrence.judged_by is 'Decision that gave it its standing.';

create table kasumori.occurrence_record (
    tenant text not null,
    record_id uuid not null,
    occurrence uuid not null,
    effective_id uuid not null,
    site text not null,
    channel smallint not null,
    start_at timestamptz not null,
    end_at timestamptz not null,
    is_anchor boolean not null,
    happening_ref text,
    owner_class bigint,
    gap_us bigint not null,
    constraint occurrence_record_key primary key (tenant, record_id),
    constraint occurrence_record_is_ordered check (start_at <= end_at)
);
create index occurrence_record_by_occurrence on kasumori.occurrence_record (tenant, occurrence);
create index occurrence_record_by_owner on kasumori.occurrence_record (tenant, owner_class, site, channel, start_at) where owner_class is not null;
create index occurrence_record_by_ref on kasumori.occurrence_record (tenant, site, happening_ref, start_at) where happening_ref is not null;
comment on table kasumori.occurrence_record is 'Derived: the effective records (D1), each in exactly one occurrence, and what closeness is decided by.';
comment on column kasumori.occurrence_record.tenant is 'The company.';
comment on column kasumori.occurrence_record.record_id is 'The original record, under its own id.';
comment on column kasumori.occurrence_record.occurrence is 'kasumori.occurrence.occurrence.';
comment on column kasumori.occurrence_record.effective_id is 'Record whose body counts: itself or the winning correction.';
comment on column kasumori.occurrence_record.site is 'The reporting site.';
comment on column kasumori.occurrence_record.channel is 'kasumori.v1.Channel.';
comment on column kasumori.occurrence_record.start_at is 'Start of the effective body.';
comment on column kasumori.occurrence_record.end_at is 'End of the effective body.';
comment on column kasumori.occurrence_record.is_anchor is 'A connected contact.';
comment on column kasumori.occurrence_record.happening_ref is 'Of the effective body.';
comment on column kasumori.occurrence_record.owner_class is 'Class of the owner of its subject mention (D7); null without one.';
comment on column kasumori.occurrence_record.gap_us is 'How far from others it may be to be close to them.';

create table kasumori.part (
    tenant text not null,
    subject bigint not null,
    start_at timestamptz not null,
    occurrence uuid not null,
    counts boolean not null,
    has_incident boolean not null,
    talk_us bigint not null,
    severity smallint,
    matters text[] not null default '{}',
    sites text[] not null default '{}',
    records uuid[] not null,
    constraint part_key primary key (tenant, subject, start_at, occurrence),
    constraint part_severity_is_known check (severity between 1 and 5)
);
create index part_by_occurrence on kasumori.part (tenant, occurrence);
comment on table kasumori.part is 'Derived: what one occurrence tells about one subject; the unit that rules count.';
comment on column kasumori.part.tenant is 'The company.';
comment on column kasumori.part.subject is 'kasumori.class_run.subject, or the owner''s own node.';
comment on column kasumori.part.start_at is 'Start of the records that tell about the subject.';
comment on column kasumori.part.occurrence is 'kasumori.occurrence.occurrence.';
comment on column kasumori.part.counts is 'False when innocent, disputed, training or outbound only.';
comment on column kasumori.part.has_incident is 'An incident report is in it.';
comment on column kasumori.part.talk_us is 'Talk time in microseconds, overlaps once.';
comment on column kasumori.part.severity is '1 to 5 by the policy''s table; null: unknown.';
comment on column kasumori.part.matters is 'Matters, sorted.';
comment on column kasumori.part.sites is 'Concerned sites of the incident reports, sorted.';
comment on column kasumori.part.records is 'The records that tell about the subject, sorted.';

create table kasumori.finding (
    tenant text not null,
    finding uuid not null,
    rule text not null,
    subject bigint not null,
    matter text,
    is_notice boolean not null,
    anchor_record_id uuid not null,
    anchor_person smallint not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    occurrences uuid[] not null,
    policy_version bigint not null,
    constraint finding_key primary key (tenant, finding),
    constraint finding_rule_is_known check (rule in ('confinement', 'repetition', 'repeat_matter', 'cross_site', 'escalation')),
    constraint finding_matter_is_given check ((rule = 'repeat_matter') = (matter is not null))
);
create index finding_by_subject on kasumori.finding (tenant, subject, rule);
comment on table kasumori.finding is 'Derived: what a rule says of an episode of a subject''s parts.';
comment on column kasumori.finding.tenant is 'The company.';
comment on column kasumori.finding.finding is 'Hash of rule, matter and least mention of the subject in the first part.';
comment on column kasumori.finding.rule is 'confinement, repetition, repeat_matter, cross_site or escalation.';
comment on column kasumori.finding.subject is 'kasumori.part.subject.';
comment on column kasumori.finding.matter is 'Of repeat_matter.';
comment on column kasumori.finding.is_notice is 'Concerns one contact and marks nobody.';
comment on column kasumori.finding.anchor_record_id is 'Record of that least mention.';
comment on column kasumori.finding.anchor_person is 'Its ordinal.';
comment on column kasumori.finding.first_at is 'Start of the first part.';
comment on column kasumori.finding.last_at is 'Start of the last part.';
comment on column kasumori.finding.occurrences is 'Occurrences of the episode in order.';
comment on column kasumori.finding.policy_version is 'Policy in force at the start of the last part.';

create table kasumori.rollup_day (
    tenant text not null,
    day date not null,
    site text not null,
    category text not null,
    contacts bigint not null default 0,
    incidents bigint not null default 0,
    talk_us bigint not null default 0,
    abandoned bigint not null default 0,
    constraint rollup_day_key primary key (tenant, day, site, category)
);
comment on table kasumori.rollup_day is 'Derived: sums by day, concerned site and category.';
comment on column kasumori.rollup_day.tenant is 'The company.';
comment on column kasumori.rollup_day.day is 'Day in Japan (UTC+9).';
comment on column kasumori.rollup_day.site is 'The concerned site.';
comment on column kasumori.rollup_day.category is 'Category as scheme:version:code; empty: all records of the site and day.';
comment on column kasumori.rollup_day.contacts is 'Contacts.';
comment on column kasumori.rollup_day.incidents is 'Incident reports.';
comment on column kasumori.rollup_day.talk_us is 'Talk time in microseconds.';
comment on column kasumori.rollup_day.abandoned is 'Contacts nobody answered.';

create table kasumori.rollup_month (
    tenant text not null,
    month date not null,
    weekday smallint not null,
    hour smallint not null,
    contacts bigint not null default 0,
    incidents bigint not null default 0,
    talk_us bigint not null default 0,
    abandoned bigint not null default 0,
    constraint rollup_month_key primary key (tenant, month, weekday, hour),
    constraint rollup_month_is_first_day check (extract(day from month) = 1),
    constraint rollup_month_weekday_is_known check (weekday between 1 and 7),
    constraint rollup_month_hour_is_known check (hour between 0 and 23)
);
comment on table kasumori.rollup_month is 'Derived: sums by month, weekday and hour, for when it happens.';
comment on column kasumori.rollup_month.tenant is 'The company.';
comment on column kasumori.rollup_month.month is 'First day of the month in Japan.';
comment on column kasumori.rollup_month.weekday is '1 Monday to 7 Sunday.';
comment on column kasumori.rollup_month.hour is '0 to 23, Japan.';
comment on column kasumori.rollup_month.contacts is 'Contacts.';
comment on column kasumori.rollup_month.incidents is 'Incident reports.';
comment on column kasumori.rollup_month.talk_us is 'Talk time in microseconds.';
comment on column kasumori.rollup_month.abandoned is 'Contacts nobody answered.';

create table kasumori.watch (
    tenant text not null,
    decision_no bigint not null,
    class bigint not null,
    site text not null default '',
    reason text not null,
    until timestamptz not null,
    constraint watch_key primary key (tenant, decision_no, class, site),
    constraint watch_reason_is_known check (reason in ('restrict', 'confirm_person'))
);
create index watch_by_class on kasumori.watch (tenant, class);
comment on table kasumori.watch is 'Derived: whom sites may meet with a decision in hand: unrevoked decisions of two persons, as of the greatest tick.';
comment on column kasumori.watch.tenant is 'The company.';
comment on column kasumori.watch.decision_no is 'The decision.';
comment on column kasumori.watch.class is 'Class it names.';
comment on column kasumori.watch.site is 'Site it is limited to; empty: the whole chain.';
comment on column kasumori.watch.reason is 'restrict or confirm_person.';
comment on column kasumori.watch.until is 'Its end.';

create table kasumori.review_task (
    tenant text not null,
    task uuid not null,
    kind text not null,
    record_id uuid,
    decision_no bigint,
    classes bigint[] not null default '{}',
    since timestamptz not null,
    constraint review_task_key primary key (tenant, task)
);
create index review_task_by_time on kasumori.review_task (tenant, since);
comment on table kasumori.review_task is 'Derived: a question for a person.';
comment on column kasumori.review_task.tenant is 'The company.';
comment on column kasumori.review_task.task is 'Hash of kind and what it is about.';
comment on column kasumori.review_task.kind is 'Which question, by a code.';
comment on column kasumori.review_task.record_id is 'Record it is about.';
comment on column kasumori.review_task.decision_no is 'Decision it is about.';
comment on column kasumori.review_task.classes is 'Classes it is about.';
comment on column kasumori.review_task.since is 'LogAppendTime of the fact that raised it.';

create table kasumori.alert (
    tenant text not null,
    alert uuid not null,
    rule text not null,
    matter text,
    is_notice boolean not null,
    finding uuid,
    state text not null,
    merged_into uuid,
    change_no bigint not null,
    constraint alert_key primary key (tenant, alert),
    constraint alert_state_is_known check (state in ('open', 'withdrawn', 'merged')),
    constraint alert_finding_is_given check ((state = 'open') = (finding is not null)),
    constraint alert_merge_names_another check ((state = 'merged') = (merged_into is not null) and merged_into <> alert)
);
create unique index alert_by_finding on kasumori.alert (tenant, finding) where finding is not null;
comment on table kasumori.alert is 'Journal: what was said to the outside about a finding. Kept through rebuilds.';
comment on column kasumori.alert.tenant is 'The company.';
comment on column kasumori.alert.alert is 'Made once, from rule, matter and anchor mention at opening.';
comment on column kasumori.alert.rule is 'As in kasumori.finding.';
comment on column kasumori.alert.matter is 'As in kasumori.finding.';
comment on column kasumori.alert.is_notice is 'As in kasumori.finding.';
comment on column kasumori.alert.finding is 'The finding it stands for now; null when withdrawn or merged.';
comment on column kasumori.alert.state is 'open, withdrawn or merged.';
comment on column kasumori.alert.merged_into is 'Older alert that goes on in its place.';
comment on column kasumori.alert.change_no is 'Number of its last change.';

create table kasumori.alert_change (
    tenant text not null,
    alert uuid not null,
    change_no bigint not null,
    change text not null,
    at timestamptz not null default now(),
    reason text not null default '',
    records uuid[] not null,
    constraint alert_change_key primary key (tenant, alert, change_no),
    constraint alert_change_is_known check (change in ('opened', 'extended', 'withdrawn', 'merged', 'reopened'))
);
comment on table kasumori.alert_change is 'Journal: each change of an alert, append-only.';
comment on column kasumori.alert_change.tenant is 'The company.';
comment on column kasumori.alert_change.alert is 'The alert.';
comment on column kasumori.alert_change.change_no is 'Counts per alert from 1.';
comment on column kasumori.alert_change.change is 'opened, extended, withdrawn, merged or reopened.';
comment on column kasumori.alert_change.at is 'When it was written.';
comment on column kasumori.alert_change.reason is 'Of a withdrawal: a code.';
comment on column kasumori.alert_change.records is 'Records it rested on.';

create table kasumori.outbox (
    tenant text not null,
    outbox_no bigint generated always as identity,
    topic text not null,
    message_key bytea not null,
    value bytea,
    written_at timestamptz not null default now(),
    sent_at timestamptz,
    constraint outbox_key primary key (tenant, outbox_no)
);
create index outbox_unsent on kasumori.outbox (tenant, outbox_no) where sent_at is null;
comment on table kasumori.outbox is 'Journal: messages to Kafka, written in the transaction of what they tell of and sent after it, at least once.';
comment on column kasumori.outbox.tenant is 'The company.';
comment on column kasumori.outbox.outbox_no is 'Order of writing; one writer per tenant, so also of commits.';
comment on column kasumori.outbox.topic is 'Topic.';
comment on column kasumori.outbox.message_key is 'Key.';
comment on column kasumori.outbox.value is 'Value; null: a tombstone.';
comment on column kasumori.outbox.written_at is 'When it was written.';
comment on column kasumori.outbox.sent_at is 'When the broker acknowledged it.';

create table kasumori.audit (
    tenant text not null,
    audit_no bigint generated always as identity,
    at timestamptz not null default now(),
    actor text not null,
    role text not null,
    action text not null,
    purpose text not null default '',
    object text not null default '',
    detail jsonb not null default '{}',
    chain_no bigint,
    chain_hash bytea,
    sealed_at timestamptz,
    constraint audit_key primary key (tenant, audit_no),
    constraint audit_chain_is_single unique (tenant, chain_no),
    constraint audit_chain_hash_size check (octet_length(chain_hash) = 32),
    constraint audit_is_sealed_as_a_whole check (num_nulls(chain_no, chain_hash, sealed_at) in (0, 3))
);
create index audit_unsealed on kasumori.audit (tenant, audit_no) where chain_no is null;
comment on table kasumori.audit is 'Audit: who looked, decided or exported what, and why. Append-only; a sealer chains the rows afterwards, so that writing never waits.';
comment on column kasumori.audit.tenant is 'The company.';
comment on column kasumori.audit.audit_no is 'Order of writing.';
comment on column kasumori.audit.at is 'When.';
comment on column kasumori.audit.actor is 'Account or operator.';
comment on column kasumori.audit.role is 'Role it acted in.';
comment on column kasumori.audit.action is 'What was done, by a code.';
comment on column kasumori.audit.purpose is 'Why, as the person gave it; never an identifier.';
comment on column kasumori.audit.object is 'What it was done to: kind and id.';
comment on column kasumori.audit.detail is 'More, by action; never an identifier or free text of a record.';
comment on column kasumori.audit.chain_no is 'Place in the tenant''s chain, from 1; null until sealed.';
comment on column kasumori.audit.chain_hash is 'SHA-256 over the hash before and this row.';
comment on column kasumori.audit.sealed_at is 'When it was sealed.';

create function kasumori.keep_audit() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if tg_op = 'UPDATE' then
        if old.chain_no is null and new.chain_no is not null
           and (new.tenant, new.audit_no, new.at, new.actor, new.role, new.action, new.purpose,
                new.object, new.detail)
               is not distinct from
               (old.tenant, old.audit_no, old.at, old.actor, old.role, old.action, old.purpose,
                old.object, old.detail)
        then
            return new;
        end if;
    end if;
    raise exception 'audit rows are append-only: only sealing an unsealed one changes it';
end
$$;
comment on function kasumori.keep_audit() is 'Refuses every change of an audit row but its sealing, to its owner too.';
create trigger audit_is_kept before update or delete on kasumori.audit
    for each row execute function kasumori.keep_audit();
create trigger audit_is_not_truncated before truncate on kasumori.audit
    for each statement execute function kasumori.keep_audit();
