-- What the monitor's answers are read with: words for numbers, the effective record as one line, which
-- decisions name a record, free text with its audit row, and indexes for the board's lists. Functions
-- that run as their owner filter by the setting kasumori.tenant themselves; they are for conditions that
-- row-level security would keep away from an index.

-- ---- words ----

create function kasumori.rfc3339(at timestamptz) returns text
language sql stable parallel safe as $$
    select case when at = 'infinity' then '9999-12-31T23:59:59.999999Z'
                else to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') end
$$;
comment on function kasumori.rfc3339(timestamptz) is 'RFC 3339 in UTC with microseconds; infinity is the last instant of 9999.';

create function kasumori.from_us(us bigint) returns timestamptz
language sql immutable strict parallel safe as $$
    select timestamptz 'epoch' + us * interval '1 microsecond'
$$;
comment on function kasumori.from_us(bigint) is 'The instant of microseconds since 1970.';

create function kasumori.to_us(at timestamptz) returns bigint
language sql immutable strict parallel safe as $$
    select (extract(epoch from at) * 1000000)::bigint
$$;
comment on function kasumori.to_us(timestamptz) is 'Microseconds since 1970; not for infinity.';

create function kasumori.word_channel(number integer) returns text
language sql immutable parallel safe as $$
    select coalesce((array['face_to_face', 'phone', 'visit', 'mail', 'chat', 'sns', 'other'])[number], 'unknown')
$$;
comment on function kasumori.word_channel(integer) is 'Name of a kasumori.v1.Channel.';

create function kasumori.word_direction(number integer) returns text
language sql immutable parallel safe as $$
    select coalesce((array['inbound', 'outbound', 'internal'])[number], 'none')
$$;
comment on function kasumori.word_direction(integer) is 'Name of a kasumori.v1.Direction.';

create function kasumori.word_outcome(number integer) returns text
language sql immutable parallel safe as $$
    select (array['connected', 'abandoned', 'busy', 'no_answer', 'failed'])[number]
$$;
comment on function kasumori.word_outcome(integer) is 'Name of a kasumori.v1.Outcome; null: not said.';

create function kasumori.word_kind(number integer) returns text
language sql immutable parallel safe as $$
    select coalesce((array['handle', 'member', 'account', 'phone', 'mail', 'vehicle', 'sns', 'name', 'worker',
                           'phone_impersonal'])[number], 'unknown')
$$;
comment on function kasumori.word_kind(integer) is 'Name of a kasumori.v1.IdentifierKind.';

create function kasumori.word_assurance(number integer) returns text
language sql immutable parallel safe as $$
    select (array['typed', 'confirmed', 'scanned', 'carried'])[number]
$$;
comment on function kasumori.word_assurance(integer) is 'Name of a kasumori.v1.Assurance; null: unspecified.';

create function kasumori.word_role(number integer) returns text
language sql immutable parallel safe as $$
    select coalesce((array['subject', 'victim', 'witness', 'other'])[number], 'other')
$$;
comment on function kasumori.word_role(integer) is 'Name of a kasumori.v1.Role.';

create function kasumori.both(ja text, en text) returns json
language sql immutable parallel safe as $$
    select json_build_object('ja', ja, 'en', en)
$$;
comment on function kasumori.both(text, text) is 'A sentence in both languages.';

create function kasumori.mac_text(mac uuid) returns text
language sql immutable strict parallel safe as $$
    select replace(mac::text, '-', '')
$$;
comment on function kasumori.mac_text(uuid) is 'A mac as 32 hexadecimal digits.';

-- ---- indexes for lists ----

create index record_incidents on kasumori.record (tenant, occurred_start, record_id)
    where kind = 2 or (kind = 4 and replaces = 2);
comment on index kasumori.record_incidents is 'Bodies of incidents by start, for the list.';
create index alert_change_by_time on kasumori.alert_change (tenant, at, alert);
create index review_task_by_record on kasumori.review_task (tenant, record_id) where record_id is not null;
create index occurrence_contested on kasumori.occurrence (tenant, standing, first_at, occurrence)
    where standing <> 'open';
