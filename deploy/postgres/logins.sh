#!/usr/bin/env bash
# Runs once in a fresh cluster: the login roles of the services. The schema's own roles, which carry the
# rights, are made by `kasumori migrate`; a login made here joins its role there or here, whichever is later.
set -euo pipefail

login() {
    local role=$1 name=$2 password_file=$3
    psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
        -v role="$role" -v name="$name" -v password="$(cat "$password_file")" <<'SQL'
select format('create role %I nologin', :'role') where not exists (select from pg_roles where rolname = :'role') \gexec
select format('create role %I login password %L in role %I', :'name', :'password', :'role') \gexec
SQL
}

login kasumori_aggregator kasumori_aggregator_login /run/secrets/aggregator_password
login kasumori_monitor kasumori_monitor_login /run/secrets/monitor_password
