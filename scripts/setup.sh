#!/usr/bin/env bash
# Installs the system packages that are missing: a C compiler (SQLite and the TLS library are built from source),
# Python with venv (the Postgres of the tests comes from PyPI), git. Says nothing when nothing is missing.
set -euo pipefail

say() { echo "setup: $*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }

if ! have cargo; then
    say 'Rust is missing: install it from https://rustup.rs and start again'
    exit 1
fi

packages=()
have cc || packages+=(build-essential)
have git || packages+=(git)
if ! have python3; then
    packages+=(python3 python3-venv)
elif ! python3 -c 'import ensurepip, venv' >/dev/null 2>&1; then
    packages+=(python3-venv)
fi
[[ ${#packages[@]} -eq 0 ]] && exit 0

if ! have apt-get; then
    say 'these are missing, and this is not a Debian-like system: a C compiler as `cc`, git, Python 3 with venv'
    say "(their Debian names: ${packages[*]}); install them and start again"
    exit 1
fi
as_root=()
if [[ $(id -u) -ne 0 ]]; then
    if ! have sudo; then
        say "as root, run: apt-get install ${packages[*]}"
        exit 1
    fi
    as_root=(sudo)
fi
say "installing ${packages[*]}"
export DEBIAN_FRONTEND=noninteractive
if ! { "${as_root[@]}" apt-get update -q && "${as_root[@]}" apt-get install -y -q --no-install-recommends "${packages[@]}"; } >&2; then
    say "could not install ${packages[*]}: see the message of apt-get above"
    exit 1
fi
