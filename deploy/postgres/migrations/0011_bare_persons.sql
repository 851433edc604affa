-- Persons whom a record names without an identifier: kasumori.sighting has nothing of them, yet a
-- supplement may identify them later, and a person may attach a handle to them.
alter table kasumori.record add bare_persons smallint[], add bare_roles smallint[];
comment on column kasumori.record.bare_persons is 'Ordinals of the persons named without any token, in message order; null: none, or stored before this was kept.';
comment on column kasumori.record.bare_roles is 'kasumori.v1.Role of each of bare_persons.';