create index audit_by_object on kasumori.audit (tenant, object);
create index rollup_day_by_category on kasumori.rollup_day (tenant, category, day);
create index part_incidents_by_start on kasumori.part (tenant, start_at) where has_incident;

-- ---- decisions ----

create function kasumori.decision_records(body jsonb) returns uuid[]
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
    select coalesce(array_agg(named::uuid), '{}')
    from (select jsonb_array_elements_text(case when jsonb_typeof(body -> 'records') = 'array'
                                                then body -> 'records' else '[]' end) as named
          union all
          select body ->> 'record' where body ? 'record') as names
    where named ~* '^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$'
$$;
comment on function kasumori.decision_records(jsonb) is 'The records that a decision''s body names.';

create index decision_by_record on kasumori.decision using gin (kasumori.decision_records(body));
create index decision_revokes on kasumori.decision (tenant, ((body ->> 'no_revoked')::bigint))
    where kind = 'revoke';

create function kasumori.is_in_force(number bigint, last_no bigint) returns boolean
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return not exists (
        select from kasumori.decision d
        where d.tenant = current_setting('kasumori.tenant', true) and d.kind = 'revoke'
          and (d.body ->> 'no_revoked')::bigint = number
          and d.decision_no > number and d.decision_no <= last_no
          and kasumori.is_in_force(d.decision_no, last_no));
end
$$;
comment on function kasumori.is_in_force(bigint, bigint) is 'Whether no revocation in force names the decision, of the decisions up to last_no (docs/correlation.md, 1.1).';

create function kasumori.decisions_naming(records uuid[], last_no bigint)
returns table (decision_no bigint, kind text, made_at timestamptz, made_by text, second_by text,
               reason text, body jsonb, in_force boolean)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select d.decision_no, d.kind, d.made_at, d.made_by, d.second_by, d.reason, d.body,
           kasumori.is_in_force(d.decision_no, last_no)
    from kasumori.decision d
    where d.tenant = current_setting('kasumori.tenant', true) and d.decision_no <= last_no
      and kasumori.decision_records(d.body) && records
    order by d.decision_no
$$;
comment on function kasumori.decisions_naming(uuid[], bigint) is 'Decisions of the tenant in kasumori.tenant up to last_no that name one of the records, and whether they are in force.';

create function kasumori.decided_up_to() returns bigint
language sql stable parallel safe as $$
    select coalesce((select c.decision_no from kasumori.correlated c
                     where c.tenant = current_setting('kasumori.tenant', true)), 0)
$$;
comment on function kasumori.decided_up_to() is 'The last decision that derived values hold; later ones are pending.';

-- ---- effective records ----

create function kasumori.supplements_in_force(of_tenant text, target uuid, at_site text)
returns table (supplement uuid, body kasumori.record)
language sql stable as $$
    select s.record_id, winner.body
    from kasumori.record s
    cross join lateral (
        select c as body, 1 as turn, c.revision, c.record_id
        from kasumori.record c
        where c.tenant = s.tenant and c.target_id = s.record_id and c.kind = 4 and c.site = s.site
          and c.revision >= s.revision and c.replaces in (0, 3)
        union all
        select s, 0, s.revision, s.record_id
        order by turn desc, revision desc, record_id desc
        limit 1) as winner
    where s.tenant = of_tenant and s.target_id = target and s.kind = 3 and s.site = at_site
      and not (winner.body).is_training
      and ((winner.body).kind = 3 or (winner.body).replaces = 3)
$$;
comment on function kasumori.supplements_in_force(text, uuid, text) is 'The effective supplements of an effective record, and the body of each (D1).';

create function kasumori.names_of(of_tenant text, record uuid) returns uuid[]
language sql stable as $$
    with said as (select r.record_id, r.kind from kasumori.record r
                  where r.tenant = of_tenant and r.target_id = record)
    select array[record] || array(select record_id from said)
           || array(select c.record_id from said
                    join kasumori.record c on c.tenant = of_tenant and c.target_id = said.record_id
                    where said.kind = 3)
