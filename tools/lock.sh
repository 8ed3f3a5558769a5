#!/bin/sh
# Pins requirements/*.in with hashes for all supported Pythons and systems, leaving out releases
# younger than a week: most stolen releases are found and taken down within days.
# UPGRADE=1 moves all pins, not only those that must move; COOL_DAYS=0 takes a release at once,
# for a security fix or where a requirement is younger than a week.
set -eu
cd "$(dirname "$0")/.."
sh tools/setup.sh run
venv=.build/lock-venv
[ -x "$venv/bin/uv" ] || .venv/bin/python -m venv --clear "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/lock.txt
cooled=$(.venv/bin/python -c 'from datetime import UTC, datetime, timedelta; import sys; print((datetime.now(UTC) - timedelta(days=int(sys.argv[1]))).strftime("%Y-%m-%dT%H:%M:%SZ"))' "${COOL_DAYS:-7}")
cd requirements
for name in run dev lock; do
    "../$venv/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
        --no-emit-index-url --exclude-newer "$cooled" ${UPGRADE:+--upgrade} -o "$name.txt" "$name.in"
done
