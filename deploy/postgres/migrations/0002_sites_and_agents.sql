-- The registry: which sites there are, and which agent may speak for which site, and when.
create table kasumori.site (
    tenant text not null,
    site text not null,
    valid_from timestamptz not null,
    valid_to timestamptz not null default 'infinity',
    name text not null,
    kind text not null,
    trade text not null default '',
    region text not null default '',
    address text not null default '',
    landmark text not null default '',
    merged_into text,
    constraint site_key primary key (tenant, site, valid_from),
    constraint site_name_is_short check (octet_length(tenant) between 1 and 64 and octet_length(site) between 1 and 64),
    constraint site_kind_is_known check (kind in ('store', 'call_center', 'headquarters')),
    constraint site_validity_is_ordered check (valid_from < valid_to),
    constraint site_merges_elsewhere check (merged_into <> site),
    constraint site_validity_is_single exclude using gist (tenant with =, site with =, tstzrange(valid_from, valid_to) with &&)
);
comment on table kasumori.site is 'State: a store, branch, call center or headquarters of a tenant, one row for each period in which nothing about it changed.';
comment on column kasumori.site.tenant is 'The company; tokens never cross it.';
comment on column kasumori.site.site is 'Code of the site, unique within the tenant for ever.';
comment on column kasumori.site.valid_from is 'Start of the period, inclusive.';
comment on column kasumori.site.valid_to is 'End of the period, exclusive.';
comment on column kasumori.site.name is 'Display name in this period.';
comment on column kasumori.site.kind is 'store, call_center or headquarters.';
comment on column kasumori.site.trade is 'Line of business; some trades may not refuse a customer by law.';
comment on column kasumori.site.region is 'For grouping on the board.';
comment on column kasumori.site.address is 'What 110 asks first.';
comment on column kasumori.site.landmark is 'What 110 asks next.';
comment on column kasumori.site.merged_into is 'Site that continues this one after valid_to.';

create table kasumori.agent (
    tenant text not null,
    agent text not null,
    site text not null,
    mac_key_id bigint not null,
    valid_from timestamptz not null,
    valid_to timestamptz not null default 'infinity',
    note text not null default '',
    constraint agent_key primary key (tenant, agent),
    constraint agent_is_global unique (agent),
    constraint agent_name_is_short check (octet_length(agent) between 1 and 64),
    constraint agent_mac_key_id_is_unsigned check (mac_key_id between 0 and 4294967295),
    constraint agent_validity_is_ordered check (valid_from <= valid_to)
);
comment on table kasumori.agent is 'State: the registry that binds an agent to its site. Its MAC key is derived from the master key file, never stored.';
comment on column kasumori.agent.tenant is 'The company.';
comment on column kasumori.agent.agent is 'Name of the edge process, unique across tenants because messages are authenticated before they are decoded.';
comment on column kasumori.agent.site is 'The only site it may report for.';
comment on column kasumori.agent.mac_key_id is 'Which derived key its messages carry; 0..2^32-1.';
comment on column kasumori.agent.valid_from is 'Messages appended to the log before are forged.';
comment on column kasumori.agent.valid_to is 'Messages appended to the log from here on are forged; set by revocation.';
comment on column kasumori.agent.note is 'Free remark of the operator, never about a customer.';

create table kasumori.registry_version (
    only_row boolean not null default true,
    version bigint not null,
    constraint registry_version_key primary key (only_row),
    constraint registry_version_is_single check (only_row)
);
comment on table kasumori.registry_version is 'State: one counter that grows with every change of kasumori.agent, so that a lane knows in one row whether its copy is current.';
comment on column kasumori.registry_version.only_row is 'Always true.';
comment on column kasumori.registry_version.version is 'Number of changes so far.';
insert into kasumori.registry_version (version) values (0);

create function kasumori.registry_changed() returns trigger language plpgsql as $$
begin
    update kasumori.registry_version set version = version + 1;
    return null;
end
$$;
comment on function kasumori.registry_changed() is 'Keeps kasumori.registry_version.';
create trigger agent_changed after insert or update or delete or truncate on kasumori.agent
    for each statement execute function kasumori.registry_changed();
