#!/usr/bin/env bash
# Reads damaged files of every kind, and says what became of them. Exit code 0 only if every one was read or refused with a documented
# exception, within 5 seconds each and in bounded memory. docs/fuzz.md holds the last results.
#
#   eng/fuzz.sh [INPUTS] [READER]     default: 100000 of each; READER: Images, Safetensors, LoraFiles, Configurations, Tokenizers,
#                                     Shards, Hub, ClassLists, Captions, CsvLists, Features, Captioner, ArrowFiles, ParquetFiles,
#                                     SavedModels (slow: tens a second)
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

export AIRMLNET_FUZZ_INPUTS=${1:-100000}
filter="FullyQualifiedName~FuzzTests"
if [ -n "${2:-}" ]; then
    filter="$filter&FullyQualifiedName~$2"
fi

# A reader that is in one project matches nothing in the other, which is no failure.
for project in AirMLNet.Models.Tests AirMLNet.Tests AirMLNet.Arrow.Tests; do
    build "test/$project"
    dotnet test "$root/test/$project" -c Release --no-build -nologo -v q \
        --filter "$filter" --logger "console;verbosity=detailed" </dev/null
done
