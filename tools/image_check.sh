#!/bin/sh
# Builds the container image without a daemon, over a Debian of our own making, and runs `check` and
# `rehearse` in the built file system: as user 10001, root read-only, no network, no privileges.
# Everything lies below .build/image; the second run is quicker. DEBIAN=bookworm names the release.
set -eu
cd "$(dirname "$0")/.."
release=${DEBIAN:-bookworm}
room=$PWD/.build/image
base=$room/base-$release

say() { echo "image-check: $*" >&2; }
fail() { say "$*"; exit 1; }
[ "$(id -u)" = 0 ] || fail "root is needed (file systems are mounted); run: sudo make image-check"
for tool in buildah debootstrap unshare setpriv; do
    command -v "$tool" >/dev/null || fail "please install (Debian's names): buildah debootstrap util-linux"
done
mkdir -p "$room"
build() { buildah --storage-driver vfs --root "$room/storage" --runroot "$room/storage-run" "$@"; }

if [ ! -e "$base.made" ]; then
    say "making a Debian $release (a minute, once)"
    rm -rf "$base"
    debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates "$release" "$base" \
        >"$room/debootstrap.log" 2>&1 || { tail -n 5 "$room/debootstrap.log" >&2; exit 1; }
    touch "$base.made"
fi
if ! build images --quiet "localhost/base-$release" >/dev/null 2>&1; then
    container=$(build from scratch)
    build add --quiet "$container" "$base" / >/dev/null
    build commit --quiet "$container" "localhost/base-$release" >/dev/null
    build rm "$container" >/dev/null
fi

say "building the image"
commit=$(git rev-parse HEAD 2>/dev/null || echo unknown)
version=$(sed -n 's/^VERSION = "\(.*\)"/\1/p' bot/__init__.py)
# The host's certificates, so that packages can be fetched where a company's proxy has its own.
build build --format docker --isolation chroot -v /etc/ssl/certs:/etc/ssl/certs:ro \
    --build-arg "BASE=localhost/base-$release" --build-arg "COMMIT=$commit" \
    --build-arg "VERSION=$version" -t localhost/verbatim-check . \
    >"$room/build.log" 2>&1 || { tail -n 20 "$room/build.log" >&2; exit 1; }
build inspect --type image --format '{{.Docker.Config.Healthcheck}}' localhost/verbatim-check |
    grep -q '/livez' || fail "the image has lost its HEALTHCHECK"
build inspect --type image --format '{{.Docker.Config.Labels}}' localhost/verbatim-check |
    grep -q "org.opencontainers.image.revision:$commit" || fail "the image does not name its commit"

container=$(build from localhost/verbatim-check)
top=$(build mount "$container")
trap 'build umount "$container" >/dev/null; build rm "$container" >/dev/null' EXIT

# Runs `run_bot.py "$@"` in the image; the mounts vanish with the namespace.
in_image() {
    unshare --mount --net --ipc --pid --fork --propagation private sh -eu -c '
        top=$1 data=$2; shift 2
        mount --bind "$top" "$top"
        mount -o remount,ro,bind "$top"
        mount -t tmpfs -o noexec,nosuid,nodev,mode=1777,size=64m tmp "$top/tmp"
        mount --bind "$data" "$top/data"
        mount -t proc -o nosuid,nodev,noexec proc "$top/proc"
        mount -t tmpfs -o noexec,nosuid,mode=0755 dev "$top/dev"
        for node in null zero urandom; do
            : >"$top/dev/$node"
            mount --bind "/dev/$node" "$top/dev/$node"
        done
        exec env -i PATH=/opt/verbatim/bin:/usr/local/bin:/usr/bin:/bin HOME=/tmp LANG=C.UTF-8 \
            VERBATIM_CONFIG=/campaign/schedule.yaml VERBATIM_POSTS=/campaign/posts \
            VERBATIM_DATA=/data PYTHONDONTWRITEBYTECODE=1 \
            unshare --root="$top" --wd=/app setpriv --reuid 10001 --regid 10001 --clear-groups \
            --no-new-privs --inh-caps=-all --bounding-set=-all "$@"
    ' in-image "$top" "$data" "$@"
}

data=$room/data
rm -rf "$data"
install -d -o 10001 -g 10001 -m 0700 "$data"
in_image sh -c '! touch /app/x 2>/dev/null' || fail "the root file system can be written"
in_image sh -c 'test "$(id -u)" = 10001' || fail "not user 10001"
in_image python -c 'from PIL import features as f; raise SystemExit(not (f.check("raqm") and f.check("fribidi")))' ||
    fail "quote cards could not set right-to-left text"
told=$(in_image python run_bot.py --version)
[ "$told" = "verbatim $version (commit $commit)" ] || fail "--version says: $told"
say "run_bot.py check"
in_image python run_bot.py check
say "run_bot.py rehearse --days ${DAYS:-7}"
in_image python run_bot.py rehearse --days "${DAYS:-7}"
open_files=$(find "$data" -perm /077)
[ -z "$open_files" ] || fail "others may read: $open_files"
say "well: built, and ran read-only, without a network, as user 10001"
