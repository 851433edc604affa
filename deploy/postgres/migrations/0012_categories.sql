-- Code tables of categories, the same for all tenants. A record names scheme:version:code, so that
-- history stays readable when a scheme changes. Official names are written down or left open, never
-- made up: an operator fills the rest (kasumori category load).
create table kasumori.category_scheme (
    scheme text not null,
    version text not null,
    ja text not null,
    en text not null,
    is_complete boolean not null,
    loaded_at timestamptz not null default now(),
    constraint category_scheme_key primary key (scheme, version),
    constraint category_scheme_name check (scheme ~ '^[^\s:]{1,64}$' and version ~ '^[^\s:]{1,64}$')
);
comment on table kasumori.category_scheme is 'State: a version of a code table of categories.';
comment on column kasumori.category_scheme.scheme is 'kasumori.v1.Category.scheme.';
comment on column kasumori.category_scheme.version is 'kasumori.v1.Category.version.';
comment on column kasumori.category_scheme.ja is 'Its name in Japanese.';
comment on column kasumori.category_scheme.en is 'Its name in English.';
comment on column kasumori.category_scheme.is_complete is 'All its codes are in kasumori.category.';
comment on column kasumori.category_scheme.loaded_at is 'When it was last loaded.';

create table kasumori.category (
    scheme text not null,
    version text not null,
    code text not null,
    place smallint not null,
    ja text,
    en text,
    severity smallint,
    constraint category_key primary key (scheme, version, code),
    constraint category_scheme_is_known foreign key (scheme, version)
        references kasumori.category_scheme (scheme, version),
    constraint category_code check (code ~ '^[^\s:]{1,64}$'),
    constraint category_names check ((ja is null) = (en is null) and ja <> '' and en <> ''),
    constraint category_severity check (severity between 1 and 5)
);
comment on table kasumori.category is 'State: the codes of a scheme.';
comment on column kasumori.category.scheme is 'kasumori.category_scheme.scheme.';
comment on column kasumori.category.version is 'kasumori.category_scheme.version.';
comment on column kasumori.category.code is 'kasumori.v1.Category.code.';
comment on column kasumori.category.place is 'Place in the scheme''s own order, from 1.';
comment on column kasumori.category.ja is 'Name in Japanese; null: the scheme has one that is not known here.';
comment on column kasumori.category.en is 'Name in English; null like ja.';
comment on column kasumori.category.severity is 'Proposed severity, 1 to 5; null: none. What counts is the table of the policy in force.';

create table kasumori.category_mapping (
    scheme text not null,
    version text not null,
    code text not null,
    to_scheme text not null,
    to_version text not null,
    to_code text not null,
    constraint category_mapping_key primary key (scheme, version, code, to_scheme, to_version, to_code),
    constraint category_mapping_from foreign key (scheme, version, code)
        references kasumori.category (scheme, version, code),
    constraint category_mapping_to foreign key (to_scheme, to_version, to_code)
        references kasumori.category (scheme, version, code),
    constraint category_mapping_leads_elsewhere check ((scheme, version) <> (to_scheme, to_version))
);
comment on table kasumori.category_mapping is 'State: which codes of another scheme a code is near to, for tables that count across schemes; it judges nothing.';
comment on column kasumori.category_mapping.scheme is 'Of the code that is mapped.';
comment on column kasumori.category_mapping.version is 'Of the code that is mapped.';
comment on column kasumori.category_mapping.code is 'The code that is mapped.';
comment on column kasumori.category_mapping.to_scheme is 'Of the code it is near to.';
comment on column kasumori.category_mapping.to_version is 'Of the code it is near to.';
comment on column kasumori.category_mapping.to_code is 'The code it is near to.';

insert into kasumori.category_scheme (scheme, version, ja, en, is_complete) values
    ('mhlw9', '2022', '厚生労働省 カスタマーハラスメント対策企業マニュアル(2022年)', 'MHLW manual for companies, 2022', true),
    ('ccaj12', '2025', '日本コンタクトセンター協会 カスタマーハラスメント対策ガイドライン(2025年3月)', 'CCAJ guideline, March 2025', false),
    ('tokyo', '2025', '東京都カスタマー・ハラスメント防止条例(2025年4月施行)', 'Tokyo ordinance, in force since April 2025', false),
    ('law2026', '2026', '改正労働施策総合推進法(2026年10月施行)', 'national law, in force since October 2026', false);

insert into kasumori.category (scheme, version, code, place, ja, en, severity) values
    ('mhlw9', '2022', 'time', 1, '時間拘束', 'time-binding', 2),
    ('mhlw9', '2022', 'repeat', 2, 'リピート', 'repeat', 2),
    ('mhlw9', '2022', 'abuse', 3, '暴言', 'verbal abuse', 3),
    ('mhlw9', '2022', 'violence', 4, '暴力', 'violence', 5),
    ('mhlw9', '2022', 'threat', 5, '威嚇・脅迫', 'intimidation, threat', 4),
    ('mhlw9', '2022', 'authority', 6, '権威', 'authority', 3),
    ('mhlw9', '2022', 'offsite', 7, '店舗外拘束', 'confinement outside the store', 4),
    ('mhlw9', '2022', 'sns', 8, 'SNS・インターネット上での誹謗中傷', 'defamation on the Internet', 3),
    ('mhlw9', '2022', 'sexual', 9, 'セクシュアルハラスメント', 'sexual harassment', 4);

-- Twelve kinds, of which three names are public.
insert into kasumori.category (scheme, version, code, place, ja, en) values
    ('ccaj12', '2025', 'confinement', 1, '長時間拘束', 'long confinement'),
    ('ccaj12', '2025', 'repeat', 2, 'リピート', 'repeat'),
    ('ccaj12', '2025', 'abuse', 3, '暴言・怒声', 'verbal abuse, shouting'),
    ('ccaj12', '2025', 'unknown4', 4, null, null),
    ('ccaj12', '2025', 'unknown5', 5, null, null),
    ('ccaj12', '2025', 'unknown6', 6, null, null),
    ('ccaj12', '2025', 'unknown7', 7, null, null),
    ('ccaj12', '2025', 'unknown8', 8, null, null),
    ('ccaj12', '2025', 'unknown9', 9, null, null),
    ('ccaj12', '2025', 'unknown10', 10, null, null),
    ('ccaj12', '2025', 'unknown11', 11, null, null),
    ('ccaj12', '2025', 'unknown12', 12, null, null);

insert into kasumori.category_mapping (scheme, version, code, to_scheme, to_version, to_code) values
    ('ccaj12', '2025', 'confinement', 'mhlw9', '2022', 'time'),
    ('ccaj12', '2025', 'repeat', 'mhlw9', '2022', 'repeat'),
    ('ccaj12', '2025', 'abuse', 'mhlw9', '2022', 'abuse');

grant select on kasumori.category_scheme, kasumori.category, kasumori.category_mapping
    to kasumori_aggregator, kasumori_monitor, kasumori_privacy;