$$;
comment on function kasumori.names_of(text, uuid) is 'A contact or incident and every supplement and correction by which a decision may name it.';

create view kasumori.record_line with (security_invoker = true) as
select o.tenant, o.record_id, o.effective_id, o.occurrence,
       case when b.kind = 4 then b.replaces else b.kind end as kind,
       o.site, coalesce(nullif(b.concerned_site, ''), o.site) as concerned_site,
       o.start_at, o.end_at, b.appended_at, c.standing, c.judged_by,
       case when c.standing <> 'open' then (
           select d.body ->> 'value'
           from kasumori.decisions_naming(kasumori.names_of(o.tenant, o.record_id),
                                          kasumori.decided_up_to()) d
           where d.kind = 'verdict' and d.in_force
           order by d.decision_no desc limit 1) end as verdict,
       told.categories, told.matters,
       b.outcome, b.talk_us, b.hold_us, b.channel, b.direction, b.recorded_at
from kasumori.occurrence_record o
join kasumori.record b on b.tenant = o.tenant and b.record_id = o.effective_id
join kasumori.occurrence c on c.tenant = o.tenant and c.occurrence = o.occurrence
cross join lateral (
    select array(select category from unnest(coalesce(b.categories, '{}') || s.categories)
                 with ordinality as list (category, place)
                 where category <> '' group by category order by min(place)) as categories,
           array(select matter from unnest(array[b.matter] || s.matters || array(
                     select d.body ->> 'name' from kasumori.decisions_naming(
                         array[o.record_id] || s.names, kasumori.decided_up_to()) d
                     where d.kind = 'matter' and d.in_force)) with ordinality as list (matter, place)
                 where matter <> '' group by matter order by min(place)) as matters
    from (select coalesce(array_agg(x.category) filter (where x.category is not null), '{}') as categories,
                 coalesce(array_agg(x.matter) filter (where x.matter is not null), '{}') as matters,
                 coalesce(array_agg(x.supplement), '{}') as names
          from (select f.supplement, (f.body).matter, category
                from kasumori.supplements_in_force(o.tenant, o.record_id, o.site) f
                left join lateral unnest((f.body).categories) as category on true
                order by f.supplement) as x) as s
) as told;
comment on view kasumori.record_line is 'The effective records (D1) with their supplements folded in and the newest verdict in force, as the board lists them. Under the reader''s own row-level security.';
comment on column kasumori.record_line.tenant is 'The company.';
comment on column kasumori.record_line.record_id is 'The original record.';
comment on column kasumori.record_line.effective_id is 'Whose body counts: itself or the winning correction.';
comment on column kasumori.record_line.occurrence is 'kasumori.occurrence.occurrence.';
comment on column kasumori.record_line.kind is '1 contact, 2 incident, of the effective body.';
comment on column kasumori.record_line.site is 'The reporting site.';
comment on column kasumori.record_line.concerned_site is 'Whose customer it was.';
comment on column kasumori.record_line.start_at is 'Start of the effective body.';
comment on column kasumori.record_line.end_at is 'End of the effective body.';
comment on column kasumori.record_line.appended_at is 'LogAppendTime of the effective body.';
comment on column kasumori.record_line.standing is 'Of its occurrence.';
comment on column kasumori.record_line.judged_by is 'Decision that gave the occurrence its standing.';
comment on column kasumori.record_line.verdict is 'The newest in force that names it, of the decisions that derived values hold.';
comment on column kasumori.record_line.categories is 'Its own and its supplements'', without doubles.';
comment on column kasumori.record_line.matters is 'Its own, its supplements'' and those decided, without doubles.';
comment on column kasumori.record_line.outcome is 'kasumori.v1.Outcome of a contact.';
comment on column kasumori.record_line.talk_us is 'Talk time in microseconds of a contact.';
comment on column kasumori.record_line.hold_us is 'Hold time in microseconds of a contact.';
comment on column kasumori.record_line.channel is 'kasumori.v1.Channel.';
comment on column kasumori.record_line.direction is 'kasumori.v1.Direction.';
comment on column kasumori.record_line.recorded_at is 'When the effective body was written down.';

