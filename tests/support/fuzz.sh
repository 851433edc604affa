#!/usr/bin/env bash
# Runs every fuzzer for a while, each from its corpus in tests/fuzz/corpus, under ASan and UBSan.
#
#   fuzz.sh SECONDS [SEED]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
seconds=${1:?how many seconds for each fuzzer}
seed=${2:-$((RANDOM * 32768 + RANDOM + 1))}
compiler=$(compgen -c clang- | grep -E '^clang-[0-9]+$' | sort -t- -k2n | head -n 1)

cmake --preset fuzz -DCMAKE_C_COMPILER="$compiler" >/dev/null
cmake --build --preset fuzz -j "$(nproc)"
count=0 failed=0
for corpus in tests/fuzz/corpus/*/; do
    name=$(basename "$corpus")
    fuzzer=$(find build/fuzz/tests/fuzz -type f -executable -name "$name" | head -n 1)
    if [[ -z $fuzzer ]]; then
        printf 'fuzz: %s has a corpus and no fuzzer\n' "$name" >&2
        failed=$((failed + 1))
        continue
    fi
    found=build/fuzz/found/$name
    mkdir -p "$found/corpus"
    printf 'fuzz: %s for %s s, seed %s\n' "$name" "$seconds" "$seed"
    if ! "$fuzzer" -max_total_time="$seconds" -seed="$seed" -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$found/" "$found/corpus" "$corpus" >"$found/log" 2>&1; then
        tail -n 40 "$found/log"
        failed=$((failed + 1))
    fi
    grep -E 'number_of_executed_units' "$found/log" || true
    count=$((count + 1))
done
printf 'fuzz: seed %s, %s fuzzers of %s s each, %s failed\n' "$seed" "$count" "$seconds" "$failed"
[[ $count != 0 && $failed == 0 ]]
