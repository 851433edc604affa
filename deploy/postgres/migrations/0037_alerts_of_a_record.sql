-- A record's page says which alerts rest on it, and its timeline finds them without reading all changes.
grant select on kasumori.alert_record to kasumori_monitor;

-- The sentence stands beside the rule's name, so it does not begin with it.
create or replace function kasumori.finding_json(f kasumori.finding, subject_said text) returns json
language sql stable as $$
    select json_strip_nulls(json_build_object(
        'finding', f.finding, 'rule', f.rule, 'matter', f.matter, 'subject', subject_said,
        'isNotice', f.is_notice, 'firstAt', kasumori.rfc3339(f.first_at), 'lastAt', kasumori.rfc3339(f.last_at),
        'occurrences', f.occurrences, 'policyVersion', f.policy_version,
        'reasons', case f.rule
            when 'confinement' then kasumori.both('応対が検知基準の時間以上に及びました',
                'talk of the limit or more')
            when 'repetition' then kasumori.both(d || '日間にカスハラ報告が' || n || '件あります',
                n || ' incidents reported ' || span)
            when 'repeat_matter' then kasumori.both('最終回答のあとも、' || d || '日間に同じ用件で' || n || '件あります',
                'the same matter ' || n || ' times after the final answer, ' || span)
            when 'cross_site' then kasumori.both(d || '日間に2拠点以上でカスハラ報告が' || n || '件あります',
                n || ' incidents reported at two sites or more ' || span)
            else kasumori.both(d || '日間の' || n || '件で言動が重くなっています',
                'severity rises over ' || n || ' incidents ' || span) end))
    from (select n, d, 'within ' || d || case d when 1 then ' day' else ' days' end as span
          from (select cardinality(f.occurrences) as n,
                       ceil(extract(epoch from f.last_at - f.first_at) / 86400)::integer
                       + (f.last_at = f.first_at)::integer as d) as counted) as x
$$;
