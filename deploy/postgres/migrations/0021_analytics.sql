-- What business intelligence may query: documented views under the reader's own row-level security
-- (a login that is a member of kasumori_monitor, with the setting kasumori.tenant). Sums come from the
-- roll-ups that the correlator keeps; incidents and verdicts from facts by index.
-- The owner may not make schemas in the database; whoever migrates may, as for the first one.
set local role none;
create schema analytics authorization kasumori_owner;
set local role kasumori_owner;
comment on schema analytics is 'Documented views for analysis. They answer for the tenant in the setting kasumori.tenant only.';
grant usage on schema analytics to kasumori_monitor;

create view analytics.site with (security_invoker = true) as
select distinct on (tenant, site) tenant, site, name, kind, trade, region, valid_from, valid_to
from kasumori.site order by tenant, site, valid_from desc;
comment on view analytics.site is 'Each site as it was last.';
comment on column analytics.site.tenant is 'The company.';
comment on column analytics.site.site is 'Code of the site.';
comment on column analytics.site.name is 'Display name.';
comment on column analytics.site.kind is 'store, call_center or headquarters.';
comment on column analytics.site.trade is 'Line of business.';
comment on column analytics.site.region is 'Region.';
comment on column analytics.site.valid_from is 'Start of the newest period.';
comment on column analytics.site.valid_to is 'Its end; infinity: open.';

create view analytics.day_site with (security_invoker = true) as
select tenant, day, site, contacts, incidents, talk_us / 60000000 as talk_minutes, abandoned
from kasumori.rollup_day where category = '';
comment on view analytics.day_site is 'Contacts and incident reports by day and concerned site: every effective record counts once.';
comment on column analytics.day_site.tenant is 'The company.';
comment on column analytics.day_site.day is 'Day in Japan.';
comment on column analytics.day_site.site is 'The concerned site.';
comment on column analytics.day_site.contacts is 'Contacts.';
comment on column analytics.day_site.incidents is 'Incident reports.';
comment on column analytics.day_site.talk_minutes is 'Talk time of contacts in whole minutes.';
comment on column analytics.day_site.abandoned is 'Contacts nobody answered.';

create view analytics.day_site_category with (security_invoker = true) as
select tenant, day, site, category, contacts, incidents
from kasumori.rollup_day where category <> '';
comment on view analytics.day_site_category is 'The same by category. A report with two categories counts in both, so sums over categories exceed the number of reports.';
comment on column analytics.day_site_category.tenant is 'The company.';
comment on column analytics.day_site_category.day is 'Day in Japan.';
comment on column analytics.day_site_category.site is 'The concerned site.';
comment on column analytics.day_site_category.category is 'Category as scheme:version:code.';
comment on column analytics.day_site_category.contacts is 'Contacts to which a supplement added the category.';
comment on column analytics.day_site_category.incidents is 'Incident reports.';

create view analytics.month_hour with (security_invoker = true) as
select tenant, month, weekday, hour, contacts, incidents, talk_us / 60000000 as talk_minutes, abandoned
from kasumori.rollup_month;
comment on view analytics.month_hour is 'When it happens: by month, weekday and hour in Japan, over all sites.';
comment on column analytics.month_hour.tenant is 'The company.';
comment on column analytics.month_hour.month is 'First day of the month.';
comment on column analytics.month_hour.weekday is '1 Monday to 7 Sunday.';
comment on column analytics.month_hour.hour is '0 to 23.';
comment on column analytics.month_hour.contacts is 'Contacts.';
comment on column analytics.month_hour.incidents is 'Incident reports.';
comment on column analytics.month_hour.talk_minutes is 'Talk time of contacts in whole minutes.';
comment on column analytics.month_hour.abandoned is 'Contacts nobody answered.';

create view analytics.incident with (security_invoker = true) as
select o.tenant, o.record_id, o.occurrence, c.standing,
       b.occurred_start as start_at, (b.occurred_start at time zone 'Asia/Tokyo')::date as day,
       o.site, coalesce(nullif(b.concerned_site, ''), o.site) as concerned_site,
       kasumori.word_channel(b.channel::integer) as channel, b.appended_at,
       coalesce((b.detail -> 'loss' ->> 'staffMinutes')::bigint, 0) as staff_minutes,
       (b.detail -> 'loss' ->> 'yen')::bigint as loss_yen
from kasumori.record b
join kasumori.occurrence_record o on o.tenant = b.tenant
     and o.record_id = coalesce(b.target_id, b.record_id) and o.effective_id = b.record_id
join kasumori.occurrence c on c.tenant = o.tenant and c.occurrence = o.occurrence
where b.kind = 2 or (b.kind = 4 and b.replaces = 2);
comment on view analytics.incident is 'Each effective incident report: no words, no identifiers, no person.';
comment on column analytics.incident.tenant is 'The company.';
comment on column analytics.incident.record_id is 'The report.';
comment on column analytics.incident.occurrence is 'What happened; reports of one occurrence are one happening.';
comment on column analytics.incident.standing is 'open, judged, innocent or disputed.';
comment on column analytics.incident.start_at is 'When it began.';
comment on column analytics.incident.day is 'That day in Japan.';
comment on column analytics.incident.site is 'The reporting site.';
comment on column analytics.incident.concerned_site is 'Whose customer it was.';
comment on column analytics.incident.channel is 'face_to_face, phone, visit, mail, chat, sns, other or unknown.';
comment on column analytics.incident.appended_at is 'When it reached headquarters'' log.';
comment on column analytics.incident.staff_minutes is 'Staff minutes lost, as reported.';
comment on column analytics.incident.loss_yen is 'Yen lost, as reported; null: not said.';

