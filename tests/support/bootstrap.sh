#!/usr/bin/env bash
# Brings a Debian 12 or newer machine to where everything in this tree builds and runs. Installs only
# what is missing, never asks, says what it does; a second run does nothing and takes under a second.
#
#   bootstrap.sh          what the build and the demo need
#   bootstrap.sh test     also what lint checks and the board's tests need
#   bootstrap.sh fuzz     also clang with libFuzzer
set -euo pipefail

level=${1:-demo}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/kasumori

say() { printf 'bootstrap: %s\n' "$*"; }
die() {
    printf 'bootstrap: %s\n' "$*" >&2
    exit 1
}

case $level in
demo | test | fuzz) ;;
*) die "unknown level \"$level\": demo, test or fuzz" ;;
esac

# ---- packages -----------------------------------------------------------------------------------
packages=(
    ca-certificates curl git
    gcc libc6-dev cmake ninja-build make pkg-config
    librdkafka-dev libpq-dev libprotobuf-c-dev protobuf-c-compiler protobuf-compiler libevent-dev
    libsqlite3-dev libssl-dev libjansson-dev libyaml-dev libxxhash-dev libsodium-dev
    libcurl4-openssl-dev libcmocka-dev
    postgresql python3 python3-venv
)
if [[ $level != demo ]]; then
    packages+=(shellcheck chromium fonts-noto-cjk)
fi

# The oldest clang this Debian has: presets fuzz and tidy are written for 14.
clang=14
if [[ $level == fuzz ]]; then
    for clang in 14 16 19; do
        apt-cache show "clang-$clang" >/dev/null 2>&1 && break
    done
fi

has_java() {
    local version
    version=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p') || return 1
    [[ -n $version && $version -ge 17 ]]
}

missing_packages() {
    local installed package
    installed=$(dpkg-query -W -f='${db:Status-Status} ${binary:Package}\n' 2>/dev/null |
        sed -n 's/^installed \([^:]*\).*/\1/p')
    for package in "${packages[@]}"; do
        grep -qxF "$package" <<<"$installed" || printf '%s\n' "$package"
    done
    has_java || printf 'default-jre-headless\n'
    if ! command -v mvn >/dev/null && ! compgen -G "$cache/kafka-*/kafka_*.jar" >/dev/null; then
        printf 'maven\n'
    fi
    if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
        printf 'nodejs\nnpm\n'
    fi
    if [[ $level == fuzz ]]; then
        for package in "clang-$clang" "libclang-rt-$clang-dev"; do
            grep -qxF "$package" <<<"$installed" || printf '%s\n' "$package"
        done
    fi
}

apt_install() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
        -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 "$@"
}

command -v dpkg-query >/dev/null || die "cannot work here: Debian 12 or newer is needed"
mapfile -t missing < <(missing_packages)
if [[ ${#missing[@]} -gt 0 ]]; then
    as_root=()
    if [[ $(id -u) != 0 ]]; then
        as_root=(sudo -n)
        sudo -n true 2>/dev/null ||
            die "cannot install packages without root or sudo; install: ${missing[*]}"
    fi
    say "installing ${missing[*]}"
    log=$(mktemp)
    # Lists may be absent or stale: on a failure bring them up to date once and try again.
    if ! apt_install "${missing[@]}" >"$log" 2>&1; then
        say "package lists are stale, updating them"
        "${as_root[@]}" apt-get update -q >"$log" 2>&1 || {
            tail -n 20 "$log" >&2
            die "could not update the package lists"
        }
        apt_install "${missing[@]}" >"$log" 2>&1 || {
            tail -n 20 "$log" >&2
            die "could not install ${missing[*]}"
        }
    fi
    rm -f "$log"
fi

# ---- Python -------------------------------------------------------------------------------------
# Debian's own interpreter, so that another one first in PATH does not decide.
mkdir -p "$cache"
python=/usr/bin/python3
[[ -x $python ]] || python=$(command -v python3)
venv=$cache/venv
wanted=$("$python" --version && sha256sum <"$here/requirements.txt")
exec 9>"$cache/bootstrap.lock"
flock 9
if [[ ! -f $venv/kasumori.stamp || $(<"$venv/kasumori.stamp") != "$wanted" ]]; then
    say "making the Python environment $venv"
    "$python" -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    ln -sf clang-format "$venv/bin/clang-format-14"
    printf '%s\n' "$wanted" >"$venv/kasumori.stamp"
fi

# ---- the board ----------------------------------------------------------------------------------
if [[ $level == demo ]]; then
    "$root/services/monitor/web/modules.sh"
else
    "$root/services/monitor/web/modules.sh" check
fi

# ---- buf ----------------------------------------------------------------------------------------
if [[ $level != demo ]]; then
    npm=$cache/buf
    wanted=$(sha256sum <"$here/npm/package-lock.json")
    if [[ ! -f $npm/kasumori.stamp || $(<"$npm/kasumori.stamp") != "$wanted" ]]; then
        say "fetching buf into $npm"
        mkdir -p "$npm"
        cp "$here/npm/package.json" "$here/npm/package-lock.json" "$npm/"
        npm ci --prefix "$npm" --silent --no-audit --no-fund --no-update-notifier
        printf '%s\n' "$wanted" >"$npm/kasumori.stamp"
    fi
fi

# ---- Kafka --------------------------------------------------------------------------------------
(cd "$root" && "$venv/bin/python" -m tests.support.kafka fetch >/dev/null)
