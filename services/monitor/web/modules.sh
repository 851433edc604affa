#!/usr/bin/env bash
# Installs what the board is built from, exactly as the lock file says, into a cache folder named by the
# lock file's hash, and points node_modules at it. Does nothing when that is done; needs no network then.
#
#   modules.sh        what the build needs
#   modules.sh check  also the compiler, the linter and what the tests use
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
level=${1:-build}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/kasumori
folder=$cache/web-$(cat package.json package-lock.json | sha256sum | cut -c1-16)
options=(--ignore-scripts --no-audit --no-fund --no-update-notifier --silent --prefer-offline)
if [[ $level == build ]]; then
    options+=(--omit=dev)
fi

mkdir -p "$folder"
exec 9>"$folder/lock"
flock 9
if [[ ! -f $folder/check.stamp && ! -f $folder/$level.stamp ]]; then
    command -v npm >/dev/null || {
        printf 'modules.sh: npm is needed to build the board; tests/support/bootstrap.sh installs it\n' >&2
        exit 1
    }
    cp package.json package-lock.json "$folder/"
    npm ci --prefix "$folder" "${options[@]}"
    touch "$folder/$level.stamp"
fi
if [[ $(readlink node_modules 2>/dev/null) != "$folder/node_modules" ]]; then
    rm -rf node_modules
    ln -sfn "$folder/node_modules" node_modules
fi
