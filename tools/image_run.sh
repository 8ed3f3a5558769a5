#!/bin/sh
# Usage: image_run.sh TREE DATA COMMAND...
# Runs a command in the file system TREE of the built image as compose.yaml says: user 10001, root
# read-only, no privileges, DATA at /data, 64 MB of /tmp, at most 128 processes and 512 MB (MEMORY).
# NETWORK=host gives it the machine's network (none else), CAMPAIGN and SECRETS mount these folders
# read-only, MORE one more at /run/more; MACHINE is its name. All VERBATIM_ variables are handed on.
# Needs root.
set -eu
# The kernel's control groups (version 1) bound memory and processes; elsewhere nothing does.
rmdir /sys/fs/cgroup/*/verbatim-image-* 2>/dev/null || true  # left by one that was killed
groups=
for limit in memory/limit_in_bytes=${MEMORY:-512M} pids/max=128; do
    kind=${limit%%/*} group=/sys/fs/cgroup/${limit%%/*}/verbatim-image-$$
    mkdir "$group" 2>/dev/null || continue
    limit=${limit#*/}
    echo "${limit#*=}" >"$group/$kind.${limit%=*}"
    groups="$groups $group"
done
trap 'for group in $groups; do rmdir "$group" || true; done' EXIT
network=--net
[ "${NETWORK:-}" != host ] || network=
# The mounts vanish with the namespace.
GROUPS_TO_JOIN=$groups unshare --mount $network --ipc --uts --pid --fork --kill-child --propagation private sh -eu -c '
    top=$1 data=$2; shift 2
    echo "${MACHINE:-verbatim}" >/proc/sys/kernel/hostname
    for group in $GROUPS_TO_JOIN; do echo 0 >"$group/cgroup.procs"; done
    mount --bind "$top" "$top"
    mount -o remount,ro,bind "$top"
    mount -t tmpfs -o noexec,nosuid,nodev,mode=1777,size=64m tmp "$top/tmp"
    mount --bind "$data" "$top/data"
    [ -z "${CAMPAIGN:-}" ] || { mount --bind "$CAMPAIGN" "$top/campaign"; mount -o remount,ro,bind "$top/campaign"; }
    mount -t proc -o nosuid,nodev,noexec proc "$top/proc"
    mount -t tmpfs -o noexec,nosuid,mode=0755 run "$top/run"
    for pair in "secrets=${SECRETS:-}" "more=${MORE:-}"; do
        from=${pair#*=} to=$top/run/${pair%%=*}
        [ -z "$from" ] || { mkdir "$to"; mount --bind "$from" "$to"; mount -o remount,ro,bind "$to"; }
    done
    mount -t tmpfs -o noexec,nosuid,mode=0755 dev "$top/dev"
    for node in null zero urandom; do
        : >"$top/dev/$node"
        mount --bind "/dev/$node" "$top/dev/$node"
    done
    known=$(env | sed -n "s/^\(VERBATIM_[A-Z_]*\)=.*/\1/p")
    set -- unshare --root="$top" --wd=/app setpriv --reuid 10001 --regid 10001 --clear-groups \
        --no-new-privs --inh-caps=-all --bounding-set=-all "$@"
    for name in $known; do eval "value=\$$name"; set -- "$name=$value" "$@"; done
    exec env -i PATH=/opt/verbatim/bin:/usr/local/bin:/usr/bin:/bin HOME=/tmp LANG=C.UTF-8 \
        PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 ${PYTHONPATH:+PYTHONPATH=$PYTHONPATH} \
        VERBATIM_CONFIG=/campaign/schedule.yaml VERBATIM_POSTS=/campaign/posts \
        VERBATIM_DATA=/data VERBATIM_MONITOR=0.0.0.0:8766 "$@"
' image-run "$@"
