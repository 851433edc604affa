-- For analysis: what migration 0028 keeps, as documented views under the reader's own row-level security.
create view analytics.month_site with (security_invoker = true) as
select tenant, first_day as month, site, contacts, incidents
from kasumori.rollup_coarse where span = 'month' and category = '';
comment on view analytics.month_site is 'Contacts and incident reports by month and concerned site: every effective record counts once.';
comment on column analytics.month_site.tenant is 'The company.';
comment on column analytics.month_site.month is 'First day of the month in Japan.';
comment on column analytics.month_site.site is 'The concerned site.';
comment on column analytics.month_site.contacts is 'Contacts.';
comment on column analytics.month_site.incidents is 'Incident reports.';

create view analytics.month_site_category with (security_invoker = true) as
select tenant, first_day as month, site, category, contacts, incidents
from kasumori.rollup_coarse where span = 'month' and category <> '';
comment on view analytics.month_site_category is 'The same by category. A report with two categories counts in both.';
comment on column analytics.month_site_category.tenant is 'The company.';
comment on column analytics.month_site_category.month is 'First day of the month in Japan.';
comment on column analytics.month_site_category.site is 'The concerned site.';
comment on column analytics.month_site_category.category is 'Category as scheme:version:code.';
comment on column analytics.month_site_category.contacts is 'Contacts to which a supplement added the category.';
comment on column analytics.month_site_category.incidents is 'Incident reports.';

create view analytics.month_site_loss with (security_invoker = true) as
select tenant, first_day as month, site, category, incidents, staff_minutes
from kasumori.rollup_incident where span = 'month' and site <> '';
comment on view analytics.month_site_loss is 'Staff minutes lost by month, concerned site and category, as incident reports say.';
comment on column analytics.month_site_loss.tenant is 'The company.';
comment on column analytics.month_site_loss.month is 'First day of the month in Japan.';
comment on column analytics.month_site_loss.site is 'The concerned site.';
comment on column analytics.month_site_loss.category is 'Category as scheme:version:code; empty: all reports, each once.';
comment on column analytics.month_site_loss.incidents is 'Incident reports.';
comment on column analytics.month_site_loss.staff_minutes is 'Staff minutes lost.';

create view analytics.month_repeat with (security_invoker = true) as
select tenant, first_day as month, sites, category, parts, repeats
from kasumori.rollup_repeat where span = 'month' and sites <> '{}';
comment on view analytics.month_repeat is 'Rows of analytics.part that count by month, set of sites and category, and how many were repeats.';
comment on column analytics.month_repeat.tenant is 'The company.';
comment on column analytics.month_repeat.month is 'First day of the month in Japan.';
comment on column analytics.month_repeat.sites is 'Concerned sites of the part''s incident reports.';
comment on column analytics.month_repeat.category is 'Category of one of its reports; empty: all, each part once.';
comment on column analytics.month_repeat.parts is 'How many.';
comment on column analytics.month_repeat.repeats is 'Of these, whose subject had a counted incident before.';

create view analytics.first_verdict with (security_invoker = true) as
select tenant, record_id, decision_no, made_at, day, site, took_us * interval '1 microsecond' as took, categories
from kasumori.first_verdict;
comment on view analytics.first_verdict is 'The rows of analytics.verdict that are first, once the correlator has them; by index.';
comment on column analytics.first_verdict.tenant is 'The company.';
comment on column analytics.first_verdict.record_id is 'The record.';
comment on column analytics.first_verdict.decision_no is 'The decision.';
comment on column analytics.first_verdict.made_at is 'When it was made.';
comment on column analytics.first_verdict.day is 'That day in Japan.';
comment on column analytics.first_verdict.site is 'The site that the record as first told concerned.';
comment on column analytics.first_verdict.took is 'From the record''s arrival in headquarters'' log to the verdict.';
comment on column analytics.first_verdict.categories is 'Categories of the record.';

grant select on analytics.month_site, analytics.month_site_category, analytics.month_site_loss,
    analytics.month_repeat, analytics.first_verdict to kasumori_monitor;
