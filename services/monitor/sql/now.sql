with today as (
    select (now() at time zone 'Asia/Tokyo')::date as day
), rolled as materialized (
    select r.* from today, kasumori.rollup_day r
    where r.tenant = $1 and r.day between today.day - 29 and today.day and r.category = ''
      and ($2 -> 'sites' = '[]' or $2 -> 'sites' ? r.site)
), by_category as materialized (
    select r.site, r.category, r.incidents from today, kasumori.rollup_day r
    where r.tenant = $1 and r.day = today.day and r.category <> '' and r.incidents > 0
      and ($2 -> 'sites' = '[]' or $2 -> 'sites' ? r.site)
), agents as materialized (
    select * from kasumori.agents_json($1, ($2 ->> 'silent_us')::bigint * interval '1 microsecond') a
    where $2 -> 'sites' = '[]' or $2 -> 'sites' ? a.site
), open_sites as materialized (
    select s.site from kasumori.site s
    where s.tenant = $1 and now() >= s.valid_from and now() < s.valid_to
      and ($2 -> 'sites' = '[]' or $2 -> 'sites' ? s.site)
    union select r.site from rolled r, today where r.day = today.day
), open_alert as materialized ( -- the newest 200
    select a.rule, c.records
    from kasumori.alert_change c
    join kasumori.alert a on a.tenant = $1 and a.alert = c.alert and a.change_no = c.change_no
    where c.tenant = $1 and a.state = 'open' and not a.is_notice and $2 ->> 'cases' = 'yes'
      and ($2 -> 'sites' = '[]' or exists (
          select from unnest(c.records) r
          join kasumori.occurrence_record m on m.tenant = $1 and m.record_id = r
          join kasumori.record b on b.tenant = $1 and b.record_id = m.effective_id
          where $2 -> 'sites' ? m.site or $2 -> 'sites' ? b.concerned_site))
    order by c.at desc
    limit 200
), acknowledged as materialized ( -- asked once for all of them
    select d.body ->> 'rule' as rule, kasumori.decision_records(d.body) as records
    from kasumori.decisions_naming(array(select r from open_alert cross join unnest(records) r),
                                   kasumori.decided_up_to()) d
    where d.kind = 'ack' and d.in_force
), to_judge as ( -- of the newest incidents of 30 days
    select c.standing
    from (select b.tenant, coalesce(b.target_id, b.record_id) as record_id, b.record_id as effective_id, b.concerned_site
          from kasumori.record b
          where b.tenant = $1 and (b.kind = 2 or (b.kind = 4 and b.replaces = 2))
            and b.occurred_start >= now() - interval '30 days' and $2 ->> 'cases' = 'yes'
          order by b.occurred_start desc
          limit 1000) b
    join kasumori.occurrence_record o on o.tenant = b.tenant and o.record_id = b.record_id
         and o.effective_id = b.effective_id
    join kasumori.occurrence c on c.tenant = o.tenant and c.occurrence = o.occurrence
    where $2 -> 'sites' = '[]' or $2 -> 'sites' ? o.site or $2 -> 'sites' ? b.concerned_site
)
select json_build_object(
    'at', kasumori.rfc3339(now()), 'day', (select day from today),
    'behind', kasumori.records_behind($1, 100000), 'decisionNo', kasumori.decided_up_to(),
    'sites', coalesce((select json_agg(json_strip_nulls(json_build_object(
            'site', s.site, 'contacts', coalesce(r.contacts, 0), 'incidents', coalesce(r.incidents, 0),
            'byCategory', coalesce((select json_agg(json_build_object('category', c.category, 'incidents', c.incidents)
                                                    order by c.incidents desc, c.category)
                                    from by_category c where c.site = s.site), '[]'),
            'lastRecordAt', (select kasumori.rfc3339(max(a.last_record_at)) from agents a where a.site = s.site),
            'agents', coalesce((select json_agg(a.told order by a.agent) from agents a where a.site = s.site), '[]')))
            order by s.site)
        from open_sites s left join (select r.* from rolled r, today where r.day = today.day) r on r.site = s.site), '[]'),
    'categories', coalesce((select json_agg(json_build_object('category', category, 'incidents', incidents)
                                            order by incidents desc, category)
                            from (select category, sum(incidents) as incidents from by_category group by 1) c), '[]'),
    'trend', (select json_agg(json_build_object('day', d::date, 'contacts', coalesce(t.contacts, 0),
                                                'incidents', coalesce(t.incidents, 0)) order by d)
              from today cross join lateral generate_series(today.day - 29, today.day, interval '1 day') d
              left join (select day, sum(contacts) as contacts, sum(incidents) as incidents from rolled group by 1) t
                   on t.day = d::date),
    'agents', (select json_build_object('total', count(*),
                   'silent', count(*) filter (where state in ('silent', 'never_seen')),
                   'refusing', count(*) filter (where state = 'refusing'),
                   'withGaps', count(*) filter (where gaps > 0)) from agents),
    'toSee', (select count(*) from open_alert o
              where not exists (select from acknowledged k where k.rule = o.rule and o.records <@ k.records)),
    'toJudge', (select count(*) filter (where standing = 'open') from to_judge),
    'openReviews', (select count(*) from kasumori.review_task t
                    left join kasumori.occurrence_record m on m.tenant = $1 and m.record_id = t.record_id
                    where t.tenant = $1 and ($2 -> 'sites' = '[]' or $2 -> 'sites' ? m.site)))::text, null
