#!/bin/sh
# Pins requirements/*.in with hashes for all supported Pythons and systems, leaving out releases
# younger than a week: most stolen releases are found and taken down within days.
# UPGRADE=1 moves all pins, UPGRADE=name only that one; COOL_DAYS=0 takes a release at once, for a
# security fix or where a requirement is younger than a week.
# Then it proves that the locks are complete: installed without resolving, into empty environments.
set -eu
cd "$(dirname "$0")/.."
sh tools/setup.sh run
venv=.build/lock-venv
[ -x "$venv/bin/python" ] || .venv/bin/python -m venv --clear "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
    -r requirements/lock.txt
uv=$PWD/$venv/bin/uv
cooled=$(.venv/bin/python -c 'from datetime import UTC, datetime, timedelta; import sys; print((datetime.now(UTC) - timedelta(days=int(sys.argv[1]))).strftime("%Y-%m-%dT%H:%M:%SZ"))' "${COOL_DAYS:-7}")
case ${UPGRADE:-} in
    '') upgrade= ;;
    1) upgrade=--upgrade ;;
    *) upgrade="--upgrade-package $UPGRADE" ;;
esac

cd requirements
for name in run dev lock; do
    # Two words on purpose.
    # shellcheck disable=SC2086
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
        --no-emit-index-url --exclude-newer "$cooled" $upgrade -o "$name.txt" "$name.in"
done
cd ..

# Every supported Python: wheels of all pins exist, so that nothing is built on a user's machine.
# The tests' servers (dev.txt) may bring a source release.
for version in 3.11 3.12 3.13 3.14; do
    for name in run dev; do
        wheels=
        [ "$name" = dev ] || wheels="--only-binary :all:"
        target=.build/lock-proof/$name-$version
        rm -rf "$target"
        # shellcheck disable=SC2086
        "$uv" pip install --quiet --no-deps --require-hashes $wheels --python-version "$version" \
            --target "$target" -r "requirements/$name.txt"
        echo "lock: $name.txt: all $(ls -d "$target"/*.dist-info | wc -l) packages for Python $version"
        rm -rf "$target"
    done
done

# The image's machines: both have a wheel of each pin.
.venv/bin/python tools/wheels.py

# As `make setup` does it: pip, no resolving, and then every requirement must be there.
for name in run dev; do
    proof=.build/lock-proof/$name
    .venv/bin/python -m venv --clear "$proof"
    "$proof/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
        -r "requirements/$name.txt"
    echo "lock: $name.txt in an empty environment: $("$proof/bin/python" -m pip check --disable-pip-version-check)"
    rm -rf "$proof"
done
