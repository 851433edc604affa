#!/usr/bin/env bash
# Every test that makes the n-th call fail, for every n: allocations, writes, fsyncs, statements,
# sends; and the power cut at each write of the spool. Under ASan, which sees what they leak, but for
# the crash points, which only take long there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
jobs=${JOBS:-$(nproc)}
log=build/faults.log
crash=test_spool_crash

for preset in asan dev; do
    cmake --preset "$preset" >/dev/null
    cmake --build --preset "$preset" -j "$jobs" >/dev/null
done

# The programs whose sources ask for the n-th failure: the build knows which is made of which.
mapfile -t sources < <(grep -rlE 'fail_nth|crash_everywhere' --include='test_*.c' tests/unit tests/component)
names=()
for source in "${sources[@]}"; do
    object=$(find "build/asan/$(dirname "$source")" -name "$(basename "$source").o" | head -n 1)
    target=${object#*CMakeFiles/}
    [[ -n $object ]] || { printf 'faults: %s is not built\n' "$source" >&2; exit 1; }
    names+=("${target%%.dir/*}")
done
pattern="^($(IFS='|'; printf '%s' "${names[*]}"))$"

mkdir -p build
status=0
KASUMORI_BUILD=$PWD/build/asan ctest --preset asan -R "$pattern" -E "^$crash$" -V -j "$jobs" >"$log" 2>&1 || status=1
KASUMORI_BUILD=$PWD/build/dev ctest --preset dev -R "^$crash$" -V >>"$log" 2>&1 || status=1
programs=$(grep -cE 'Test +#[0-9]+: .*(Passed|\*\*\*)' "$log" || true)
passed=$(grep -cE '\[ +OK +\]' "$log" || true)
failed=$(grep -cE '\[ +FAILED +\] [a-z_0-9]+$|\*\*\*(Failed|Timeout|Exception|Not Run)' "$log" || true)
[[ $status == 0 ]] || grep -E '\[ +FAILED +\]|\*\*\*|ERROR|Assertion' "$log" | head -n 40
printf 'faults: %s programs that make each call fail in turn: %s tests passed, %s failed\n' "$programs" "$passed" "$failed"
[[ $status == 0 && $passed != 0 ]]
