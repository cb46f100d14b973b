#!/usr/bin/env bash
# The Slurm array of deploy/ on a real Slurm: a controller and one node with two processors, on this machine. One job of the array is killed
# with -9: its join must go too, and the same command, submitted again, must end with the bytes of one process.
#
#   eng/slurm.sh
#
# Needs photos (eng/setup.sh --data), root, and a Debian or Ubuntu whose Slurm nobody uses: it writes /etc/slurm/slurm.conf.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[[ -e /etc/slurm/slurm.conf ]] && ! grep -q airml-slurm-test /etc/slurm/slurm.conf && { echo "slurm: this machine has a Slurm of its own" >&2; exit 1; }
install "the array is run on it" slurmctld slurmd slurm-client munge
build src/AirMLNet.Tool
place=$(mktemp -d)
host=$(hostname -s)
stop() {
    local name
    for name in slurmd slurmctld; do
        pkill -x $name || true
        while pgrep -x $name >/dev/null; do sleep 0.1; done
    done
}
trap 'stop; rm -rf "$place" /etc/slurm/slurm.conf' EXIT

mkdir -p /etc/slurm /run/munge "$place"/{state,spool,bin,work}
chown munge:munge /run/munge
cat >/etc/slurm/slurm.conf <<CONF
# airml-slurm-test
ClusterName=airml-slurm-test
SlurmctldHost=$host(127.0.0.1)
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SlurmUser=root
StateSaveLocation=$place/state
SlurmdSpoolDir=$place/spool
SlurmctldLogFile=$place/slurmctld.log
SlurmdLogFile=$place/slurmd.log
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=2
PartitionName=main Nodes=$host Default=YES
CONF
getent hosts "$host" >/dev/null || echo "127.0.0.1 $host" >>/etc/hosts
pgrep -x munged >/dev/null || su -s /bin/sh munge -c /usr/sbin/munged
stop
slurmctld
slurmd

# until_is TEXT COMMAND...: waits, two minutes at most, until what the command says holds the text.
until_is() {
    local text=$1 i
    shift
    for ((i = 0; i < 240; i++)); do
        "$@" 2>/dev/null | grep -q -- "$text" && return
        sleep 0.5
    done
    echo "slurm: '$text' was expected of: $*" >&2
    "$@" >&2 || true
    squeue >&2
    sinfo >&2
    tail -n 2 "$place"/*.log "$place"/work/*.log >&2
    exit 1
}

until_is idle sinfo -h -o %T
tool=$root/src/AirMLNet.Tool/bin/Release/net10.0/airml.dll
printf '#!/bin/sh\nexec dotnet %s "$@"\n' "$tool" >"$place/bin/airml"
chmod +x "$place/bin/airml"
export PATH=$place/bin:$PATH AIRMLNET_HOME=$place/home
cd "$place/work"
photos=$root/data/cifar10/test clip=$root/models/mini-clip

submit() {
    sbatch --parsable --array=1-4 --cpus-per-task=1 --mem=0 "$root/deploy/slurm-embed.sh" "$photos" "$clip" "$place/work/out.parquet"
}

first=$(submit)
until_is "airml.dll embed" pgrep -af "shard auto"
sleep 4
kill -9 "$(pgrep -f "airml.dll embed .*shard auto" | head -1)"
until_is "JobState=CANCELLED Reason=DependencyNeverSatisfied" scontrol show job
[[ ! -e out.parquet ]]
echo "slurm: array $first lost a job, and its join went too"
second=$(submit)
until_is " features" sh -c "cat airml-merge-*.log"
until_is "^$" sh -c 'echo "$(squeue -h)"'
airml embed "$photos" --clip "$clip" -o one.parquet --threads 1 >/dev/null
cmp one.parquet out.parquet
echo "slurm: array $second went on; the table is that of one process: $(cat airml-merge-*.log)"