create function kasumori.line_json(l kasumori.record_line) returns json
language sql stable as $$
    select json_strip_nulls(json_build_object(
        'recordId', l.record_id,
        'kind', case l.kind when 2 then 'incident' else 'contact' end,
        'site', l.site, 'concernedSite', l.concerned_site,
        'channel', kasumori.word_channel(l.channel), 'direction', kasumori.word_direction(l.direction),
        'startAt', kasumori.rfc3339(l.start_at), 'endAt', kasumori.rfc3339(l.end_at),
        'recordedAt', kasumori.rfc3339(l.recorded_at),
        'categories', to_json(l.categories), 'matters', to_json(l.matters),
        'outcome', case when l.kind = 1 then kasumori.word_outcome(l.outcome) end,
        'talkMs', case when l.kind = 1 then l.talk_us / 1000 end,
        'holdMs', case when l.kind = 1 then l.hold_us / 1000 end,
        'occurrence', l.occurrence, 'standing', l.standing, 'verdict', l.verdict))
$$;
comment on function kasumori.line_json(kasumori.record_line) is 'RecordLine of the monitor''s API.';

-- ---- decisions as the board shows them ----

create function kasumori.decision_json(decision_no bigint, kind text, made_at timestamptz, made_by text,
                                       second_by text, reason text, body jsonb, in_force boolean) returns json
language sql stable as $$
    select json_strip_nulls(json_build_object(
        'decisionNo', decision_no, 'kind', kind, 'madeAt', kasumori.rfc3339(made_at), 'madeBy', made_by,
        'secondBy', second_by, 'reason', reason, 'inForce', in_force,
        'pending', decision_no > kasumori.decided_up_to(),
        'value', case kind when 'verdict' then body ->> 'value'
                           when 'pin_shared' then case body ->> 'value' when 'true' then 'yes' else 'no' end
                           when 'matter' then body ->> 'name' when 'ack' then body ->> 'rule'
                           when 'revoke' then body ->> 'no_revoked' end,
        'records', to_json(kasumori.decision_records(body)),
        'elements', body -> 'elements'))
$$;
comment on function kasumori.decision_json(bigint, text, timestamptz, text, text, text, jsonb, boolean) is 'DecisionLine of the monitor''s API.';

-- ---- subjects ----

create function kasumori.tokens_of_subject(of_tenant text, number bigint)
returns table (class bigint, first_at timestamptz, last_at timestamptz, kind smallint, key_id bigint, mac uuid)
language sql stable as $$
    select r.class, r.first_at, r.last_at, t.kind, t.key_id, t.mac
    from kasumori.class_run r
    join kasumori.token_class t on t.tenant = r.tenant and t.class = r.class
    where r.tenant = of_tenant and r.subject = number
$$;
comment on function kasumori.tokens_of_subject(text, bigint) is 'Every token of every node of a subject.';

