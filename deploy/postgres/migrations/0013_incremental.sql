-- What the correlator needs to take new facts in without reading a tenant's whole history: where in the
-- log a record stands, records by the call they belong to, alerts by the records they rested on.
alter table kasumori.record add stream_no integer, add kafka_offset bigint;
comment on column kasumori.record.stream_no is 'Of its row in kasumori.ingest_log; null: stored before this was kept.';
comment on column kasumori.record.kafka_offset is 'Of its row in kasumori.ingest_log; null like stream_no.';
create index record_by_ref on kasumori.record (tenant, site, happening_ref) where happening_ref is not null;

create table kasumori.alert_record (
    tenant text not null,
    record_id uuid not null,
    alert uuid not null,
    constraint alert_record_key primary key (tenant, record_id, alert)
);
comment on table kasumori.alert_record is 'Journal: which alerts have ever rested on a record; what they rest on now is in the last alert_change.';
comment on column kasumori.alert_record.tenant is 'The company.';
comment on column kasumori.alert_record.record_id is 'The record.';
comment on column kasumori.alert_record.alert is 'The alert.';
insert into kasumori.alert_record (tenant, record_id, alert)
select distinct tenant, record_id, alert from kasumori.alert_change
cross join unnest(records) as list (record_id);

select kasumori.protect_tenant('kasumori.alert_record');
grant select, insert on kasumori.alert_record to kasumori_aggregator;
