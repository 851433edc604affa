-- The chain's state across tenants, in numbers, for a reader that may see only one tenant at a time.
create function kasumori.chain_state(silent_after interval)
returns table (sites bigint, agents bigint, agents_silent bigint, agents_refusing bigint,
               sequence_gaps bigint, bad_open bigint)
language sql stable security definer set search_path = pg_catalog
as $$
    select (select count(*) from kasumori.site where now() >= valid_from and now() < valid_to),
           count(*),
           count(*) filter (where h.received_at is null
               or (h.received_at < now() - silent_after
                   and coalesce(h.planned_off_until, '-infinity') < now())),
           count(*) filter (where h.is_refusing),
           (select count(*) from kasumori.agent_seq
             where received <> '{}' and received <> int8multirange(int8range(1, upper(received)))),
           (select count(*) from kasumori.bad_record where state = 'open')
      from kasumori.agent a left join kasumori.agent_health h using (tenant, agent)
     where now() >= a.valid_from and now() < a.valid_to
$$;
comment on function kasumori.chain_state(interval) is
    'Counts only, no names: sites open, agents valid, of these silent and refusing, epochs with a hole in their sequences, bad records nobody cured.';
revoke all on function kasumori.chain_state(interval) from public;
grant execute on function kasumori.chain_state(interval) to kasumori_aggregator, kasumori_monitor;
