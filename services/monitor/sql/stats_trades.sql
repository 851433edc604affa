-- part scope
-- part rolled
), cell as (
    select 0 as place, coalesce(s.trade, '') as key, coalesce(nullif(s.trade, ''), 'その他') as ja,
           coalesce(nullif(s.trade, ''), 'other') as en, sum(r.contacts)::bigint as contacts,
           sum(r.incidents)::bigint as incidents, null::bigint as value
    from rolled r left join scope s on s.site = r.site group by s.trade
-- part answer
