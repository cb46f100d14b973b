#!/usr/bin/env bash
# LatteCLIP on the small models: runs experiments/mini-latteclip*.json and writes their tables into docs/results-latteclip.md.
# Resumable: finished runs are taken from artifacts/experiments/runs. With --write only the page is written, of what is there.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

page=$root/docs/results-latteclip.md
tables=(mini-latteclip mini-latteclip-table3 mini-latteclip-table2 mini-latteclip-share mini-latteclip-table5 mini-latteclip-table4)
files=("${tables[@]/#/$root/experiments/}")
files=("${files[@]/%/.json}")
if [[ ${1:-} != --write ]]; then
    "$root/eng/experiments.sh" "${files[@]}"
fi

# The page holds the tables between two marks; what is said about them stands before and after.
fresh=$(mktemp)
{
    sed '/<!-- tables -->/q' "$page"
    for table in "${tables[@]}"; do
        found=$root/artifacts/experiments/$table/results.md
        [[ -f $found ]] || continue
        echo
        sed -e 's/^# \(.*\)/### \1/' -e '/^## /d' -e '/^Per cent on the test images/d' "$found" | cat -s
    done
    echo
    sed -n '/<!-- \/tables -->/,$p' "$page"
} >"$fresh"
cp "$fresh" "$page"
rm "$fresh"
