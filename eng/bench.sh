#!/usr/bin/env bash
# Measures speed and memory, where there is one on the same work as a peer: images per second of the model alone and through the
# pipeline, peak memory, time per training epoch and of an AiR run, rows per second through ML.NET's own stages, the cost of
# batching, and how cost grows with images, their size, classes and rounds.
#   eng/bench.sh [throughput|memory|epoch|pipeline|tokenizer|air|cache|growth|precision|training|synthesis|clip|diffusion]...
#   (default: all but the last five: precision needs photos that are fetched first, the others take minutes more)
# The files that it makes stay in artifacts/bench and are used again.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# peers: installs Python's PyTorch, Pillow and NumPy, with which air, training, clip and diffusion compare, and OpenBLAS, without which
# that PyTorch multiplies matrices many times slower than it can. Never fatal: what needs them says that it was not run.
peers() {
    [[ -z ${AIRML_BENCH_PYTHON:-} ]] || return 0 # another Python was chosen
    install "only to compare with" python3-torch python3-pil python3-numpy libopenblas0-pthread || echo "bench: going on without Python's PyTorch" >&2
}

case " ${*:-air} " in *" air "* | *" training "* | *" clip "* | *" diffusion "*) peers ;; esac
case " $* " in *" precision "*) "$root/eng/setup.sh" --data ;; *) "$root/eng/setup.sh" ;; esac
build test/Benchmarks
dotnet "$root/test/Benchmarks/bin/Release/net10.0/AirMLNet.Benchmarks.dll" "$@"
