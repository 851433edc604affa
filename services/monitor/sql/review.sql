with task as (
    (select t.task::text as id, t.kind, nullif(t.since, '-infinity') as since, t.record_id, null::uuid as occurrence,
            t.decision_no, t.classes[1] as class, t.record_id as by_record
     from kasumori.review_task t
     where t.tenant = $1 and coalesce($2 ->> 'kind', '') not in ('suspected', 'disputed')
       and (not $2 ? 'kind'
            or t.kind = case $2 ->> 'kind' when 'proposal' then 'typed' else $2 ->> 'kind' end
            or ($2 ->> 'kind' = 'watch' and t.kind like 'watch\_%'))
       and ($2 ->> 'after_at' is null
            or (greatest(t.since, 'epoch'), t.task::text) <
               (kasumori.from_us(($2 ->> 'after_at')::bigint), $2 ->> 'after_id'))
     order by greatest(t.since, 'epoch') desc, t.task::text desc
     limit case when $2 -> 'sites' = '[]' then ($2 ->> 'limit')::integer + 1 end)
    union all
    (select 'o-' || c.occurrence, 'disputed', c.last_at, null, c.occurrence, c.judged_by, null, c.occurrence
     from kasumori.occurrence c
     where c.tenant = $1 and c.standing = 'disputed' and coalesce($2 ->> 'kind', 'disputed') = 'disputed'
       and ($2 ->> 'after_at' is null
            or (c.last_at, 'o-' || c.occurrence) < (kasumori.from_us(($2 ->> 'after_at')::bigint), $2 ->> 'after_id'))
     order by c.last_at desc, c.occurrence desc
     limit case when $2 -> 'sites' = '[]' then ($2 ->> 'limit')::integer + 1 end)
    union all
    (select 'r-' || o.record_id, 'suspected', b.occurred_start, o.record_id, o.occurrence, c.judged_by, null, o.record_id
     from kasumori.record b
     join kasumori.occurrence_record o on o.tenant = b.tenant
          and o.record_id = coalesce(b.target_id, b.record_id) and o.effective_id = b.record_id
     join kasumori.occurrence c on c.tenant = o.tenant and c.occurrence = o.occurrence
     where b.tenant = $1 and (b.kind = 2 or (b.kind = 4 and b.replaces = 2))
       and coalesce($2 ->> 'kind', 'suspected') = 'suspected'
       and c.standing in ('open', 'judged')
       and ($2 -> 'sites' = '[]' or $2 -> 'sites' ? o.site or $2 -> 'sites' ? b.concerned_site)
       and case when c.standing = 'open' then true
                else (select coalesce(l.verdict, 'suspected') = 'suspected' from kasumori.record_line l
                      where l.tenant = $1 and l.record_id = o.record_id) end
       and b.occurred_start <= coalesce(kasumori.from_us(($2 ->> 'after_at')::bigint), 'infinity')
       and ($2 ->> 'after_at' is null
            or (b.occurred_start, 'r-' || o.record_id) < (kasumori.from_us(($2 ->> 'after_at')::bigint), $2 ->> 'after_id'))
     order by b.occurred_start desc, o.record_id desc
     limit ($2 ->> 'limit')::integer + 1)
), found as (
    select t.*, m.site, coalesce(nullif(b.concerned_site, ''), m.site) as concerned_site, m.start_at,
           b.categories, b.channel
    from task t
    left join kasumori.occurrence_record m on m.tenant = $1 and m.record_id = t.by_record
    left join kasumori.record b on b.tenant = $1 and b.record_id = m.effective_id
    where $2 -> 'sites' = '[]' or $2 -> 'sites' ? m.site or $2 -> 'sites' ? b.concerned_site
    order by coalesce(t.since, 'epoch') desc, t.id desc
    limit ($2 ->> 'limit')::integer + 1
), page as (
    select * from found order by coalesce(since, 'epoch') desc, id desc limit ($2 ->> 'limit')::integer
), told as (
    select p.since, p.id, json_strip_nulls(json_build_object(
        'task', p.id, 'kind', case when p.kind = 'typed' then 'proposal'
                                   when p.kind like 'watch\_%' then 'watch' else p.kind end,
        'reason', case when p.kind like 'watch\_%' then substr(p.kind, 7) end,
        'since', kasumori.rfc3339(p.since), 'recordId', p.record_id, 'occurrence', p.occurrence,
        'decisionNo', p.decision_no, 'site', p.site,
        'channel', case when p.kind in ('suspected', 'disputed') then kasumori.word_channel(p.channel) end,
        'categories', case when p.kind in ('suspected', 'disputed') then coalesce(p.categories, '{}') end,
        'class', case when token.mac is not null then json_build_object(
            'kind', kasumori.word_kind(token.kind::integer), 'keyId', token.key_id,
            'mac', kasumori.mac_text(token.mac), 'at', kasumori.rfc3339(run.last_at)) end,
        'ordinal', case when p.kind = 'typed' then (
            select min(s.person) from kasumori.sighting s
            join kasumori.token_class y on y.tenant = $1 and y.mac = s.mac and y.kind = s.kind and y.key_id = s.key_id
            where s.tenant = $1 and s.record_id = p.record_id and s.assurance = 1 and s.role = 1
              and y.class = p.class) end,
        'subject', case when run.subject is not null then kasumori.subject_name($1, run.subject) end,
        'reasons', case
            when p.kind = 'suspected' then kasumori.both('判定がまだないか、「疑い」のままです', 'an incident without a verdict, or still suspected')
            when p.kind = 'disputed' then kasumori.both('一つの事案の判定が分かれています', 'verdicts of one occurrence contradict each other')
            when p.kind = 'typed' then kasumori.both('手入力の識別情報が、ある相手方と一致します。ひも付けはまだです', 'a typed identifier points at somebody; not linked')
            when p.kind = 'switchboard' then kasumori.both('同時に複数の通話がありました。代表番号かもしれません', 'several calls at the same time: a switchboard?')
            when p.kind = 'tells_nobody' then kasumori.both('識別情報から相手方を決められません', 'nobody is known for this record')
            when p.kind = 'joined' then kasumori.both('決定 #' || p.decision_no || ' のあとに、同じ事案へ記録が加わりました', 'a record joined the occurrence after decision ' || p.decision_no)
            when p.kind = 'retracted' then kasumori.both('決定 #' || p.decision_no || ' の対象の記録が取り消されました', 'the record that decision ' || p.decision_no || ' names was retracted')
            when p.kind = 'void_alias' then kasumori.both('照合用IDの対応が矛盾しています。至急確認してください', 'aliases of a token contradict each other: look at once')
            when p.kind = 'class_conflict' then kasumori.both('同じ鍵の照合用IDが二つつながりました。至急確認してください', 'two tokens of one key were joined: look at once')
            when p.kind = 'inert_decision' then kasumori.both('決定 #' || p.decision_no || ' は、いまの記録では効力がありません', 'decision ' || p.decision_no || ' has no effect as the facts stand')
            when p.kind = 'inert_record' then kasumori.both('訂正または追記が、対象の記録に合いません', 'a correction or supplement does not fit its target')
            when p.kind = 'watch_joined' then kasumori.both('決定 #' || p.decision_no || ' の対象でない識別情報が加わりました', 'an identifier joined that decision ' || p.decision_no || ' does not name')
            when p.kind = 'watch_gone' then kasumori.both('決定 #' || p.decision_no || ' の識別情報の記録がなくなりました', 'what decision ' || p.decision_no || ' names is gone')
            when p.kind = 'watch_new_owner' then kasumori.both('番号の持ち主が変わった可能性があります(決定 #' || p.decision_no || ')', 'the number may have a new owner (decision ' || p.decision_no || ')')
            when p.kind = 'watch_expired' then kasumori.both('長く使われていない番号です(決定 #' || p.decision_no || ')', 'the number was not seen for long (decision ' || p.decision_no || ')')
            when p.kind = 'watch_shared' then kasumori.both('共用番号のため、リストに載せません(決定 #' || p.decision_no || ')', 'a shared number is not listed (decision ' || p.decision_no || ')')
            when p.kind = 'watch_not_listable' then kasumori.both('リストに載せない決定があります(決定 #' || p.decision_no || ')', 'a decision keeps it off every list (decision ' || p.decision_no || ')')
            else kasumori.both(p.kind, p.kind) end)) as line
    from page p
    left join lateral (select t.* from kasumori.token_class t where t.tenant = $1 and t.class = p.class
                       order by t.key_id desc, t.mac limit 1) token on true
    left join lateral (
        select r.* from kasumori.class_run r where r.tenant = $1 and r.class = p.class
        order by (p.start_at between r.first_at and r.last_at) desc nulls last,
                 (r.first_at <= coalesce(p.start_at, 'infinity')) desc,
                 abs(extract(epoch from r.first_at - coalesce(p.start_at, r.first_at)))
        limit 1) run on true
)
select json_build_object('items', coalesce((select json_agg(line order by coalesce(since, 'epoch') desc, id desc)
                                            from told), '[]'))::text,
       case when (select count(*) from found) > ($2 ->> 'limit')::integer then
           (select kasumori.to_us(coalesce(since, 'epoch')) || '.' || id
            from page order by coalesce(since, 'epoch'), id limit 1) end
