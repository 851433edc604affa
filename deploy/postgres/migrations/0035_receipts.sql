-- A site's agent asks how far the reports are that were made there, so that whoever reported can see
-- it. A scope of its own: a key that looks numbers up need not learn what became of reports.

alter table kasumori.machine_key drop constraint machine_key_scope_is_known;
alter table kasumori.machine_key add constraint machine_key_scope_is_known
    check (scope <> '{}' and scope <@ array['lookup', 'export', 'read', 'receipt']);
comment on column kasumori.machine_key.scope is 'What it opens: lookup, export, read, receipt.';
