-- Who may use the monitor: accounts of persons with their sessions, keys of machines. The monitor's
-- login sees none of these tables whole: it enters a tenant by a function that takes what only the
-- caller can have (the hash of a session's token, of a machine's key), so that a hole in its queries
-- cannot list hashes or mint a session. Passwords and tokens are never stored, only hashes of them.

create table kasumori.account (
    tenant text not null,
    account text not null,
    name text not null,
    role text not null,
    sites text[] not null default '{}',
    workers uuid[] not null default '{}',
    password_hash text,
    created_at timestamptz not null default now(),
    password_at timestamptz,
    disabled_at timestamptz,
    failed_count integer not null default 0,
    failed_at timestamptz,
    constraint account_key primary key (tenant, account),
    constraint account_role_is_known check (role in ('site', 'supervisor', 'headquarters', 'privacy', 'admin')),
    constraint account_sites_are_given check ((role in ('site', 'supervisor')) = (sites <> '{}')),
    constraint account_password_is_a_hash check (password_hash like '$argon2id$%')
);
comment on table kasumori.account is 'State: persons who may use the monitor.';
comment on column kasumori.account.tenant is 'The company.';
comment on column kasumori.account.account is 'The name typed to sign in; stands in decisions and audit rows.';
comment on column kasumori.account.name is 'Shown to its owner.';
comment on column kasumori.account.role is 'site, supervisor, headquarters, privacy or admin.';
comment on column kasumori.account.sites is 'Sites of a site or supervisor account; empty for the other roles, which see all.';
comment on column kasumori.account.workers is 'Tokens (16 bytes each) of its owner''s worker code, one for each token key: who reported or was harmed does not judge. Empty: never a party.';
comment on column kasumori.account.password_hash is 'Argon2id; null: enters by a trusted proxy only.';
comment on column kasumori.account.created_at is 'When it was made.';
comment on column kasumori.account.password_at is 'When the password was set.';
comment on column kasumori.account.disabled_at is 'When it was shut; null: open.';
comment on column kasumori.account.failed_count is 'Wrong passwords since the last right one.';
comment on column kasumori.account.failed_at is 'When the last of them came.';

create table kasumori.session (
    tenant text not null,
    token_hash bytea not null,
    account text not null,
    created_at timestamptz not null default now(),
    seen_at timestamptz not null default now(),
    expires_at timestamptz not null,
    constraint session_key primary key (tenant, token_hash),
    constraint session_token_is_single unique (token_hash),
    constraint session_hash_size check (octet_length(token_hash) = 32)
);
create index session_by_account on kasumori.session (tenant, account);
comment on table kasumori.session is 'State: who is signed in.';
comment on column kasumori.session.tenant is 'The company.';
comment on column kasumori.session.token_hash is 'SHA-256 of the token in the cookie.';
comment on column kasumori.session.account is 'kasumori.account.account.';
comment on column kasumori.session.created_at is 'When it began.';
comment on column kasumori.session.seen_at is 'When it was last used, to the minute.';
comment on column kasumori.session.expires_at is 'When it ends however much it is used.';

create table kasumori.machine_key (
    tenant text not null,
    name text not null,
    key_hash bytea not null,
    scope text[] not null,
    site text,
    created_at timestamptz not null default now(),
    created_by text not null,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    constraint machine_key_key primary key (tenant, name),
    constraint machine_key_is_single unique (key_hash),
    constraint machine_key_hash_size check (octet_length(key_hash) = 32),
    constraint machine_key_scope_is_known check (scope <> '{}' and scope <@ array['lookup', 'export', 'read'])
);
comment on table kasumori.machine_key is 'State: keys by which programs use the monitor.';
comment on column kasumori.machine_key.tenant is 'The company.';
comment on column kasumori.machine_key.name is 'Stands in audit rows.';
comment on column kasumori.machine_key.key_hash is 'SHA-256 of the key, which is random and long, so that no slow hash is needed.';
comment on column kasumori.machine_key.scope is 'What it opens: lookup, export, read.';
comment on column kasumori.machine_key.site is 'The one site it may see; null: all.';
comment on column kasumori.machine_key.created_at is 'When it was made.';
comment on column kasumori.machine_key.created_by is 'By whom.';
comment on column kasumori.machine_key.expires_at is 'When it ends.';
comment on column kasumori.machine_key.revoked_at is 'When it was taken back; null: in force.';

create table kasumori.idempotency (
    tenant text not null,
    account text not null,
    key text not null,
    request_hash bytea not null,
    status smallint not null,
    answer bytea not null,
    made_at timestamptz not null default now(),
    constraint idempotency_key primary key (tenant, account, key),
    constraint idempotency_hash_size check (octet_length(request_hash) = 32)
);
create index idempotency_by_time on kasumori.idempotency (made_at);
comment on table kasumori.idempotency is 'State: what was answered to a request that may come twice; kept 24 hours.';
comment on column kasumori.idempotency.tenant is 'The company.';
comment on column kasumori.idempotency.account is 'Who asked.';
comment on column kasumori.idempotency.key is 'Idempotency-Key as given.';
comment on column kasumori.idempotency.request_hash is 'SHA-256 of method, path and body.';
comment on column kasumori.idempotency.status is 'Of the answer.';
comment on column kasumori.idempotency.answer is 'Its body.';
comment on column kasumori.idempotency.made_at is 'When.';

select kasumori.protect_tenant('kasumori.account');
select kasumori.protect_tenant('kasumori.session');
select kasumori.protect_tenant('kasumori.machine_key');
select kasumori.protect_tenant('kasumori.idempotency');
grant select (tenant, account, name, role, sites, created_at, password_at, disabled_at)
    on kasumori.account to kasumori_monitor;
