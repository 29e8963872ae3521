#!/bin/sh
# Makes a random password for each account of compose.yaml, once: one that is there stays.
#
# The folder is closed to others; the files in it are readable, for in the containers each program
# runs as a user of its own, and sees the files that it was given and not the folder.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
chmod 700 secrets
for name in influx_admin influx_write influx_read grafana_admin; do
    file="secrets/$name"
    if [ -s "$file" ]; then
        echo "$file: unchanged"
        continue
    fi
    head -c 30 /dev/urandom | base64 | tr -d '\n+/=' >"$file.part"
    chmod 644 "$file.part"
    mv "$file.part" "$file"
    echo "$file: made"
done
