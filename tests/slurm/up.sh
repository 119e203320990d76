#!/usr/bin/env bash
# A real Slurm of one node, in a folder of its own: no systemd, no cgroups, no accounting, any user.
#
#   bash tests/slurm/up.sh FOLDER [PORT]     PORT and PORT + 1 are used; 16817 unless given
#   export SLURM_CONF=FOLDER/slurm.conf      then sbatch, squeue, scancel and srun work
#   bash tests/slurm/down.sh FOLDER
#
# Needs Debian's packages slurm-wlm and munge. Ends with 3 and a sentence where they are not installed.
set -euo pipefail
export PATH="$PATH:/usr/sbin:/sbin"
mkdir -p "$1"
S=$(cd "$1" && pwd)
PORT=${2:-16817}
WHO=$(id -un)

fail() {
    printf '%s\n' "$*" >&2
    exit "${CODE:-1}"
}
for program in munged slurmctld slurmd sbatch squeue scontrol sinfo; do
    command -v "$program" >/dev/null ||
        CODE=3 fail "$program is not installed; on Debian type: apt-get install --no-install-recommends slurm-wlm munge"
done

# munged wants folders that nobody else can write to.
umask 022
mkdir -p "$S"/{state,spool,log,run,munge}
chmod 755 "$S" "$S"/*/

cat >"$S/slurm.conf" <<CONF
ClusterName=local
SlurmctldHost=localhost
SlurmUser=$WHO
SlurmdUser=$WHO
AuthInfo=socket=$S/munge/munge.socket.2
SlurmctldPort=$PORT
SlurmdPort=$((PORT + 1))
StateSaveLocation=$S/state
SlurmdSpoolDir=$S/spool
SlurmctldPidFile=$S/run/slurmctld.pid
SlurmdPidFile=$S/run/slurmd.pid
SlurmctldLogFile=$S/log/slurmctld.log
SlurmdLogFile=$S/log/slurmd.log
# A machine with fewer cores or less memory than the node claims will do.
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=512
EnforcePartLimits=ALL
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
KillWait=${KILL_WAIT:-20}
MinJobAge=3600
ReturnToService=2
NodeName=localhost CPUs=2 CoresPerSocket=2 RealMemory=8000 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF=$S/slurm.conf

if [ ! -e "$S/munge/key" ]; then
    (umask 077 && head -c 1024 /dev/urandom >"$S/munge/key")
fi
munged --key-file="$S/munge/key" --socket="$S/munge/munge.socket.2" --pid-file="$S/run/munged.pid" \
    --log-file="$S/log/munged.log" --seed-file="$S/munge/seed" || fail "munged did not start: see $S/log/munged.log"
slurmctld || fail "slurmctld did not start: see $S/log/slurmctld.log"
slurmd || fail "slurmd did not start: see $S/log/slurmd.log"

for _ in $(seq 1 120); do
    case "$(timeout 10 sinfo -h -o %T 2>/dev/null)" in
    idle*) exit 0 ;;
    esac
    sleep 0.5
done
fail "the node did not become idle within a minute: $(tail -n 1 "$S/log/slurmd.log")"
