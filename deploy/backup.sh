#!/bin/sh
# Makes a proved backup each night at 03:10 UTC, and keeps seven days, four weeks and twelve months.
# BACKUP_NOW=1 makes one at once and ends. BACKUP_TO names public keys (age1…) that alone open it.
set -eu
umask 077
folder=${BACKUPS:-/backups}

make() {
    new=$folder/new
    rm -f "$new"
    set --
    for key in ${BACKUP_TO:-}; do set -- "$@" --encrypt-to "$key"; done
    python3 run_bot.py backup "$new" "$@"
    for name in "day-$(date -u +%u)" "week-$((($(date -u +%-d) - 1) / 7 % 4))" "month-$(date -u +%m)"; do
        cp "$new" "$folder/$name.part"
        mv "$folder/$name.part" "$folder/$name.db"
    done
    rm -f "$new"
}

[ -z "${BACKUP_NOW:-}" ] || { make; exit; }
while :; do
    now=$(date -u +%s)
    # A signal ends the wait at once.
    sleep $(((now - 11400) / 86400 * 86400 + 86400 + 11400 - now)) &
    wait $!
    # In a process of its own: a function before `||` would go on after a command that failed.
    BACKUP_NOW=1 sh "$0" || echo "backup: failed; the next try is tomorrow night" >&2
done
