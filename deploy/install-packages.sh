#!/usr/bin/env bash
# Installs the Debian packages Stampede needs, or those that are named, when any is missing. Says nothing when
# all are there.
set -euo pipefail

# What each package is needed for. Files are looked at instead of the package database, so that what was
# installed another way counts too.
present() {
    case $1 in
        libzmq3-dev) [ -e /usr/include/zmq.h ] ;;
        libhiredis-dev) [ -e /usr/include/hiredis/hiredis.h ] ;;
        libpq-dev) [ -e /usr/include/postgresql/libpq-fe.h ] ;;
        libssl-dev) [ -e /usr/include/openssl/evp.h ] ;;
        zlib1g-dev) [ -e /usr/include/zlib.h ] ;;
        redis-server) command -v redis-server ;;
        postgresql) compgen -G '/usr/lib/postgresql/*/bin/postgres' || command -v postgres ;;
        gcc) command -v cc ;;
        *) command -v "$1" ;;
    esac >/dev/null
}

needed=("$@")
[ $# -gt 0 ] || needed=(libzmq3-dev libhiredis-dev libpq-dev libssl-dev zlib1g-dev redis-server postgresql)

missing() {
    local package
    for package in "${needed[@]}"; do
        present "$package" || echo "$package"
    done
}

mapfile -t packages < <(missing "$@")
[ ${#packages[@]} -gt 0 ] || exit 0

fail() {
    echo "Stampede needs the packages ${packages[*]}: $1" >&2
    exit 1
}

command -v apt-get >/dev/null || fail "this is not Debian, so install what corresponds to them by hand."
as_root=(env DEBIAN_FRONTEND=noninteractive)
if [ "$(id -u)" -ne 0 ]; then
    { command -v sudo && sudo -n true; } >/dev/null 2>&1 ||
        fail "run 'apt-get install ${packages[*]}' as root, because sudo does not work here without a password."
    as_root=(sudo -n "${as_root[@]}")
fi

install_missing() {
    "${as_root[@]}" apt-get install --yes --quiet=2 --no-install-recommends "${packages[@]}"
}

echo "Installing ${packages[*]} …" >&2
# A fresh machine has no package lists, or old ones: fetch them and try once more.
install_missing || { "${as_root[@]}" apt-get update --quiet=2 && install_missing; } || true

# Debian starts its own Redis and Postgres, which may fail when the standard ports are taken. Stampede runs
# its own on Unix sockets, so only the files matter.
mapfile -t packages < <(missing "$@")
[ ${#packages[@]} -eq 0 ] || fail "apt-get could not install them, see above; mend that and run this again."
