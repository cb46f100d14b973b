#!/usr/bin/env bash
# Reads damaged model files and binary views, and says what became of them. Exit code 0 only if every one was read or
# refused with a documented exception, in bounded memory. docs/fuzz.md holds the last result.
#
#   eng/fuzz.sh [INPUTS]          default: 100000
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

export AIRMLNET_FUZZ_INPUTS=${1:-100000}
build test/Microsoft.ML.Internal.Tests
dotnet test "$root/test/Microsoft.ML.Internal.Tests" -c Release --no-build -nologo -v q \
    --filter FullyQualifiedName~FuzzTests --logger "console;verbosity=detailed" </dev/null
