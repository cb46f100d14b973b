#!/usr/bin/env bash
# Kills commands at random moments (kill -9), takes their disk or their right to write away, and starts two at once; then lets them
# finish, and compares what they wrote with an uninterrupted run. Exit code 0 only if all agree. docs/robustness.md holds the last results.
#
#   eng/kill.sh [KILLS] [CASE]...     default: 20 of each; CASE: embed, adapt, lora, synthesize, captions, pull, experiment,
#                                     full, readonly, two
#
# Needs photos (eng/setup.sh --data, eng/demo.sh) or PHOTOS=FOLDER, for "full" the right to mount a tmpfs, and for "pull" python3.
# SEED=N other moments; TOOL=FILE a built airml.dll.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

kills=${1:-20}
shift || true
cases=("$@")
((${#cases[@]})) || cases=(embed adapt lora synthesize captions pull experiment full readonly two)
RANDOM=${SEED:-1}
tool=${TOOL:-$root/src/AirMLNet.Tool/bin/Release/net10.0/airml.dll}
[ -n "${TOOL:-}" ] || build src/AirMLNet.Tool
place=$(mktemp -d)
full=
server=
trap 'if [ -n "$server" ]; then kill "$server"; fi; if [ -n "$full" ]; then umount "$full"; fi; chmod -R u+w "$place"; rm -rf "$place"' EXIT
clip=$root/models/mini-clip
diffusion=$root/models/mini-diffusion
failures=0

mkdir -p "$place/photos"
names=(bird cat ship)
for name in "${names[@]}"; do
    mkdir -p "$place/labelled/train/$name" "$place/labelled/test/$name"
    find -L "${PHOTOS:-$root/data/cifar10/test}/$name" -type f | sort | head -4 | while read -r file; do
        cp "$file" "$place/photos/$name-$(basename "$file")"
        cp "$file" "$place/labelled/train/$name/"
        cp "$file" "$place/labelled/test/$name/"
    done
done
printf '%s\n' "${names[@]}" >"$place/classes.txt"
cat >"$place/experiment.json" <<EOF
{"name": "kill", "data": "$place", "models": "$root/models", "clip": "mini-clip", "output": "out/table", "cache": "out/runs",
 "dataSets": [{"name": "Shapes", "folder": "labelled"}], "methods": [{"method": "zero-shot"}, {"method": "fpl"}, {"method": "grip"}],
 "seeds": [1], "settings": {"epochs": 2, "warmUpEpochs": 0, "rounds": 2}}
EOF

# start CASE FOLDER: the command of a case, in a folder of its own. The cache of features is part of what is killed.
start() {
    local folder=$2
    mkdir -p "$folder/home"
    cd "$folder" || return 1
    export AIRMLNET_HOME=$folder/home
    case $1 in
        embed) set -- embed "$place/photos" --clip "$clip" -o "$folder/out.safetensors" --chunk 2 --batch 2 ;;
        adapt) set -- adapt "$place/photos" --classes "$place/classes.txt" --clip "$clip" -o "$folder/out.zip" --method grip --rounds 2 --epochs 2 ;;
        lora) set -- train lora "$place/photos" --diffusion "$diffusion" --prompt 'a photo' --steps 4 --batch 2 --checkpoint-every 2 -o "$folder/out" ;;
        synthesize) set -- synthesize --diffusion "$diffusion" --prompt 'a photo of a ship' -n 6 --steps 2 --batch 2 -o "$folder/out" ;;
        captions)
            set -- adapt "$place/photos" --classes "$place/classes.txt" --clip "$clip" -o "$folder/out.zip" --method latteclip \
                --captioner attributes --work "$folder/work" --most-steps 3
            ;;
        pull) set -- pull kill/mini-clip --endpoint "http://127.0.0.1:$(<"$place/port")" -o "$folder/out" ;;
        experiment)
            sed "s#\"out/#\"$folder/#g" "$place/experiment.json" >"$folder/experiment.json"
            set -- experiment "$folder/experiment.json"
            ;;
    esac
    [ "$1" = pull ] || set -- "$@" --threads 1
    exec dotnet "$tool" "$@" >"$folder/log" 2>&1 </dev/null
}

