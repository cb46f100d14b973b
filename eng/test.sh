#!/usr/bin/env bash
# Builds everything, runs every test project, and ends with one line for all of them:
#   N passed, N failed            (and ", N skipped" where tests were skipped)
# Exit code 0 only if something ran and nothing failed.
#
#   eng/test.sh [FILTER]          FILTER as in `dotnet test --filter`
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

nothing_ran() { echo "test: $1" >&2; echo "0 passed, 1 failed"; exit 1; }

"$root/eng/setup.sh" --redis || nothing_ran "set-up failed"
build AirMLNet.sln || nothing_ran "the build failed"

results=$root/artifacts/test-results
rm -rf "$results"
passed=0 failed=0 skipped=0

# counter FILE NAME: one number of a results file.
counter() { grep -o '<Counters [^>]*' "$1" | grep -o " $2=\"[0-9]*\"" | grep -o '[0-9]*' || echo 0; }

for project in "$root"/test/*.Tests/*.csproj; do
    name=$(basename "$project" .csproj)
    echo "== $name" >&2
    dotnet test "$project" -c Release --no-build -nologo -v q \
        --logger "trx;LogFileName=$name.trx" --logger "console;verbosity=minimal" --results-directory "$results" \
        ${1:+--filter "$1"} </dev/null >&2
    code=$?
    file=$results/$name.trx
    if [[ ! -f $file ]]; then
        # With a filter, a project may well have nothing to run.
        if [[ $code != 0 || $# == 0 ]]; then echo "test: $name wrote no results (exit code $code)" >&2; failed=$((failed + 1)); fi
        continue
    fi
    total=$(counter "$file" total) good=$(counter "$file" passed) bad=0
    for kind in failed error timeout aborted; do bad=$((bad + $(counter "$file" $kind))); done
    # A test host that crashed took its remaining tests with it: that is a failure, whatever was counted.
    if [[ $code != 0 && $bad == 0 ]]; then echo "test: $name ended with exit code $code" >&2; bad=1; fi
    passed=$((passed + good)) failed=$((failed + bad))
    rest=$((total - good - bad)); if ((rest > 0)); then skipped=$((skipped + rest)); fi
done

((passed + failed > 0)) || nothing_ran "no test ran"
if ((skipped > 0)); then echo "$passed passed, $failed failed, $skipped skipped"; else echo "$passed passed, $failed failed"; fi
((failed == 0))