create function kasumori.subject_name(of_tenant text, number bigint) returns text
language sql stable as $$
    with tokens as materialized (select * from kasumori.tokens_of_subject(of_tenant, number)),
    carried as materialized (
        select o.record_id, s.person, t.class, t.kind, t.key_id, t.mac,
               s.assurance > 1 and (o.channel in (1, 3) or b.direction = 1
                   or (b.direction = 0 and 2 in (b.kind, b.replaces))) as links
        from tokens t
        join kasumori.sighting s on s.tenant = of_tenant and s.mac = t.mac and s.kind = t.kind
             and s.key_id = t.key_id
        join kasumori.record r on r.tenant = of_tenant and r.record_id = s.record_id
        left join kasumori.record u on u.tenant = of_tenant and u.record_id = r.target_id and u.kind = 3
        join kasumori.occurrence_record o on o.tenant = of_tenant
             and o.record_id = coalesce(u.target_id, r.target_id, r.record_id)
             and o.start_at between t.first_at and t.last_at
        join kasumori.record b on b.tenant = of_tenant and b.record_id = o.effective_id
        where s.person >= 0 and s.role = 1),
    seen as (
        select c.record_id, c.person, c.kind, c.key_id, c.mac
        from carried c
        where exists (select from carried l where l.links and l.record_id = c.record_id
                        and l.person = c.person and l.class = c.class)
        union all
        select o.record_id, (d.body ->> 'ordinal')::smallint, t.kind, t.key_id, t.mac
        from tokens t
        join kasumori.decision d on d.tenant = of_tenant and d.kind = 'attach'
             and decode(d.body ->> 'handle', 'hex') = decode(kasumori.mac_text(t.mac), 'hex')
        join kasumori.occurrence_record o on o.tenant = of_tenant
             and o.record_id = any(kasumori.decision_records(d.body))
        where t.kind = 1)
    select concat_ws('.', record_id, person, kasumori.word_kind(kind), key_id, kasumori.mac_text(mac))
    from seen
    order by record_id, person, kind, key_id, mac
    limit 1
$$;
comment on function kasumori.subject_name(text, bigint) is 'The name of a subject (D9) as the monitor writes it: record, ordinal, kind, key id and mac with dots between.';

create function kasumori.finding_json(f kasumori.finding, subject_said text) returns json
language sql stable as $$
    select json_strip_nulls(json_build_object(
        'finding', f.finding, 'rule', f.rule, 'matter', f.matter, 'subject', subject_said,
        'isNotice', f.is_notice, 'firstAt', kasumori.rfc3339(f.first_at), 'lastAt', kasumori.rfc3339(f.last_at),
        'occurrences', f.occurrences, 'policyVersion', f.policy_version,
        'reasons', case f.rule
            when 'confinement' then kasumori.both('長時間拘束: 検知基準の時間以上の拘束',
                'confinement: talk of the policy''s limit or more')
            when 'repetition' then kasumori.both('リピート: ' || n || '件のカスハラ報告、' || d || '日間',
                'repetition: ' || n || ' incidents within ' || d || ' days')
            when 'repeat_matter' then kasumori.both(
                'リピート(同一用件の繰り返し): 最終回答の後に' || n || '件、' || d || '日間',
                'the same matter: ' || n || ' times after the final answer, within ' || d || ' days')
            when 'cross_site' then kasumori.both('複数拠点: ' || n || '件のカスハラ報告が2拠点以上で、' || d || '日間',
                'cross_site: ' || n || ' incidents at two sites or more, within ' || d || ' days')
            else kasumori.both('言動の悪化: ' || n || '件で重さが上がった、' || d || '日間',
                'escalation: severity rises over ' || n || ' incidents, within ' || d || ' days') end))
    from (select cardinality(f.occurrences) as n,
                 ceil(extract(epoch from f.last_at - f.first_at) / 86400)::integer + (f.last_at = f.first_at)::integer as d) as x
$$;
comment on function kasumori.finding_json(kasumori.finding, text) is 'Finding of the monitor''s API.';

-- ---- agents ----

