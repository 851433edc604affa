    from kasumori.record b
    join kasumori.occurrence_record o on o.tenant = b.tenant
         and o.record_id = coalesce(b.target_id, b.record_id) and o.effective_id = b.record_id
    join kasumori.occurrence c on c.tenant = o.tenant and c.occurrence = o.occurrence
    where b.tenant = $1 and (b.kind = 2 or (b.kind = 4 and b.replaces = 2))
      and b.occurred_start >= coalesce(($2 ->> 'from')::timestamptz, '-infinity')
      and b.occurred_start < coalesce(($2 ->> 'to')::timestamptz, 'infinity')
      and (not $2 ? 'site' or $2 ->> 'site' in (o.site, b.concerned_site))
      and ($2 -> 'sites' = '[]' or $2 -> 'sites' ? o.site or $2 -> 'sites' ? b.concerned_site)
      and (not $2 ? 'standing' or c.standing = $2 ->> 'standing')
      and (not $2 ? 'verdict' or c.standing <> 'open')
      and (coalesce($2 ->> 'judged', 'no') = 'no' or c.standing <> 'open')
      and (coalesce($2 ->> 'judged', 'yes') = 'yes' or c.standing in ('open', 'judged'))
      and case when $2 ?| array['category', 'verdict', 'q'] or ($2 ->> 'judged' is not null and c.standing <> 'open')
               then exists (
                   select from kasumori.record_line l
                   where l.tenant = $1 and l.record_id = o.record_id
                     and (not $2 ? 'category' or $2 ->> 'category' = any (l.categories))
                     and (not $2 ? 'q' or $2 ->> 'q' = any (l.matters))
                     and (not $2 ? 'verdict' or l.verdict = $2 ->> 'verdict')
                     and (not $2 ? 'judged'
                          or ($2 ->> 'judged' = 'yes') = (coalesce(l.verdict, 'suspected') <> 'suspected')))
               else true end
