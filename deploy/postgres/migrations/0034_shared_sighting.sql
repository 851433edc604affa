-- What the correlator looks up of a shared node instead of all its records.
create table kasumori.shared_sighting (
    tenant text not null,
    class bigint not null,
    start_at timestamptz not null,
    record_id uuid not null,
    end_at timestamptz not null,
    site text not null,
    happening_ref text,
    is_anchor boolean not null,
    constraint shared_sighting_key primary key (tenant, class, start_at, record_id)
);
create index shared_sighting_by_site on kasumori.shared_sighting (tenant, class, site, start_at, record_id);
comment on table kasumori.shared_sighting is 'Derived: the linking sightings (D3) of shared nodes (D5), by time.';
comment on column kasumori.shared_sighting.tenant is 'The company.';
comment on column kasumori.shared_sighting.class is 'kasumori.token_class.class.';
comment on column kasumori.shared_sighting.start_at is 'Start of the effective body.';
comment on column kasumori.shared_sighting.record_id is 'The original record, under its own id.';
comment on column kasumori.shared_sighting.end_at is 'End of the effective body.';
comment on column kasumori.shared_sighting.site is 'The reporting site.';
comment on column kasumori.shared_sighting.happening_ref is 'Of the effective body.';
comment on column kasumori.shared_sighting.is_anchor is 'A connected contact.';
select kasumori.protect_tenant('kasumori.shared_sighting');
grant select, insert, update, delete on kasumori.shared_sighting to kasumori_aggregator;

alter table kasumori.class_run add is_switchboard boolean not null default false;
comment on column kasumori.class_run.is_switchboard is 'Different calls overlapped at one site often enough (D5), whatever decided that it is shared.';
