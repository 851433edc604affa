#!/usr/bin/env bash
# The wire stays readable: buf lint (STANDARD), and buf breaking (WIRE_JSON) against the schema that is
# out in the field, proto/baseline.binpb.
#
#   check_proto.sh           checks
#   check_proto.sh renew     checks, then makes the present schema the baseline (proto/README.md)
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
proto=$root/proto
baseline=$proto/baseline.binpb
modules=${XDG_CACHE_HOME:-$HOME/.cache}/kasumori/buf/node_modules/@bufbuild

die() {
    echo "check_proto.sh: $*" >&2
    exit 1
}

# The platform's own package holds the program; the package above it is only a starter script.
find_buf() {
    compgen -G "$modules/buf-*/bin/buf" | head -n 1
}

buf=$(find_buf || true)
if [[ -z $buf ]]; then
    "$root/tests/support/bootstrap.sh" test
    buf=$(find_buf) || die "there is no buf in $modules"
fi

"$buf" lint "$proto"
[[ -f $baseline ]] || die "$baseline is missing"
"$buf" breaking "$proto" --against "$baseline"
if [[ ${1:-} == renew ]]; then
    "$buf" build "$proto" --output "$baseline"
fi
