-- part scope
-- part sited
), whole as (
    select sum(contacts)::bigint as contacts, sum(incidents)::bigint as incidents, null::bigint as value from sited
), cell as (
    select 0 as place, coalesce(s.trade, '') as key, coalesce(nullif(coalesce(s.trade, ''), ''), 'その他') as ja,
           coalesce(nullif(coalesce(s.trade, ''), ''), 'other') as en, sum(r.contacts)::bigint as contacts,
           sum(r.incidents)::bigint as incidents, null::bigint as value
    from (select site, sum(contacts) as contacts, sum(incidents) as incidents from sited group by 1) r
    left join scope s on s.site = r.site group by coalesce(s.trade, '')
-- part answer