create function kasumori.agents_json(of_tenant text, silent_after interval)
returns table (agent text, site text, state text, gaps bigint, last_record_at timestamptz, told json)
language sql stable as $$
    select x.agent, x.site, x.state, x.gaps, x.last_record_at, json_strip_nulls(json_build_object(
               'agent', x.agent, 'site', x.site, 'state', x.state,
               'lastSeenAt', kasumori.rfc3339(x.received_at), 'version', x.version,
               'waiting', coalesce(greatest(x.sequence_last - x.sequence_delivered, 0), 0),
               'oldestWaitingAt', kasumori.rfc3339(x.oldest_undelivered_at), 'gaps', x.gaps,
               'clockSuspect', coalesce(x.clock_state = 3, false),
               'plannedOffUntil', case when x.planned_off_until > now() then kasumori.rfc3339(x.planned_off_until) end))
    from (
        select a.agent, a.site, h.received_at, h.version, h.sequence_last, h.sequence_delivered,
               h.oldest_undelivered_at, h.clock_state, h.planned_off_until,
               case when h.agent is null then 'never_seen'
                    when h.received_at < now() - silent_after and h.planned_off_until > now() then 'planned_off'
                    when h.received_at < now() - silent_after then 'silent'
                    when h.is_refusing then 'refusing' else 'ok' end as state,
               (select max(q.updated_at) from kasumori.agent_seq q
                where q.tenant = a.tenant and q.agent = a.agent) as last_record_at,
               coalesce((select sum(upper(q.received) - 1 - (
                             select sum(upper(r) - lower(r)) from unnest(q.received) r))
                         from kasumori.agent_seq q
                         where q.tenant = a.tenant and q.agent = a.agent and q.received <> '{}'
                           and q.updated_at < now() - interval '1 minute'), 0)::bigint as gaps
        from kasumori.agent a
        left join kasumori.agent_health h on h.tenant = a.tenant and h.agent = a.agent
        where a.tenant = of_tenant and now() >= a.valid_from and now() < a.valid_to) as x
$$;
comment on function kasumori.agents_json(text, interval) is 'AgentHealth of the monitor''s API for the agents valid now; sequences count as missing when nothing has come for a minute.';

create function kasumori.csv_cell(cell text) returns text
language sql immutable parallel safe as $$
    select '"' || case when cell ~ '^[=+@\t\r-]' then '''' else '' end || replace(cell, '"', '""') || '"'
$$;
comment on function kasumori.csv_cell(text) is 'One cell of RFC 4180 in quotes; what a spreadsheet would take for a formula begins with an apostrophe.';

-- ---- free text ----

create function kasumori.read_words(records uuid[], reader text, reader_role text, why text, case_id uuid)
returns table (record_id uuid, place text, text text, masked integer, said_at timestamptz)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
    if coalesce(why, '') = '' or coalesce(reader, '') = ''
       or reader_role not in ('supervisor', 'headquarters', 'privacy') then
        raise exception 'free text is read by a named person of a role that may, for a purpose';
    end if;
    insert into kasumori.audit (tenant, actor, role, action, purpose, object)
    values (current_setting('kasumori.tenant', true), reader, reader_role, 'view.words', why,
            'record ' || case_id);
    return query
        select t.record_id, t.place, t.text, t.masked, t.said_at
        from kasumori.record_text t
        where t.tenant = current_setting('kasumori.tenant', true) and t.record_id = any(records)
          and t.text is not null
        order by t.record_id, t.place;
end
$$;
comment on function kasumori.read_words(uuid[], text, text, text, uuid) is 'Free text of records of the tenant in kasumori.tenant, and the audit row of this look in the same transaction: the only way to it for the monitor.';

grant execute on function
    kasumori.rfc3339(timestamptz), kasumori.from_us(bigint), kasumori.to_us(timestamptz),
    kasumori.word_channel(integer), kasumori.word_direction(integer), kasumori.word_outcome(integer),
    kasumori.word_kind(integer), kasumori.word_assurance(integer), kasumori.word_role(integer),
    kasumori.both(text, text), kasumori.mac_text(uuid), kasumori.decision_records(jsonb),
    kasumori.is_in_force(bigint, bigint), kasumori.decisions_naming(uuid[], bigint),
    kasumori.decided_up_to(), kasumori.supplements_in_force(text, uuid, text),
    kasumori.names_of(text, uuid), kasumori.line_json(kasumori.record_line),
    kasumori.decision_json(bigint, text, timestamptz, text, text, text, jsonb, boolean),
    kasumori.tokens_of_subject(text, bigint), kasumori.subject_name(text, bigint),
    kasumori.csv_cell(text), kasumori.finding_json(kasumori.finding, text), kasumori.agents_json(text, interval),
    kasumori.read_words(uuid[], text, text, text, uuid)
    to kasumori_monitor;
grant execute on function kasumori.decision_records(jsonb) to kasumori_aggregator;
grant select on kasumori.record_line to kasumori_monitor;
