#!/usr/bin/env bash
# Measures a method on the small models: runs its experiments and writes their tables into its page.
#   eng/results.sh latteclip [--write]     experiments/mini-latteclip*.json into docs/results-latteclip.md
#   eng/results.sh t2ipal [--write]        experiments/t2ipal-mini.json, -images and -parts into docs/results-t2ipal.md; makes mini-scenes where it is missing
# Resumable: finished runs are taken from artifacts/experiments. With --write only the page is written, of what is there.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

case ${1:-} in
    latteclip) tables=(mini-latteclip mini-latteclip-{table3,table2,share,table5,table4}) ;;
    t2ipal) tables=(t2ipal-mini t2ipal-mini-images t2ipal-mini-parts) ;;
    *) sed -n '2,5s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
page=$root/docs/results-$1.md
files=("${tables[@]/#/$root/experiments/}")
files=("${files[@]/%/.json}")
if [[ ${2:-} != --write ]]; then
    if [[ $1 == t2ipal && ! -f $root/data/mini-scenes/scenes.csv ]]; then
        "$root/eng/mini-scenes.sh"
    fi
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
        sed -e 's/^# \(.*\)/### \1/' -e '/^## /d' -e '/^Per cent on the test images/d' -e '/^mAP in per cent/d' "$found" | cat -s
    done
    echo
    sed -n '/<!-- \/tables -->/,$p' "$page"
} >"$fresh"
cp "$fresh" "$page"
rm "$fresh"
