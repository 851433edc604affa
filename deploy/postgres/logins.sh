#!/usr/bin/env bash
# The login roles of the services, with the passwords in /run/secrets; again after a password changed.
# The schema's own roles, which carry the rights, are made by `kasumori migrate`; a login made here
# joins its role there or here, whichever is later.
set -euo pipefail

login() { # ROLE NAME PASSWORD_FILE
    # psql reads the password itself: an argument would be seen by everybody who lists processes.
    psql -X -q -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
        -v role="$1" -v name="$2" -v file="$3" <<'SQL'
\set password `cat :'file'`
select format('create role %I nologin', :'role') where not exists (select from pg_roles where rolname = :'role') \gexec
select format('create role %I', :'name') where not exists (select from pg_roles where rolname = :'name') \gexec
alter role :"name" login password :'password';
grant :"role" to :"name";
SQL
}

login kasumori_aggregator kasumori_aggregator_login /run/secrets/aggregator_password
login kasumori_monitor kasumori_monitor_login /run/secrets/monitor_password
