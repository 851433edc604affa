#!/usr/bin/env bash
# Makes the files that docker-compose.yml takes as secrets, beside it: secrets/ and .env. What is there
# already is left as it is, so a second run makes only what is missing. Run it as root: a container
# reads its secrets as its own user, and the programs refuse files that others can read.
#
#   sudo deploy/docker/secrets.sh [FOLDER]     FOLDER: where docker-compose.yml is
#
# POSTGRES_UID and KASUMORI_UID, when the engine maps users to others than 999 and 10001.
set -euo pipefail
umask 077

root=${1:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
secrets=$root/secrets
postgres_uid=${POSTGRES_UID:-999}
kasumori_uid=${KASUMORI_UID:-10001}

own() { # UID PATH
    if [[ $(stat -c %u "$2") != "$1" ]]; then
        chown "$1:$1" "$2" || {
            echo "secrets.sh: could not give $2 to user $1: run this as root" >&2
            exit 1
        }
    fi
}

make() { # UID NAME: a file with what comes in, complete or not at all
    local path=$secrets/$2 partial
    if [[ ! -e $path ]]; then
        partial=$(mktemp "$secrets/.partial.XXXXXX")
        cat >"$partial"
        mv -n "$partial" "$path"
        rm -f "$partial"
        echo "made $path"
    else
        cat >/dev/null
    fi
    own "$1" "$path"
}

password() { od -An -v -tx1 -N24 /dev/urandom | tr -d ' \n'; }

# A password as PostgreSQL's own container reads it, and the same one as libpq looks it up.
account() { # NAME USER DATABASE
    password | make "$postgres_uid" "$1_password"
    printf 'postgres:5432:%s:%s:%s\n' "$3" "$2" "$(<"$secrets/$1_password")" |
        make "$kasumori_uid" "$1.pgpass"
}

mkdir -p "$secrets/keys"
own "$kasumori_uid" "$secrets/keys" # the operator's command writes there

account postgres postgres '*'
account aggregator kasumori_aggregator_login kasumori
account monitor kasumori_monitor_login kasumori

if ! grep -qs '^KAFKA_CLUSTER_ID=' "$root/.env"; then
    # 16 random bytes in base64 for URLs, as Kafka wants it; no dash in front, or it looks like an option.
    id=$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=')
    (umask 022 && printf 'KAFKA_CLUSTER_ID=%s\n' "${id/#-/K}" >>"$root/.env") # no secret
    echo "made KAFKA_CLUSTER_ID in $root/.env"
fi
