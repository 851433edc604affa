with latest as (
    select a.*, c.at, c.change, c.reason, c.records, c.alert as id
    from kasumori.alert_change c
    join kasumori.alert a on a.tenant = $1 and a.alert = c.alert and a.change_no = c.change_no
    where c.tenant = $1
      and (not $2 ? 'alert' or c.alert = ($2 ->> 'alert')::uuid)
      and c.at <= coalesce(kasumori.from_us(($2 ->> 'after_at')::bigint), 'infinity')
      and ($2 ->> 'after_at' is null or c.at < kasumori.from_us(($2 ->> 'after_at')::bigint)
           or c.alert < ($2 ->> 'after_id')::uuid)
      and (not $2 ? 'notice' or a.is_notice = ($2 ->> 'notice')::boolean)
      and (not $2 ? 'state' or a.state = $2 ->> 'state')
      and (not $2 ? 'rule' or a.rule = $2 ->> 'rule')
      and (not $2 ? 'acknowledged' or ($2 ->> 'acknowledged' = 'yes') = exists (
            select from kasumori.decisions_naming(c.records, kasumori.decided_up_to()) d
            where d.kind = 'ack' and d.in_force and d.body ->> 'rule' = a.rule
              and c.records <@ kasumori.decision_records(d.body)))
      and (($2 -> 'sites' = '[]' and not $2 ? 'site') or exists (
            select from unnest(c.records) r
            join kasumori.occurrence_record m on m.tenant = $1 and m.record_id = r
            join kasumori.record b on b.tenant = $1 and b.record_id = m.effective_id
            where ($2 -> 'sites' = '[]' or $2 -> 'sites' ? m.site or $2 -> 'sites' ? b.concerned_site)
              and (not $2 ? 'site' or $2 ->> 'site' in (m.site, b.concerned_site))))
    order by c.at desc, c.alert desc
    limit ($2 ->> 'limit')::integer + 1
), page as (
    select * from latest order by at desc, id desc limit ($2 ->> 'limit')::integer
), told as (
    select p.at, p.id, json_strip_nulls(json_build_object(
        'alert', p.id, 'rule', p.rule, 'matter', p.matter, 'isNotice', p.is_notice, 'state', p.state,
        'subject', name, 'changedAt', kasumori.rfc3339(p.at), 'change', p.change, 'reason', p.reason,
        'acknowledged', exists (
            select from kasumori.decisions_naming(p.records, kasumori.decided_up_to()) d
            where d.kind = 'ack' and d.in_force and d.body ->> 'rule' = p.rule
              and p.records <@ kasumori.decision_records(d.body)),
        'mergedInto', p.merged_into,
        'sites', array(select distinct coalesce(nullif(b.concerned_site, ''), m.site)
                       from unnest(p.records) r
                       join kasumori.occurrence_record m on m.tenant = $1 and m.record_id = r
                       join kasumori.record b on b.tenant = $1 and b.record_id = m.effective_id
                       order by 1),
        'finding', case when f.finding is not null then kasumori.finding_json(f, name) end,
        'records', p.records,
        'lines', case when $2 ? 'alert' then coalesce((
            select json_agg(kasumori.line_json(l) order by l.start_at desc, l.record_id)
            from kasumori.record_line l
            where l.tenant = $1 and l.record_id = any (p.records)
              and ($2 -> 'sites' = '[]' or $2 -> 'sites' ? l.site or $2 -> 'sites' ? l.concerned_site)), '[]') end,
        'history', case when $2 ? 'alert' then (
            select json_agg(json_build_object('changeNo', h.change_no, 'change', h.change,
                                              'at', kasumori.rfc3339(h.at), 'reason', h.reason) order by h.change_no)
            from kasumori.alert_change h where h.tenant = $1 and h.alert = p.id) end)) as line
    from page p
    left join kasumori.finding f on f.tenant = $1 and f.finding = p.finding
    left join lateral (select kasumori.subject_name($1, f.subject) as name) as n on true
)
select case when $2 ? 'alert' then (select line::text from told)
            else json_build_object('items', coalesce(
                (select json_agg(line order by at desc, id desc) from told), '[]'))::text end,
       case when $2 ? 'alert' then (select md5(line::text) from told)
            when (select count(*) from latest) > ($2 ->> 'limit')::integer then
           (select kasumori.to_us(at) || '.' || id from page order by at, id limit 1) end
where not $2 ? 'alert' or exists (select from told)