grant select, insert, delete on kasumori.idempotency to kasumori_monitor;

-- Signing in. The hash leaves the database for the slow comparison only, one account at a time.
create function kasumori.find_account(in_tenant text, in_account text)
returns table (password_hash text, role text)
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select a.password_hash, a.role from kasumori.account a
     where a.tenant = in_tenant and a.account = in_account and a.disabled_at is null
       and a.password_hash is not null
$$;
comment on function kasumori.find_account(text, text) is 'What a sign-in compares with: nothing for an account that is unknown, shut, or without a password.';

create function kasumori.sign_in_failed(in_tenant text, in_account text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    update kasumori.account set failed_count = failed_count + 1, failed_at = now()
     where tenant = in_tenant and account = in_account;
    if found then
        insert into kasumori.audit (tenant, actor, role, action, object)
        select tenant, account, role, 'sign_in.failed', 'account ' || account
          from kasumori.account where tenant = in_tenant and account = in_account;
    end if;
end
$$;
comment on function kasumori.sign_in_failed(text, text) is 'Counts and audits a wrong password; nothing for an unknown account.';

create function kasumori.open_session(in_tenant text, in_account text, in_token_hash bytea, in_life interval)
returns timestamptz
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    ends timestamptz := now() + in_life;
begin
    update kasumori.account set failed_count = 0, failed_at = null
     where tenant = in_tenant and account = in_account and disabled_at is null;
    if not found then
        raise exception 'cannot open a session: there is no such account';
    end if;
    delete from kasumori.session where tenant = in_tenant and account = in_account and expires_at < now();
    insert into kasumori.session (tenant, token_hash, account, expires_at)
    values (in_tenant, in_token_hash, in_account, ends);
    insert into kasumori.audit (tenant, actor, role, action, object)
    select tenant, account, role, 'sign_in', 'account ' || account
      from kasumori.account where tenant = in_tenant and account = in_account;
    perform set_config('kasumori.tenant', in_tenant, true);
    return ends;
end
$$;
comment on function kasumori.open_session(text, text, bytea, interval) is 'Begins a session after a right password, audits it, and enters the tenant for the rest of the transaction.';

create function kasumori.enter_session(in_token_hash bytea, in_idle interval)
returns table (tenant text, account text, name text, role text, sites text[], expires_at timestamptz)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    found_session kasumori.session;
begin
    select * into found_session from kasumori.session s
     where s.token_hash = in_token_hash and s.expires_at > now() and s.seen_at > now() - in_idle;
    if not found then
        return;
    end if;
    return query
        select a.tenant, a.account, a.name, a.role, a.sites, found_session.expires_at
          from kasumori.account a
         where a.tenant = found_session.tenant and a.account = found_session.account
           and a.disabled_at is null;
    if not found then
        return;
    end if;
    if found_session.seen_at < now() - interval '1 minute' then
        update kasumori.session s set seen_at = now() where s.token_hash = in_token_hash;
    end if;
    perform set_config('kasumori.tenant', found_session.tenant, true);
end
$$;
comment on function kasumori.enter_session(bytea, interval) is 'Whose session a token is, entering the tenant for the rest of the transaction; nothing when it is unknown, over, idle too long, or its account shut.';

create function kasumori.enter_account(in_tenant text, in_account text)
returns table (tenant text, account text, name text, role text, sites text[], expires_at timestamptz)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query
        select a.tenant, a.account, a.name, a.role, a.sites, 'infinity'::timestamptz
          from kasumori.account a
         where a.tenant = in_tenant and a.account = in_account and a.disabled_at is null;
    if found then
        perform set_config('kasumori.tenant', in_tenant, true);
    end if;
end
$$;
comment on function kasumori.enter_account(text, text) is 'As enter_session, for whom a trusted proxy has signed in.';

create function kasumori.enter_machine(in_key_hash bytea)
returns table (tenant text, name text, scope text[], site text)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    found_key kasumori.machine_key;
begin
    select * into found_key from kasumori.machine_key k
     where k.key_hash = in_key_hash and k.expires_at > now() and k.revoked_at is null;
    if not found then
        return;
    end if;
    perform set_config('kasumori.tenant', found_key.tenant, true);
    return query select found_key.tenant, found_key.name, found_key.scope, found_key.site;
end
$$;
comment on function kasumori.enter_machine(bytea) is 'As enter_session, for a machine''s key.';

create function kasumori.end_session(in_token_hash bytea) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    with gone as (delete from kasumori.session s where s.token_hash = in_token_hash returning s.tenant, s.account)
    insert into kasumori.audit (tenant, actor, role, action, object)
    select a.tenant, a.account, a.role, 'sign_out', 'account ' || a.account
      from gone join kasumori.account a using (tenant, account);
end
$$;
comment on function kasumori.end_session(bytea) is 'Ends a session and audits it; nothing when there is none.';

revoke all on function kasumori.find_account(text, text), kasumori.sign_in_failed(text, text),
    kasumori.open_session(text, text, bytea, interval), kasumori.enter_session(bytea, interval),
    kasumori.enter_account(text, text), kasumori.enter_machine(bytea), kasumori.end_session(bytea)
    from public;
grant execute on function kasumori.find_account(text, text), kasumori.sign_in_failed(text, text),
    kasumori.open_session(text, text, bytea, interval), kasumori.enter_session(bytea, interval),
    kasumori.enter_account(text, text), kasumori.enter_machine(bytea), kasumori.end_session(bytea)
    to kasumori_monitor;
