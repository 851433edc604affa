-- What speaks of a record, found in one place (kasumori.record_told) and not by a probe of each month:
-- lists ask for every judged record. What is found there is still looked up in kasumori.record, by its id:
-- a month that was detached takes its records out of both answers. "offset 0" keeps each look-up one by
-- id, in one month: the target is compared outside it, or the planner takes the months' indexes of targets.

create or replace function kasumori.supplements_in_force(of_tenant text, target uuid, at_site text)
returns table (supplement uuid, body kasumori.record)
language sql stable as $$
    select t.record_id, winner.body
    from kasumori.record_told t
    cross join lateral (
        select r as body from kasumori.record r
        where r.tenant = of_tenant and r.record_id = t.record_id
          and r.kind = 3 and r.site = at_site
        offset 0) as s
    cross join lateral (
        select c.body, 1 as turn, (c.body).revision, (c.body).record_id
        from kasumori.record_told n
        cross join lateral (
            select r as body from kasumori.record r
            where r.tenant = of_tenant and r.record_id = n.record_id
              and r.kind = 4 and r.site = at_site
              and r.revision >= (s.body).revision and r.replaces in (0, 3)
            offset 0) as c
        where n.tenant = of_tenant and n.about = t.record_id and (c.body).target_id = t.record_id
        union all
        select s.body, 0, (s.body).revision, t.record_id
        order by turn desc, revision desc, record_id desc
        limit 1) as winner
    where t.tenant = of_tenant and t.about = target and (s.body).target_id = target
      and not (winner.body).is_training
      and ((winner.body).kind = 3 or (winner.body).replaces = 3)
$$;

create or replace function kasumori.names_of(of_tenant text, record uuid) returns uuid[]
language sql stable as $$
    with said as materialized (
        select r.record_id, r.kind
        from kasumori.record_told t
        cross join lateral (
            select b.record_id, b.kind, b.target_id from kasumori.record b
            where b.tenant = of_tenant and b.record_id = t.record_id
            offset 0) as r
        where t.tenant = of_tenant and t.about = record and r.target_id = record)
    select array[record] || array(select record_id from said)
           || array(select r.record_id
                    from said
                    cross join lateral (
                        select n.record_id from kasumori.record_told n
                        where n.tenant = of_tenant and n.about = said.record_id
                        offset 0) as t
                    cross join lateral (
                        select b.record_id, b.target_id from kasumori.record b
                        where b.tenant = of_tenant and b.record_id = t.record_id
                        offset 0) as r
                    where said.kind = 3 and r.target_id = said.record_id)
$$;
