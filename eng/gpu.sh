#!/usr/bin/env bash
# Shows what a GPU computes: makes a folder that can be carried to a machine with one, and runs it there.
#
#   eng/gpu.sh pack FOLDER              a self-contained publish of the command and the benchmarks without LibTorch, the reference
#                                       cases and the small models; FOLDER.tar.xz has about 60 MB
#   FOLDER/gpu.sh run LIBTORCH [DEVICE] with the libraries of a CUDA build of LibTorch 2.10 or newer, such as the lib folder of an
#                                       installed PyTorch: airml doctor, every reference case, and throughput, as one Markdown
#                                       page on standard output. DEVICE: cuda:0 (default), cuda:1, … or cpu, with small models
set -euo pipefail

pack() {
    source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
    local to=$1 project
    rm -rf "$to"
    mkdir -p "$to"
    for project in src/AirMLNet.Tool test/Benchmarks; do
        dotnet publish "$root/$project" -c Release -r linux-x64 --self-contained true -p:TorchSharpBackend=none -p:PackAsTool=false \
            -o "$to/bin" -v q -nologo </dev/null >&2
    done
    rm -f "$to"/bin/*.dbg "$to"/bin/*.pdb "$to"/bin/*.xml "$to"/bin/*onnxruntime* "$to"/bin/ParquetSharpNative.so # peers and formats stay here
    cp -r "$root/test/data/golden" "$root/models" "$to/"
    rm -rf "$to"/golden/{losses,preprocess,tokenizer} # nothing of these runs on a GPU
    cp "${BASH_SOURCE[0]}" "$to/gpu.sh"
    tar -cJf "$to.tar.xz" -C "$(dirname "$to")" "$(basename "$to")"
    echo "gpu: $(stat -c %s "$to.tar.xz") bytes in $to.tar.xz" >&2
}

run() {
    local here device=${2:-cuda:0} case gpu=() small=()
    here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
    export AIRMLNET_LIBTORCH=$1
    if [[ $device == cpu ]]; then small=(small); else gpu=(--gpu "${device#cuda:}"); fi
    echo "# On $device"
    echo
    # Whether TorchSharp's native library finds all that it needs in that LibTorch.
    echo "Symbols that the LibTorch lacks: $(LD_LIBRARY_PATH=$1 ldd -r "$here/bin/libLibTorchSharp.so" 2>&1 | grep -c 'undefined symbol' || true)"
    echo
    echo '```'
    "$here/bin/airml" doctor
    echo '```'
    echo
    echo "| reference case | result |"
    echo "|---|---|"
    for case in "$here"/golden/*/; do
        echo "| $(basename "$case") | $("$here/bin/airml" verify "${gpu[@]}" "$case" 2>&1 | tail -1 | cut -c1-160) |"
    done
    echo
    "$here/bin/AirMLNet.Benchmarks" gpu "$device" "${small[@]}"
}

case ${1:-} in
    pack) pack "$(realpath -m "$2")" ;;
    run) run "$2" "${3:-}" ;;
    *) sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2 ;;
esac
