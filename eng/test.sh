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

# run PROJECT [FILTER]: its results go to NAME.trx, what it says to NAME.log, its exit code to NAME.code.
run() {
    local name
    name=$(basename "$1" .csproj)
    # Tiny tensors gain nothing from threads, which take a third more time of the processor. The outputs that notebooks store are of two.
    local threads=(OMP_NUM_THREADS=1)
    [[ $name != Notebooks.Tests ]] || threads=()
    env "${threads[@]}" dotnet test "$1" -c Release --no-build -nologo -v q \
        --logger "trx;LogFileName=$name.trx" --logger "console;verbosity=minimal" --results-directory "$results" \
        ${2:+--filter "$2"} </dev/null >"$results/$name.log" 2>&1
    echo $? >"$results/$name.code"
}

# The longest first, as many at a time as there are cores: with one more they take a seventh longer.
mkdir -p "$results"
longest=(AirMLNet.Orleans Notebooks AirMLNet SmallModels AirMLNet.Tool AirMLNet.Experiments AirMLNet.Models)
projects=()
for name in "${longest[@]}"; do projects+=("$root/test/$name.Tests/$name.Tests.csproj"); done
for project in "$root"/test/*.Tests/*.csproj; do
    [[ " ${projects[*]} " == *" $project "* ]] || projects+=("$project")
done
for project in "${projects[@]}"; do
    while (($(jobs -rp | wc -l) >= $(getconf _NPROCESSORS_ONLN))); do wait -n; done
    run "$project" "${1:-}" &
done
wait

for project in "${projects[@]}"; do
    name=$(basename "$project" .csproj)
    echo "== $name" >&2
    cat "$results/$name.log" >&2
    code=$(cat "$results/$name.code" 2>/dev/null || echo 1)
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
