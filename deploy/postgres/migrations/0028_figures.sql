-- What the page of figures reads. Roll-ups at two levels, months and, for the days at either end of a
-- range, single days; of one site, or of all in one row: any filter of any range then reads at most some
-- thousand rows. The correlator keeps them by difference as it keeps the other roll-ups. And of each
-- record that was judged, its first verdict: a median is no sum.

create table kasumori.rollup_coarse (
    tenant text not null,
    span text not null,
    category text not null,
    site text not null,
    first_day date not null,
    contacts bigint not null default 0,
    incidents bigint not null default 0,
    constraint rollup_coarse_key primary key (tenant, span, category, site, first_day),
    constraint rollup_coarse_level_is_kept check ((span = 'day' and site = '')
        or (span = 'month' and site <> '' and extract(day from first_day) = 1))
);
comment on table kasumori.rollup_coarse is 'Derived: kasumori.rollup_day summed over all sites by day, and over the days of a month by site.';
comment on column kasumori.rollup_coarse.tenant is 'The company.';
comment on column kasumori.rollup_coarse.span is 'day or month.';
comment on column kasumori.rollup_coarse.category is 'As in kasumori.rollup_day; empty: all records.';
comment on column kasumori.rollup_coarse.site is 'The concerned site of a month; empty, of a day: all sites.';
comment on column kasumori.rollup_coarse.first_day is 'The day in Japan, or the month''s first.';
comment on column kasumori.rollup_coarse.contacts is 'Contacts.';
comment on column kasumori.rollup_coarse.incidents is 'Incident reports.';

create table kasumori.rollup_incident (
    tenant text not null,
    span text not null,
    category text not null,
    site text not null,
    first_day date not null,
    incidents bigint not null default 0,
    staff_minutes bigint not null default 0,
    constraint rollup_incident_key primary key (tenant, span, category, site, first_day),
    constraint rollup_incident_span_is_known check (span = 'day' or (span = 'month' and extract(day from first_day) = 1))
);
comment on table kasumori.rollup_incident is 'Derived: incident reports by day and by month, concerned site and category: how many, when in a day and a week, and the staff''s time.';
comment on column kasumori.rollup_incident.tenant is 'The company.';
comment on column kasumori.rollup_incident.span is 'day or month; each report is in both.';
comment on column kasumori.rollup_incident.category is 'Category as scheme:version:code; empty: all reports. A report counts in each of its categories.';
comment on column kasumori.rollup_incident.site is 'The concerned site; empty: all sites. A report is in both.';
comment on column kasumori.rollup_incident.first_day is 'The day in Japan, or the month''s first.';
comment on column kasumori.rollup_incident.incidents is 'Incident reports.';
comment on column kasumori.rollup_incident.staff_minutes is 'Staff minutes lost, as reported.';
do $$
begin
    for hour in 0 .. 23 loop
        execute format('alter table kasumori.rollup_incident add hour_%s integer not null default 0', hour);
        execute format('comment on column kasumori.rollup_incident.hour_%s is %L', hour,
                       format('Incident reports that began from %s:00 to %s:59 in Japan.', hour, hour));
    end loop;
    for weekday in 1 .. 7 loop
        execute format('alter table kasumori.rollup_incident add weekday_%s integer not null default 0', weekday);
        execute format('comment on column kasumori.rollup_incident.weekday_%s is %L', weekday,
                       format('Incident reports that began on weekday %s, 1 Monday to 7 Sunday, in Japan.', weekday));
    end loop;
end
$$;

