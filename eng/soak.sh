#!/usr/bin/env bash
# Memory over a long time: of every trainer over many steps, of Transform over ten times as many rows and a fit on sixty times as many
# images, of eight engines and eight loaded models, after 200 cancellations from another thread, and over some minutes of fitting, saving,
# loading and predicting. Exit code 0 only if nothing grows. docs/robustness.md holds the last results.
#
#   eng/soak.sh [STEPS] [MINUTES] [TEST]     default: 10000 60; TEST: Steps, Transform, ManyImages, EightEngines, Cancelled, ALongTime
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

export AIRMLNET_SOAK_STEPS=${1:-10000} AIRMLNET_SOAK_MINUTES=${2:-60}
[ -n "${NO_BUILD:-}" ] || build test/AirMLNet.Tests
dotnet test "$root/test/AirMLNet.Tests" -c Release --no-build -nologo -v q \
    --filter "FullyQualifiedName~SoakTests${3:+&FullyQualifiedName~$3}" --logger "console;verbosity=detailed" </dev/null
