#!/usr/bin/env bash
# Measures speed and memory: images per second through the pipeline, peak memory, time per training epoch.
#   eng/bench.sh [throughput|memory|epoch|tokenizer|clip]      (default: all but clip, which compares with PyTorch)
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

"$root/eng/setup.sh"
build test/Benchmarks
dotnet "$root/test/Benchmarks/bin/Release/net10.0/AirMLNet.Benchmarks.dll" "$@"
