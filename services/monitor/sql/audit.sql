with found as (
    select * from kasumori.audit a
    where a.tenant = $1 and a.audit_no < coalesce(($2 ->> 'after_at')::bigint, 9223372036854775807)
      and (not $2 ? 'from' or a.at >= ($2 ->> 'from')::timestamptz)
      and (not $2 ? 'to' or a.at < ($2 ->> 'to')::timestamptz)
      and (not $2 ? 'actor' or a.actor = $2 ->> 'actor')
      and (not $2 ? 'action' or a.action = $2 ->> 'action')
    order by a.audit_no desc
    limit ($2 ->> 'limit')::integer + 1
), page as (
    select * from found order by audit_no desc limit ($2 ->> 'limit')::integer
)
select json_build_object('items', coalesce((select json_agg(json_build_object(
           'auditNo', audit_no, 'at', kasumori.rfc3339(at), 'actor', actor, 'role', role, 'action', action,
           'purpose', purpose, 'object', object, 'sealed', chain_no is not null) order by audit_no desc)
           from page), '[]'))::text,
       case when (select count(*) from found) > ($2 ->> 'limit')::integer then
           (select min(audit_no) || '.audit' from page) end
