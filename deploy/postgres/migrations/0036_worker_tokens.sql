-- Who judges is no party: an account knows its owner's worker codes as tokens, one for each live token
-- key, each at the site where the code is theirs (another site may give the same code to somebody
-- else). The operator's command makes them from the code, which is stored nowhere.

create table kasumori.account_worker (
    tenant text not null,
    account text not null,
    worker_no integer not null,
    site text not null,
    key_id bigint not null,
    mac uuid not null,
    bound_at timestamptz not null default now(),
    constraint account_worker_key primary key (tenant, account, worker_no, key_id),
    constraint account_worker_is_bound_once unique (tenant, account, site, key_id, mac),
    constraint account_worker_has_an_account foreign key (tenant, account)
        references kasumori.account (tenant, account),
    constraint account_worker_no_is_positive check (worker_no > 0)
);
comment on table kasumori.account_worker is 'State: worker codes of who uses the monitor, as tokens: who reported or was harmed does not judge.';
comment on column kasumori.account_worker.tenant is 'The company.';
comment on column kasumori.account_worker.account is 'kasumori.account.account.';
comment on column kasumori.account_worker.worker_no is 'Which of the account''s codes, from 1.';
comment on column kasumori.account_worker.site is 'Where the code is its owner''s; empty: everywhere.';
comment on column kasumori.account_worker.key_id is 'Token key.';
comment on column kasumori.account_worker.mac is 'The code''s token under it.';
comment on column kasumori.account_worker.bound_at is 'When.';
select kasumori.protect_tenant('kasumori.account_worker');

alter table kasumori.account add column has_no_worker boolean not null default false;
comment on column kasumori.account.has_no_worker is 'An operator said that its owner has no worker code at any site.';
comment on column kasumori.account.workers is 'Tokens of its owner''s worker codes at every site, given as such; kasumori.account_worker has those made from codes.';

create or replace function kasumori.is_party(in_account text, in_records uuid[]) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from kasumori.account a
        join kasumori.sighting s on s.tenant = a.tenant and s.mac = any (a.workers)
        where a.tenant = current_setting('kasumori.tenant', true) and a.account = in_account
          and s.record_id = any (in_records))
    or exists (
        select from kasumori.account_worker w
        join kasumori.sighting s on s.tenant = w.tenant and s.kind = 9 and s.key_id = w.key_id
             and s.mac = w.mac and w.site in ('', s.site)
        where w.tenant = current_setting('kasumori.tenant', true) and w.account = in_account
          and s.record_id = any (in_records))
$$;
