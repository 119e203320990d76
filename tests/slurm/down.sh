#!/usr/bin/env bash
# Ends a Slurm that up.sh started: its jobs, then its daemons, by their own process ids.
#
#   bash tests/slurm/down.sh FOLDER
set -uo pipefail
S=$(cd "$1" && pwd) || exit 0
export SLURM_CONF=$S/slurm.conf PATH="$PATH:/usr/sbin:/sbin"

if timeout 10 scancel --user="$(id -un)" 2>/dev/null; then
    for _ in $(seq 1 60); do
        [ -n "$(timeout 10 squeue -h 2>/dev/null)" ] || break
        sleep 0.5
    done
fi
for name in slurmd slurmctld munged; do
    pid=$(cat "$S/run/$name.pid" 2>/dev/null) || continue
    kill "$pid" 2>/dev/null || continue
    for _ in $(seq 1 40); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.25
    done
    kill -9 "$pid" 2>/dev/null
done
exit 0
