-- part scope
-- part sited
), whole as (
    select sum(contacts)::bigint as contacts, sum(incidents)::bigint as incidents, null::bigint as value from sited
), cell as (
    select 0 as place, coalesce(s.site, r.site) as key, coalesce(s.name, r.site) as ja, coalesce(s.name, r.site) as en,
           coalesce(r.contacts, 0)::bigint as contacts, coalesce(r.incidents, 0)::bigint as incidents,
           null::bigint as value
    from scope s
    full join (select site, sum(contacts) as contacts, sum(incidents) as incidents from sited group by 1) r
         on r.site = s.site
-- part answer
