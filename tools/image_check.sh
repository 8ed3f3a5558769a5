#!/bin/sh
# Builds the container image without a daemon, over a Debian of our own making, and runs `check` and
# `rehearse` in the built file system: as user 10001, root read-only, no network, no privileges.
# Everything lies below .build/image; the second run is quicker. DEBIAN=bookworm names the release,
# ARCH=arm64 another processor: below .build/image-arm64, emulated by qemu (qemu-user-static).
set -eu
cd "$(dirname "$0")/.."
release=${DEBIAN:-bookworm}
machine=$(dpkg --print-architecture)
arch=${ARCH:-$machine}
room=$PWD/.build/image
[ "$arch" = "$machine" ] || room=$room-$arch
base=$room/base-$release

say() { echo "image-check: $*" >&2; }
fail() { say "$*"; exit 1; }
[ "$arch" = "$machine" ] || ls /proc/sys/fs/binfmt_misc/qemu-* >/dev/null 2>&1 ||
    fail "this machine does not emulate $arch; please install (Debian's name): qemu-user-static"
[ "$(id -u)" = 0 ] || fail "root is needed (file systems are mounted); run: sudo make image-check"
for tool in buildah debootstrap unshare setpriv; do
    command -v "$tool" >/dev/null || fail "please install (Debian's names): buildah debootstrap util-linux"
done
mkdir -p "$room"
build() { buildah --storage-driver vfs --root "$room/storage" --runroot "$room/storage-run" "$@"; }

if [ ! -e "$base.made" ]; then
    say "making a Debian $release (a minute, once)"
    rm -rf "$base"
    debootstrap --arch="$arch" --variant=minbase \
        --include=python3,python3-venv,ca-certificates "$release" "$base" \
        >"$room/debootstrap.log" 2>&1 || { tail -n 5 "$room/debootstrap.log" >&2; exit 1; }
    # As the slim images of Debian and Python: no manuals, no translations.
    for path in doc man info locale; do
        rm -rf "${base:?}/usr/share/$path"/*
        echo "path-exclude=/usr/share/$path/*"
    done >"$base/etc/dpkg/dpkg.cfg.d/slim"
    rm -rf "$base"/var/cache/apt/* "$base"/var/lib/apt/lists/*
    touch "$base.made"
fi
if ! build images --quiet "localhost/base-$release" >/dev/null 2>&1; then
    container=$(build from --arch "$arch" scratch)
    build add --quiet "$container" "$base" / >/dev/null
    build commit --quiet "$container" "localhost/base-$release" >/dev/null
    build rm "$container" >/dev/null
fi

say "building the image"
commit=$(git rev-parse HEAD 2>/dev/null || echo unknown)
version=$(sed -n 's/^VERSION = "\(.*\)"/\1/p' bot/__init__.py)
# The host's certificates, so that packages can be fetched where a company's proxy has its own.
build build --arch "$arch" --format docker --isolation chroot -v /etc/ssl/certs:/etc/ssl/certs:ro \
    --build-arg "BASE=localhost/base-$release" --build-arg "COMMIT=$commit" \
    --build-arg "VERSION=$version" -t localhost/verbatim-check . \
    >"$room/build.log" 2>&1 || { tail -n 20 "$room/build.log" >&2; exit 1; }
build inspect --type image --format '{{.Docker.Config.Healthcheck}}' localhost/verbatim-check |
    grep -q '/livez' || fail "the image has lost its HEALTHCHECK"
build inspect --type image --format '{{.Docker.Config.Labels}}' localhost/verbatim-check |
    grep -q "org.opencontainers.image.revision:$commit" || fail "the image does not name its commit"

# Its file system stays for `make operate`, until the next image.
build rm verbatim-check >/dev/null 2>&1 || true
build from --arch "$arch" --name verbatim-check localhost/verbatim-check >/dev/null
top=$(build mount verbatim-check)
ln -sfn "$top" "$room/tree"
data=$room/data
rm -rf "$data"
# An emulator has a memory of its own beside each process's.
[ "$arch" = "$machine" ] || export MEMORY=2G
in_image() { sh tools/image_run.sh "$top" "$data" "$@"; }
install -d -o 10001 -g 10001 -m 0700 "$data"
in_image sh -c '! touch /app/x 2>/dev/null' || fail "the root file system can be written"
in_image sh -c 'test "$(id -u)" = 10001' || fail "not user 10001"
in_image python -c 'from PIL import features as f; raise SystemExit(not (f.check("raqm") and f.check("fribidi")))' ||
    fail "quote cards could not set right-to-left text"
told=$(in_image dpkg --print-architecture)
[ "$told" = "$arch" ] || fail "it is made for $told"
told=$(in_image python run_bot.py --version)
[ "$told" = "verbatim $version (commit $commit)" ] || fail "--version says: $told"
# What it is made of, in MB; docs/operating.md has the table.
mb() { du --summarize --block-size=1000000 "$1" | cut -f 1; }
packages=$(mb "$top/opt/verbatim") program=$(mb "$top/app") campaign=$(mb "$top/campaign")
whole=$(mb "$top") below=$(mb "$base")
say "$whole MB: $below Debian with Python, $((whole - below - packages - program - campaign)) its" \
    "packages, $packages Python packages, $program the bot, $campaign the campaign"
say "run_bot.py check"
in_image python run_bot.py check
say "run_bot.py rehearse --days ${DAYS:-7}"
in_image python run_bot.py rehearse --days "${DAYS:-7}"
say "a letter in Word, a month in PDF, a partner's kit, evidence"
python3 -c 'import sys; from tests.fakes.documents import docx; sys.stdout.buffer.write(docx())' >"$data/letter.docx"
chown 10001 "$data/letter.docx" && chmod 0600 "$data/letter.docx"
in_image python - <tools/image_verbs.py
# But the copy of the campaign that `image_verbs.py` changed, which is as open as the image has it.
open_files=$(find "$data" -path "$data/released/posts" -prune -o -path "$data/released/config" -prune \
    -o -perm /077 -print)
[ -z "$open_files" ] || fail "others may read: $open_files"
say "well: built, and ran read-only, without a network, as user 10001"
