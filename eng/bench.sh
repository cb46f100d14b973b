#!/usr/bin/env bash
# Measures speed and memory: operators and models against Python's PyTorch, images per second through the pipeline,
# peak memory, time per training epoch and of an AiR run, rows per second through ML.NET's own stages and the cost of batching.
#   eng/bench.sh [engine|throughput|memory|epoch|pipeline|tokenizer|air|precision|clip|diffusion]...
#   (default: all but the last three, which take minutes more)
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

"$root/eng/setup.sh"
build test/Benchmarks
dotnet "$root/test/Benchmarks/bin/Release/net10.0/AirMLNet.Benchmarks.dll" "$@"
