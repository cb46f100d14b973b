#!/usr/bin/env bash
# Reads damaged image files, and says what became of them. Exit code 0 only if every one was read or refused with
# UnreadableImageException that names it, in bounded memory and within 5 seconds. docs/fuzz.md holds the last result.
#
#   eng/fuzz.sh [INPUTS]          default: 100000
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

export AIRMLNET_FUZZ_INPUTS=${1:-100000}
build test/AirMLNet.Models.Tests
dotnet test "$root/test/AirMLNet.Models.Tests" -c Release --no-build -nologo -v q \
    --filter FullyQualifiedName~Images.FuzzTests --logger "console;verbosity=detailed" </dev/null