# serve: a server of models on the loopback interface that sends a file in pieces and breaks off after some of them.
serve() {
    python3 - "$clip" "$place/port" <<'END' &
import hashlib, http.server, json, os, sys, time
folder, port = sys.argv[1:]
names = sorted(n for n in os.listdir(folder) if n.endswith((".json", ".txt", ".safetensors")))
files = {n: open(os.path.join(folder, n), "rb").read() for n in names}
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/api/"):
            listed = [{"rfilename": n, "size": len(f), "lfs": {"size": len(f), "sha256": hashlib.sha256(f).hexdigest()}} for n, f in files.items()]
            return self.answer(200, json.dumps({"sha": "c0ffee", "siblings": listed}).encode())
        content, first = files[self.path.rsplit("/", 1)[1]], 0
        if wanted := self.headers.get("Range"):
            first = int(wanted.removeprefix("bytes=").rstrip("-"))
        self.answer(206 if first else 200, content[first:], first, len(content))
    def answer(self, status, content, first=0, whole=0):
        self.send_response(status)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{whole - 1}/{whole}")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        try:
            for start in range(0, len(content), 1 << 17):
                if start >= 1 << 20:
                    return
                self.wfile.write(content[start : start + (1 << 17)])
                time.sleep(0.05)
        except OSError:
            pass
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
open(port + ".new", "w").write(str(server.server_port))
os.rename(port + ".new", port)
server.serve_forever()
END
    server=$!
    while [ ! -f "$place/port" ]; do
        kill -0 "$server" || exit 1
        sleep 0.1
    done
}

# result FOLDER: a sum over what was written. Seconds, which differ from run to run, stand in headers and tables: they are left out.
result() {
    local file
    (
        cd "$1" || exit 1
        # An empty file may stay beside a folder whose last process was killed: it locks nothing.
        find . -type f ! -name '*.lock' \( -name 'out.*' -o -path './out/*' -o -path './home/captions/*' -o -path './table*' \) | sort | while read -r file; do
            case $file in
                *.tmp | *.part | */checkpoint*) echo "left over $file" ;;
                *.zip) echo "$file $(unzip -p "$file" | strip | sha256sum)" ;;
                *lora*.safetensors) echo "$file $(tail -c +"$((9 + $(od -An -tu8 -N8 "$file")))" "$file" | sha256sum)" ;;
                *.png | *.safetensors) echo "$file $(sha256sum <"$file")" ;;
                *) echo "$file $(strip <"$file" | sha256sum)" ;;
            esac
        done
    )
}

# Paths of this run and times.
strip() {
    LC_ALL=C sed -E "s#$place/[a-z]+-[a-z0-9]+#FOLDER#g; s#\"(seconds|processorSeconds|fitSeconds|perSecond)\": *(\[[^]]*\]|[0-9.eE+-]+)#\"\\1\": 0#gI
        s#^(\|.*\|) [0-9.]+ \|\$#\\1#
        s#\"(finished|madeAt)\": *\"[^\"]*\"#\"\\1\": 0#gI"
}

fail() {
    failures=$((failures + 1))
    echo "kill: $*" >&2
}

# agree CASE FOLDER WHAT: the same as uninterrupted, or it is a failure.
agree() {
    result "$2" >"$2.result"
    diff "$place/$1-reference.result" "$2.result" >"$2.diff" && return
    fail "$1, $3: differs from an uninterrupted run"
    cat "$2.diff" >&2
    tail -n 3 "$2/log" >&2
}

reference() {
    [ -f "$place/$1-reference.result" ] && return
    local before=$EPOCHREALTIME
    (start "$1" "$place/$1-reference") || fail "$1: does not run: $(tail -n 3 "$place/$1-reference/log")"
    took=$(awk "BEGIN { printf \"%d\", 1000 * ($EPOCHREALTIME - $before) }")
    result "$place/$1-reference" >"$place/$1-reference.result"
    [ -s "$place/$1-reference.result" ] || fail "$1: wrote nothing"
    echo "$took" >"$place/$1-took"
}

# Kills a case until so many kills hit; a run that ends by itself must agree, and then the next begins.
kill_case() {
    reference "$1"
    local took hit=0 runs=0 whole=0 folder pid wait
    took=$(<"$place/$1-took")
    while ((hit < kills)); do
        folder=$place/$1-n$((runs++))
        while ((hit < kills)); do
            (start "$1" "$folder") &
            pid=$!
            wait=$((RANDOM * took / 32768))
            sleep "$((wait / 1000)).$(printf %03d $((wait % 1000)))"
            if kill -9 "$pid" 2>/dev/null; then
                wait "$pid" 2>/dev/null
                hit=$((hit + 1))
            else
                wait "$pid" || fail "$1: after kills: $(tail -n 3 "$folder/log")"
                break
            fi
            # As many kills in a row as a run may meet, then it may finish.
            ((RANDOM % 4)) || break
        done
        (start "$1" "$folder") || fail "$1: does not go on after a kill: $(tail -n 3 "$folder/log")"
        agree "$1" "$folder" "after kills"
        whole=$((whole + 1))
        rm -rf "$folder"
        echo "$1: $hit kills, $whole runs finished" >"$place/$1-progress"
    done
    echo "$1: $hit kills, $whole runs finished afterwards, $took ms uninterrupted"
}

