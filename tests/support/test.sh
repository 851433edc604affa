#!/usr/bin/env bash
# What make test runs, cheapest first, so that a plain mistake shows early.
#
#   test.sh          all of it
#   test.sh lint     only the checks of the text
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
python=${XDG_CACHE_HOME:-$HOME/.cache}/kasumori/venv/bin/python
jobs=${JOBS:-$(nproc)}

failed=()
step() { printf '\n== %s (%s s)\n' "$*" "$SECONDS"; }
# A failing step is told at the end too, and keeps no later one from being seen.
check() {
    local name=$1
    shift
    step "$name"
    "$@" || failed+=("$name")
}
build() {
    step "build $1"
    cmake --preset "$1" >/dev/null
    cmake --build --preset "$1" -j "$jobs"
}

build dev
if [[ ${1:-} == lint ]]; then
    ctest --preset dev -L lint
    exit
fi
# Component tests wait for servers more than they compute, hence one job more than there are cores.
# Of the two long enumerations the crash points run here and the failing calls under ASan, which
# sees what they leak.
check "ctest dev" env KASUMORI_BUILD="$PWD/build/dev" ctest --preset dev -L 'lint|unit|sim|fuzz|component' \
    -E '^test_spool_fail$' -j "$((jobs + 1))"

build asan
check "ctest asan" env KASUMORI_BUILD="$PWD/build/asan" ctest --preset asan -L 'unit|sim|fuzz|component' \
    -E '^test_spool_crash$' -j "$((jobs + 1))"

build tsan
check "ctest tsan" ctest --preset tsan -L 'unit|sim' -j "$jobs"

check "model" env KASUMORI_BUILD="$PWD/build/dev" "$python" -m pytest -q tests/model

check "end to end" env KASUMORI_BUILD="$PWD/build/dev" "$python" -m pytest -q tests/e2e

if ((${#failed[@]})); then
    printf 'failed: %s\n' "${failed[@]}"
    exit 1
fi
