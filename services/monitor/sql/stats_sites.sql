-- part scope
-- part rolled
), cell as (
    select 0 as place, s.site as key, s.name as ja, s.name as en, coalesce(sum(r.contacts), 0)::bigint as contacts,
           coalesce(sum(r.incidents), 0)::bigint as incidents, null::bigint as value
    from scope s left join rolled r on r.site = s.site group by s.site, s.name
    union all
    select 0, r.site, r.site, r.site, sum(r.contacts)::bigint, sum(r.incidents)::bigint, null
    from rolled r where r.site not in (select site from scope) group by r.site
-- part answer