create table kasumori.rollup_repeat (
    tenant text not null,
    span text not null,
    category text not null,
    first_day date not null,
    sites text[] not null,
    parts bigint not null default 0,
    repeats bigint not null default 0,
    constraint rollup_repeat_key primary key (tenant, span, category, first_day, sites),
    constraint rollup_repeat_span_is_known check (span = 'day' or (span = 'month' and extract(day from first_day) = 1))
);
comment on table kasumori.rollup_repeat is 'Derived: rows of kasumori.part that count and have an incident, by day and by month, sites and category.';
comment on column kasumori.rollup_repeat.tenant is 'The company.';
comment on column kasumori.rollup_repeat.span is 'day or month; each part is in both.';
comment on column kasumori.rollup_repeat.category is 'Category of one of its incident reports; empty: all.';
comment on column kasumori.rollup_repeat.first_day is 'The day of its start in Japan, or the month''s first.';
comment on column kasumori.rollup_repeat.sites is 'kasumori.part.sites, so that a part of two sites counts once where both are asked for; empty: all parts.';
comment on column kasumori.rollup_repeat.parts is 'How many.';
comment on column kasumori.rollup_repeat.repeats is 'Of these, whose subject had such a part before.';

create function kasumori.verdict_bucket(took_us bigint) returns smallint
language sql immutable strict parallel safe as $$
    select case when minutes < 16 then minutes
                else 16 * (exponent - 3) + ((minutes >> (exponent - 4)) & 15) end::smallint
    from (select minutes, length(ltrim(minutes::bit(64)::text, '0')) - 1 as exponent
          from (select greatest(took_us, 0) / 60000000) as m (minutes)) as e
$$;
comment on function kasumori.verdict_bucket(bigint) is 'A coarse measure of a time: minutes below 16 each, then 16 steps for each doubling.';

create table kasumori.rollup_verdict (
    tenant text not null,
    span text not null,
    category text not null,
    first_day date not null,
    bucket smallint not null,
    verdicts bigint not null default 0,
    constraint rollup_verdict_key primary key (tenant, span, category, first_day, bucket),
    constraint rollup_verdict_span_is_known check (span = 'day' or (span = 'month' and extract(day from first_day) = 1))
);
comment on table kasumori.rollup_verdict is 'Derived: rows of kasumori.first_verdict of all sites by day and by month, category and bucket: where among them a median is.';
comment on column kasumori.rollup_verdict.tenant is 'The company.';
comment on column kasumori.rollup_verdict.span is 'day or month; each verdict is in both.';
comment on column kasumori.rollup_verdict.category is 'One of its categories; empty: all.';
comment on column kasumori.rollup_verdict.first_day is 'The day it was made in Japan, or the month''s first.';
comment on column kasumori.rollup_verdict.bucket is 'kasumori.verdict_bucket.';
comment on column kasumori.rollup_verdict.verdicts is 'How many.';

create table kasumori.first_verdict (
    tenant text not null,
    record_id uuid not null,
    decision_no bigint not null,
    made_at timestamptz not null,
    day date not null,
    took_us bigint not null,
    bucket smallint not null,
    site text not null,
    categories text[] not null default '{}',
    constraint first_verdict_key primary key (tenant, record_id)
);
create index first_verdict_by_bucket on kasumori.first_verdict (tenant, bucket, day);
create index first_verdict_by_site on kasumori.first_verdict (tenant, site, day);
comment on table kasumori.first_verdict is 'Derived: of each effective record that a verdict names, the first verdict, in force or not.';
comment on column kasumori.first_verdict.tenant is 'The company.';
comment on column kasumori.first_verdict.record_id is 'The original record.';
comment on column kasumori.first_verdict.decision_no is 'The verdict.';
comment on column kasumori.first_verdict.made_at is 'When it was made.';
comment on column kasumori.first_verdict.day is 'That day in Japan.';
comment on column kasumori.first_verdict.took_us is 'Microseconds from the record''s appended_at to it.';
comment on column kasumori.first_verdict.bucket is 'kasumori.verdict_bucket of took_us.';
comment on column kasumori.first_verdict.site is 'The site that the record as first told concerned.';
comment on column kasumori.first_verdict.categories is 'Of the effective record and its supplements, without doubles.';

