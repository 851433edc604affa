-- Decisions that need two persons wait here for the second; and who may not judge because the matter is
-- their own.
create table kasumori.proposed_decision (
    tenant text not null,
    proposal uuid not null default gen_random_uuid(),
    kind text not null,
    reason text not null,
    request jsonb not null,
    body jsonb not null,
    made_by text not null,
    made_at timestamptz not null default now(),
    expires_at timestamptz not null default now() + interval '14 days',
    state text not null default 'open',
    closed_at timestamptz,
    closed_by text,
    close_reason text,
    decision_no bigint,
    constraint proposed_decision_key primary key (tenant, proposal),
    constraint proposed_decision_kind_is_known check (kind in ('restrict', 'confirm_person')),
    constraint proposed_decision_state_is_known check (state in ('open', 'approved', 'withdrawn')),
    constraint proposed_decision_is_closed_as_a_whole check ((state = 'open') = (closed_at is null) and (state = 'open') = (closed_by is null)),
    constraint proposed_decision_has_two_persons check (state <> 'approved' or closed_by <> made_by),
    constraint proposed_decision_is_decided check ((state = 'approved') = (decision_no is not null))
);
create index proposed_decision_by_time on kasumori.proposed_decision (tenant, made_at, proposal);
comment on table kasumori.proposed_decision is 'State: refusals and listings that one person proposed and another has to agree to.';
comment on column kasumori.proposed_decision.tenant is 'The company.';
comment on column kasumori.proposed_decision.proposal is 'Its id.';
comment on column kasumori.proposed_decision.kind is 'restrict or confirm_person.';
comment on column kasumori.proposed_decision.reason is 'Why, as the first person gave it; never an identifier.';
comment on column kasumori.proposed_decision.request is 'The request as it came.';
comment on column kasumori.proposed_decision.body is 'kasumori.decision.body as it would be.';
comment on column kasumori.proposed_decision.made_by is 'The first person''s account.';
comment on column kasumori.proposed_decision.made_at is 'When.';
comment on column kasumori.proposed_decision.expires_at is 'When it lapses, still open.';
comment on column kasumori.proposed_decision.state is 'open, approved or withdrawn; one open past expires_at has expired.';
comment on column kasumori.proposed_decision.closed_at is 'When it was approved or withdrawn.';
comment on column kasumori.proposed_decision.closed_by is 'By whom.';
comment on column kasumori.proposed_decision.close_reason is 'Why.';
comment on column kasumori.proposed_decision.decision_no is 'The decision it became.';
select kasumori.protect_tenant('kasumori.proposed_decision');
grant select on kasumori.proposed_decision to kasumori_monitor;
grant insert (tenant, kind, reason, request, body, made_by) on kasumori.proposed_decision to kasumori_monitor;
grant update (state, closed_at, closed_by, close_reason, decision_no) on kasumori.proposed_decision
    to kasumori_monitor;

create function kasumori.is_party(in_account text, in_records uuid[]) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from kasumori.account a
        join kasumori.sighting s on s.tenant = a.tenant and s.mac = any (a.workers)
        where a.tenant = current_setting('kasumori.tenant', true) and a.account = in_account
          and s.record_id = any (in_records))
$$;
comment on function kasumori.is_party(text, uuid[]) is 'Whether the account''s owner wrote one of the records or is a person in it, of the tenant in kasumori.tenant.';
revoke all on function kasumori.is_party(text, uuid[]) from public;
grant execute on function kasumori.is_party(text, uuid[]) to kasumori_monitor;