create view analytics.part with (security_invoker = true) as
select tenant, subject, occurrence, start_at, (start_at at time zone 'Asia/Tokyo')::date as day, counts, sites,
       exists (select from kasumori.part e
               where e.tenant = p.tenant and e.subject = p.subject and e.has_incident and e.counts
                 and (e.start_at, e.occurrence) < (p.start_at, p.occurrence)) as is_repeat
from kasumori.part p where has_incident;
comment on view analytics.part is 'What each occurrence with an incident tells about each known subject, and whether that subject had counted before.';
comment on column analytics.part.tenant is 'The company.';
comment on column analytics.part.subject is 'Number of the subject; changes when derived rows are built anew.';
comment on column analytics.part.occurrence is 'The occurrence.';
comment on column analytics.part.start_at is 'When it began.';
comment on column analytics.part.day is 'That day in Japan.';
comment on column analytics.part.counts is 'False when innocent, disputed, or outward only.';
comment on column analytics.part.sites is 'Concerned sites of its incident reports.';
comment on column analytics.part.is_repeat is 'The subject had a counted incident before.';

create view analytics.verdict with (security_invoker = true) as
select d.tenant, d.decision_no, d.made_at, (d.made_at at time zone 'Asia/Tokyo')::date as day,
       d.body ->> 'value' as value, r.record_id, o.site,
       coalesce(nullif(r.concerned_site, ''), r.site) as concerned_site,
       r.appended_at as reported_at, d.made_at - r.appended_at as took,
       not exists (select from kasumori.decision e
                   where e.tenant = d.tenant and e.kind = 'verdict' and e.decision_no < d.decision_no
                     and kasumori.decision_records(e.body) @> array[r.record_id]) as is_first
from kasumori.decision d
cross join lateral unnest(kasumori.decision_records(d.body)) as named (record_id)
join kasumori.record r on r.tenant = d.tenant and r.record_id = named.record_id
join kasumori.occurrence_record o on o.tenant = d.tenant and o.record_id = r.record_id
where d.kind = 'verdict';
comment on view analytics.verdict is 'Each verdict on each record it names, and how long after the record reached headquarters'' log.';
comment on column analytics.verdict.tenant is 'The company.';
comment on column analytics.verdict.decision_no is 'The decision.';
comment on column analytics.verdict.made_at is 'When it was made.';
comment on column analytics.verdict.day is 'That day in Japan.';
comment on column analytics.verdict.value is 'complaint, suspected, confirmed or rejected.';
comment on column analytics.verdict.record_id is 'The record.';
comment on column analytics.verdict.site is 'The reporting site.';
comment on column analytics.verdict.concerned_site is 'Whose customer it was.';
comment on column analytics.verdict.reported_at is 'When the record reached headquarters'' log.';
comment on column analytics.verdict.took is 'From there to the verdict.';
comment on column analytics.verdict.is_first is 'No earlier verdict names the record.';

create index decision_verdicts on kasumori.decision (tenant, made_at) where kind = 'verdict';

create function analytics.hide_small(cells json, is_narrow boolean) returns json
language sql stable as $$
    with cell as (
        select c.value as cell, c.ordinality as place, coalesce((c.value ->> 'incidents')::bigint, 0) as incidents
        from json_array_elements(cells) with ordinality as c
    ), running as (
        select *, bool_or(incidents between 1 and 4) over () as is_needed,
               count(*) filter (where incidents > 0) over before as count_before,
               coalesce(sum(incidents) over before, 0) as sum_before
        from cell
        window before as (order by (incidents = 0), incidents, place rows between unbounded preceding and 1 preceding)
    ), marked as (
        select *, is_narrow and is_needed and incidents > 0
                  and (incidents < 5 or count_before < 2 or sum_before < 5) as is_hidden
        from running
    ), counted as (
        select *, count(*) filter (where is_hidden) over () as hidden,
               coalesce(sum(incidents) filter (where is_hidden) over (), 0) as hidden_sum from marked
    )
    select coalesce(json_agg(case when is_hidden or (is_narrow and is_needed and (hidden < 2 or hidden_sum < 5))
                                  then json_build_object('key', cell -> 'key', 'label', cell -> 'label', 'suppressed', true)
                                  else json_strip_nulls(cell) end order by place), '[]')
    from counted
$$;
comment on function analytics.hide_small(json, boolean) is 'Cells of a table that crosses two or more of site, category and hour: those of 1 to 4 incidents say nothing, nor do as many of the next smallest as it takes that at least two cells of together five incidents are hidden, so that subtraction from the total shows none. When that many do not exist, no cell of the table says anything.';

grant select on analytics.site, analytics.day_site, analytics.day_site_category, analytics.month_hour,
    analytics.incident, analytics.part, analytics.verdict to kasumori_monitor;
revoke all on function analytics.hide_small(json, boolean) from public;
grant execute on function analytics.hide_small(json, boolean) to kasumori_monitor;
