-- Which linking policy derived rows are built with: an operator adopts one, loading it is not enough.
create table kasumori.linking_adopted (
    tenant text not null,
    adoption_no bigint not null,
    version bigint not null,
    adopted_at timestamptz not null default now(),
    adopted_by text not null,
    constraint linking_adopted_key primary key (tenant, adoption_no),
    constraint linking_adopted_number check (adoption_no > 0)
);
comment on table kasumori.linking_adopted is 'Fact: a linking policy made to hold for all times, in place of the one before. The last one holds; without any the built-in one does.';
comment on column kasumori.linking_adopted.tenant is 'The company.';
comment on column kasumori.linking_adopted.adoption_no is 'Counts per tenant from 1.';
comment on column kasumori.linking_adopted.version is 'kasumori.policy_version.version of a linking policy; 0: the built-in one.';
comment on column kasumori.linking_adopted.adopted_at is 'When.';
comment on column kasumori.linking_adopted.adopted_by is 'Account that adopted it.';

-- What holds stays: the newest one did.
insert into kasumori.linking_adopted (tenant, adoption_no, version, adopted_at, adopted_by)
select distinct on (tenant) tenant, 1, version, loaded_at, loaded_by
  from kasumori.policy_version where is_linking order by tenant, version desc;

alter table kasumori.correlated add linking_version bigint not null default 0;
comment on column kasumori.correlated.linking_version is 'Linking policy that the rows are built with; 0: the built-in one. Another one adopted recomputes.';
update kasumori.correlated as c set linking_version = a.version
  from kasumori.linking_adopted as a where a.tenant = c.tenant;

select kasumori.protect_tenant('kasumori.linking_adopted');
grant select on kasumori.linking_adopted to kasumori_aggregator, kasumori_monitor;
