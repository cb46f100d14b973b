#!/usr/bin/env bash
# Ctrl-C under load: seconds from the signal to the end of each long command, with four busy processes beside it. More than two seconds
# are a failure, as is another exit code than 130.
#
#   eng/interrupt.sh [SECONDS]...     when the signal comes, seconds after the start; default: 3 7 15 30
#
# Needs photos (eng/setup.sh --data). CASES="grip embed" only those; TOOL=FILE a built airml.dll; BUSY=N other busy processes.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

moments=("$@")
((${#moments[@]})) || moments=(3 7 15 30)
read -ra cases <<<"${CASES:-grip air latteclip compare synthesize lora labels embed captions experiment predict report}"
tool=${TOOL:-$root/src/AirMLNet.Tool/bin/Release/net10.0/airml.dll}
[ -n "${TOOL:-}" ] || build src/AirMLNet.Tool
place=$(mktemp -d)
busy=()
trap 'kill "${busy[@]}" 2>/dev/null; rm -rf "$place"' EXIT
photos=$root/data/cifar10/pool
test=$root/data/cifar10/test
classes=$root/data/cifar10/classes.txt
clip=$root/models/resnet-clip
diffusion=$root/models/mini-diffusion
failures=0
export AIRMLNET_HOME=$place/home

run() {
    exec env --default-signal=INT dotnet "$tool" "$@" --threads 1 >"$place/log" 2>&1 </dev/null
}

start() {
    local out=$place/$1-$2
    case $1 in
        grip) run adapt "$photos" --classes "$classes" --clip "$clip" --method grip --no-cache -o "$out.zip" ;;
        air) run adapt "$photos" --classes "$classes" --clip "$clip" --diffusion "$diffusion" -o "$out.zip" ;;
        latteclip) run adapt "$photos" --classes "$classes" --clip "$clip" --method latteclip --captioner attributes -o "$out.zip" ;;
        compare) run compare "$photos" --test "$test" --classes "$classes" --clip "$clip" --no-cache ;;
        synthesize) run synthesize --diffusion "$diffusion" --classes "$classes" -n 120 --batch 64 -o "$out" ;;
        lora) run train lora "$photos" --diffusion "$diffusion" --prompt 'a photo' --batch 16 -o "$out" ;;
        labels) run train labels "$place/captions.txt" --classes "$classes" --clip "$clip" -o "$out.zip" ;;
        embed) run embed "$photos" --clip "$clip" --batch 256 -o "$out.safetensors" ;;
        captions)
            run adapt "$photos" --classes "$classes" --clip "$clip" --method latteclip --captioner "$root/models/mini-captioner" \
                --texts-only --work "$out" -o "$out.zip"
            ;;
        experiment) run experiment "$root/experiments/mini-ladder.json" --set "output=\"$out\"" --set "cache=\"$out-runs\"" ;;
        predict) run predict "$place/model.zip" "$test" --no-cache ;;
        report) run report "$place/model.zip" "$test" -o "$out.html" --map 2000 ;;
    esac
}

for name in airplane bird cat ship truck; do
    for ((i = 0; i < 4000; i++)); do echo "a $name in picture $i"; done
done >"$place/captions.txt"
(run adapt "$test" --classes "$classes" --clip "$clip" --method zero-shot -o "$place/model.zip") || { cat "$place/log" >&2; exit 1; }
for ((i = 0; i < ${BUSY:-4}; i++)); do
    (while :; do :; done) &
    busy+=($!)
done
printf '%-11s' case
printf '%12s' "${moments[@]/%/ s}"
echo
for name in "${cases[@]}"; do
    printf '%-11s' "$name"
    for moment in "${moments[@]}"; do
        (start "$name" "$moment") &
        pid=$!
        sleep "$moment"
        before=$EPOCHREALTIME
        if ! kill -INT "$pid" 2>/dev/null; then
            wait "$pid"
            printf '%12s' "ended ($?)"
            continue
        fi
        wait "$pid"
        code=$?
        took=$(awk "BEGIN { printf \"%.2f\", $EPOCHREALTIME - $before }")
        printf '%12s' "$took"
        if [ "$code" != 130 ] || awk "BEGIN { exit $took <= 2 }"; then
            failures=$((failures + 1))
            echo "interrupt: $name at $moment s: $took s, exit code $code: $(tail -n 1 "$place/log")" >&2
        fi
        rm -rf "$place/$name-$moment"*
    done
    echo
done
echo "interrupt: $failures failures"
((failures == 0))
