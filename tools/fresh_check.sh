#!/bin/sh
# Proves the README's two commands on a bare machine: a minbase Debian with only python3, make and
# CA certificates, in which a copy of this tree runs `make run`, then `make test`.
#   tools/fresh_check.sh              the whole; DEBIAN="bookworm trixie" names the releases
#   tools/fresh_check.sh set-up       only `make setup`, `check` and one use of each tool
#   tools/fresh_check.sh if-changed   the same, if what sets up is not what the whole was last run with
# The whole writes what it printed to requirements/fresh-check.txt. Needs root and debootstrap.
set -eu
cd "$(dirname "$0")/.."
what=${1:-whole}
releases=${DEBIAN:-bookworm trixie}
room=$PWD/.build/fresh
record=requirements/fresh-check.txt
# In a bare root.
project=/srv/project

say() { echo "fresh-check: $*" >&2; }
fail() { say "$*"; exit 1; }

# Hash of all that decides what a fresh machine installs.
set_up_hash() {
    cat requirements/run.txt requirements/dev.txt tools/setup.sh docs/system-packages.md \
        tests/*/package-lock.json tests/*/*/package-lock.json | sha256sum | cut -d ' ' -f 1
}

case $what in
    whole | set-up) ;;
    if-changed)
        if grep -qF "$(set_up_hash)" "$record"; then
            say "nothing that sets up has changed since $record was written"
            exit 0
        fi
        what=set-up releases=${releases%% *}
        ;;
    *) fail "usage: tools/fresh_check.sh [set-up|if-changed]" ;;
esac
[ "$(id -u)" = 0 ] || fail "root is needed (file systems are mounted); run: sudo make fresh-check"
command -v debootstrap >/dev/null || sh tools/setup.sh image
mkdir -p "$room"

make_base() {
    if [ -e "$base.made" ]; then return; fi
    say "making a bare Debian $release (a minute, once)"
    rm -rf "$base"
    debootstrap --variant=minbase --include=python3,make,ca-certificates "$release" "$base" \
        >"$room/debootstrap.log" 2>&1 || { tail -n 5 "$room/debootstrap.log" >&2; exit 1; }
    touch "$base.made"
}

# What is, or could be, committed; and the third-party data beside it.
copy_tree() {
    mkdir -p "$top$project/main"
    git ls-files -z --cached --others --exclude-standard |
        tar --create --null --files-from=- --ignore-failed-read 2>/dev/null |
        tar --extract --directory "$top$project/main"
    [ ! -d ../shared ] || cp -rL ../shared "$top$project/shared"
    # Names and certificates as here, so that packages can be fetched behind a company's proxy.
    cp /etc/resolv.conf "$top/etc/resolv.conf"
    cp /etc/ssl/certs/ca-certificates.crt "$top/etc/ssl/certs/ca-certificates.crt"
}

# Runs a command in the bare root; the mounts and all processes vanish with the namespace.
in_root() {
    unshare --mount --pid --fork --kill-child --propagation private sh -eu -c '
        top=$1 project=$2; shift 2
        mount -t proc proc "$top/proc"
        mount -t tmpfs -o mode=0755 dev "$top/dev"
        for node in null zero full random urandom tty; do
            : >"$top/dev/$node"
            mount --bind "/dev/$node" "$top/dev/$node"
        done
        ln -s /proc/self/fd "$top/dev/fd"
        mkdir "$top/dev/pts"
        mount -t devpts -o newinstance,ptmxmode=0666 pts "$top/dev/pts"
        ln -s pts/ptmx "$top/dev/ptmx"
        mkdir "$top/dev/shm"
        mount -t tmpfs -o mode=1777 shm "$top/dev/shm"
        bundle=/etc/ssl/certs/ca-certificates.crt
        exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
            CI=true PIP_CERT=$bundle SSL_CERT_FILE=$bundle NODE_EXTRA_CA_CERTS=$bundle \
            chroot "$top" sh -c "cd $project/main && $*"
    ' in-root "$top" "$project" "$@"
}

# Runs a command, keeps what it prints, and shows its last line.
step() {
    name=$1
    say "$release: $name"
    log="$room/$release-$(echo "$name" | tr -c '[:alnum:]\n' -).log"
    in_root "$name" >"$log" 2>&1 || { tail -n 40 "$log" >&2; fail "$release: $name failed; see $log"; }
    closing=$(grep -v '^$' "$log" | tail -n 1)
    say "$release: $name: $closing"
    echo "$release: $name: $closing" >>"$room/record"
}

: >"$room/record"
for release in $releases; do
    base=$room/base-$release top=$room/root-$release
    make_base
    rm -rf "$top"
    cp -a --reflink=auto "$base" "$top"
    copy_tree
    step "python3 --version"
    if [ "$what" = whole ]; then
        step "make run"
        step "make test"
    else
        step "make setup"
        step "python3 run_bot.py check"
        step ".venv/bin/pytest -n 0 tests/setup"
    fi
    rm -rf "$top"
done
[ "$what" = whole ] || exit 0
{
    echo "# Written by \`make fresh-check\`: what bare Debian roots printed, and the hash of what sets up."
    echo "set-up $(set_up_hash)"
    cat "$room/record"
} >"$record"
say "well: written to $record"