# A disk of so many kB, filled; then room for all.
full_case() {
    local size folder
    for size in 64 256 1024 3000; do
        for name in embed lora synthesize adapt; do
            reference "$name"
            folder=$place/$name-full
            mkdir -p "$folder"
            if ! mount -t tmpfs -o "size=${size}k" tmpfs "$folder" 2>/dev/null; then
                echo "full: no right to mount, left out"
                return
            fi
            full=$folder
            if (start "$name" "$folder") 2>/dev/null; then
                echo "full: $name finished in $size kB"
            else
                grep -q . "$folder/log" || true
            fi
            mount -o remount,size=512m "$folder"
            (start "$name" "$folder") || fail "$name: does not go on after a full disk of $size kB: $(tail -n 3 "$folder/log")"
            agree "$name" "$folder" "full disk of $size kB"
            umount "$folder"
            full=
        done
    done
    echo "full: disks of 64, 256, 1024 and 3000 kB"
}

# Nobody may write: refused by name, nothing is left; as root by a mount, since root may write anywhere.
readonly_case() {
    local folder
    for name in embed adapt lora synthesize; do
        reference "$name"
        folder=$place/$name-ro
        mkdir -p "$folder/home"
        if ! mount -t tmpfs -o size=64m tmpfs "$folder" 2>/dev/null; then
            echo "readonly: no right to mount, left out"
            return
        fi
        full=$folder
        mkdir -p "$folder/home"
        : >"$folder/log"
        mount -o remount,ro "$folder"
        (
            cd "$place" || exit 1
            export AIRMLNET_HOME=$folder/home
            case $name in
                embed) set -- embed "$place/photos" --clip "$clip" -o "$folder/out.safetensors" ;;
                adapt) set -- adapt "$place/photos" --classes "$place/classes.txt" --clip "$clip" -o "$folder/out.zip" --method grip --rounds 1 --epochs 1 ;;
                lora) set -- train lora "$place/photos" --diffusion "$diffusion" --prompt p --steps 2 -o "$folder/out" ;;
                synthesize) set -- synthesize --diffusion "$diffusion" --prompt p --steps 2 -o "$folder/out" ;;
            esac
            dotnet "$tool" "$@" >"$place/ro.log" 2>&1
        ) && fail "$name: wrote into a read-only folder"
        grep -qi 'read-only' "$place/ro.log" || fail "$name: does not say that the folder is read-only: $(tail -n 2 "$place/ro.log")"
        umount "$folder"
        full=
    done
    echo "readonly: embed, adapt, lora, synthesize"
}

# Two processes on one folder: each finishes or refuses, and what is there in the end is right.
two_case() {
    local name folder first second
    for name in embed lora synthesize adapt captions; do
        reference "$name"
        for ((i = 0; i < (kills + 4) / 5; i++)); do
            folder=$place/$name-two$i
            mkdir -p "$folder"
            (start "$name" "$folder") &
            first=$!
            sleep "0.$(printf %03d $((RANDOM % 1000)))"
            (start "$name" "$folder") &
            second=$!
            wait "$first"
            first=$?
            wait "$second"
            second=$?
            ((first && second)) && fail "$name: two at once, and neither finished: $(tail -n 3 "$folder/log")"
            (start "$name" "$folder") || fail "$name: does not go on after two at once: $(tail -n 3 "$folder/log")"
            agree "$name" "$folder" "two at once (exit codes $first and $second)"
            rm -rf "$folder"
        done
    done
    echo "two: embed, lora, synthesize, adapt, captions, $(((kills + 4) / 5)) times each"
}

for name in "${cases[@]}"; do
    [ "$name" != pull ] || serve
    case $name in
        full | readonly | two) "${name}_case" ;;
        *) kill_case "$name" ;;
    esac
done
echo "kill: $failures failures"
((failures == 0))