select kasumori.protect_tenant('kasumori.rollup_coarse');
select kasumori.protect_tenant('kasumori.rollup_incident');
select kasumori.protect_tenant('kasumori.rollup_repeat');
select kasumori.protect_tenant('kasumori.rollup_verdict');
select kasumori.protect_tenant('kasumori.first_verdict');
revoke all on function kasumori.verdict_bucket(bigint) from public;
grant select, insert, update, delete on
    kasumori.rollup_coarse, kasumori.rollup_incident, kasumori.rollup_repeat, kasumori.rollup_verdict,
    kasumori.first_verdict
    to kasumori_aggregator;
grant select on
    kasumori.rollup_coarse, kasumori.rollup_incident, kasumori.rollup_repeat, kasumori.rollup_verdict,
    kasumori.first_verdict
    to kasumori_monitor;

-- Some sites over years: a walk along each one's days.
drop index kasumori.rollup_day_by_category;
create index rollup_day_by_site on kasumori.rollup_day (tenant, category, site, day);

-- ---- rows that are stored already ----

create function kasumori.fill_figures(of_tenant text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
    delete from kasumori.rollup_coarse where tenant = of_tenant;
    delete from kasumori.rollup_incident where tenant = of_tenant;
    delete from kasumori.rollup_repeat where tenant = of_tenant;
    delete from kasumori.rollup_verdict where tenant = of_tenant;
    delete from kasumori.first_verdict where tenant = of_tenant;
    insert into kasumori.rollup_coarse
    select of_tenant, 'day', category, '', day, sum(contacts), sum(incidents)
    from kasumori.rollup_day where tenant = of_tenant group by category, day
    union all
    select of_tenant, 'month', category, site, date_trunc('month', day::timestamp)::date as month,
           sum(contacts), sum(incidents)
    from kasumori.rollup_day where tenant = of_tenant group by category, site, month
    order by 2, 3, 4, 5;

    create temp table figure_supplemented on commit drop as
    select distinct coalesce(u.target_id, s.target_id) as record_id
    from kasumori.record s
    left join kasumori.record u on s.kind = 4 and u.tenant = of_tenant and u.record_id = s.target_id
    where s.tenant = of_tenant and (s.kind = 3 or s.replaces = 3);
    create temp table figure_line on commit drop as
    select o.record_id, b.occurred_start at time zone 'Asia/Tokyo' as at,
           coalesce(nullif(b.concerned_site, ''), o.site) as site,
           coalesce((b.detail -> 'loss' ->> 'staffMinutes')::bigint, 0) as staff_minutes,
           case when s.record_id is null
                then array(select category from unnest(b.categories) with ordinality as list (category, place)
                           where category <> '' group by category order by min(place))
                else (select l.categories from kasumori.record_line l
                      where l.tenant = of_tenant and l.record_id = o.record_id) end as categories
    from kasumori.record b
    join kasumori.occurrence_record o on o.tenant = of_tenant
         and o.record_id = coalesce(b.target_id, b.record_id) and o.effective_id = b.record_id
    left join figure_supplemented s on s.record_id = o.record_id
    where b.tenant = of_tenant and (b.kind = 2 or (b.kind = 4 and b.replaces = 2));
    analyze figure_line;

    execute (
        select 'insert into kasumori.rollup_incident select $1, span, category, place, first_day, count(*), '
               'sum(staff_minutes), ' || string_agg(format('count(*) filter (where extract(%s from at) = %s)',
                                                           part, number), ', ' order by part, number)
        from (select 'hour' as part, generate_series(0, 23) as number
              union all select 'isodow', generate_series(1, 7)) as slot)
        || ' from figure_line cross join lateral (values (''day'', at::date), '
           '(''month'', date_trunc(''month'', at)::date)) as level (span, first_day) '
           'cross join lateral unnest(array[site, '''']) as place '
           'cross join lateral unnest(array[''''] || categories) as category '
           'group by 2, 3, 4, 5 order by 2, 3, 4, 5'
    using of_tenant;

    insert into kasumori.rollup_repeat
    select of_tenant, span, category, first_day, places.sites, count(*), count(*) filter (where is_repeat)
    from (
        select p.subject, p.start_at, p.occurrence, p.sites, p.is_repeat, c.category
        from (select subject, start_at, occurrence, sites, records,
                     row_number() over (partition by subject order by start_at, occurrence) > 1 as is_repeat
              from kasumori.part where tenant = of_tenant and has_incident and counts) as p
        cross join lateral unnest(p.records) as record_id
        join figure_line f using (record_id)
        cross join lateral unnest(array[''] || f.categories) as c (category)
        group by 1, 2, 3, 4, 5, 6
    ) as told
    cross join lateral (values ('day', (start_at at time zone 'Asia/Tokyo')::date),
                               ('month', date_trunc('month', start_at at time zone 'Asia/Tokyo')::date))
               as level (span, first_day)
    cross join lateral (values (told.sites), ('{}'::text[])) as places (sites)
    group by 2, 3, 4, 5 order by 2, 3, 4, 5;

    insert into kasumori.first_verdict
    select of_tenant, r.record_id, d.decision_no, d.made_at, (d.made_at at time zone 'Asia/Tokyo')::date,
           took.us, kasumori.verdict_bucket(took.us), coalesce(nullif(r.concerned_site, ''), r.site),
           case when s.record_id is null
                then array(select category from unnest(b.categories) with ordinality as list (category, place)
                           where category <> '' group by category order by min(place))
                else (select l.categories from kasumori.record_line l
                      where l.tenant = of_tenant and l.record_id = r.record_id) end
    from (select named.record_id, min(v.decision_no) as decision_no
          from kasumori.decision v
          cross join lateral unnest(kasumori.decision_records(v.body)) as named (record_id)
          where v.tenant = of_tenant and v.kind = 'verdict' and v.decision_no <= coalesce(
                (select c.decision_no from kasumori.correlated c where c.tenant = of_tenant), 0)
          group by 1) as first
    join kasumori.decision d on d.tenant = of_tenant and d.decision_no = first.decision_no
    join kasumori.occurrence_record o on o.tenant = of_tenant and o.record_id = first.record_id
    join kasumori.record r on r.tenant = of_tenant and r.record_id = first.record_id
    join kasumori.record b on b.tenant = of_tenant and b.record_id = o.effective_id
    cross join lateral (select kasumori.to_us(d.made_at) - kasumori.to_us(r.appended_at)) as took (us)
    left join figure_supplemented s on s.record_id = first.record_id
    order by r.record_id;
    insert into kasumori.rollup_verdict
    select of_tenant, span, category, first_day, bucket, count(*)
    from kasumori.first_verdict v
    cross join lateral (values ('day', v.day), ('month', date_trunc('month', v.day::timestamp)::date))
               as level (span, first_day)
    cross join lateral unnest(array[''] || v.categories) as category
    where v.tenant = of_tenant
    group by 2, 3, 4, 5 order by 2, 3, 4, 5;
    drop table figure_supplemented, figure_line;
end
$$;
comment on function kasumori.fill_figures(text) is 'Makes the rows of rollup_coarse, rollup_incident, rollup_repeat, rollup_verdict and first_verdict of a tenant from its other derived rows and facts, as the correlator would: for rows that were stored before it knew of these tables.';
revoke all on function kasumori.fill_figures(text) from public;

-- A tenant of which all is derived is of the next form with these rows; any other is computed as a whole.
-- Looked at last: the cursors cannot move meanwhile, and what is pending only grows.
lock table kasumori.correlated in share row exclusive mode;
do $$
declare
    stored record;
begin
    for stored in select tenant from kasumori.correlated where form = 2 order by tenant loop
        perform kasumori.fill_figures(stored.tenant);
        update kasumori.correlated c set form = 3
        where c.tenant = stored.tenant and not exists (
              select from kasumori.kafka_offset k
              left join kasumori.correlated_stream s on s.tenant = c.tenant and s.stream_no = k.stream_no
              join kasumori.ingest_log l on l.stream_no = k.stream_no and l.kafka_offset >= coalesce(s.next_offset, 0)
              where l.tenant = c.tenant);
    end loop;
end
$$;
