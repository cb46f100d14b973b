# Sourced by the scripts of this folder: where things are, and quiet, reproducible settings for the SDK.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_GENERATE_ASPNET_CERTIFICATE=false
export DOTNET_CLI_HOME=${DOTNET_CLI_HOME:-${HOME:-/tmp}}
# A minimal system has no ICU; nothing here needs one.
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=${DOTNET_SYSTEM_GLOBALIZATION_INVARIANT:-1}
# Build nodes that outlive the build would keep a caller's pipe open.
export MSBUILDDISABLENODEREUSE=1

# build PROJECT: Release, quietly; the compiler's messages go to standard error.
build() {
    dotnet build "$root/$1" -c Release -v q -nologo </dev/null >&2
}

# airml ARGUMENT...: the command line tool, as built by `build src/AirMLNet.Tool`.
airml() {
    dotnet "$root/src/AirMLNet.Tool/bin/Release/net10.0/airml.dll" "$@"
}

# small_models ARGUMENT...: trains the models under models/ and writes photos, as built by `build eng/SmallModels`.
small_models() {
    dotnet "$root/eng/SmallModels/bin/Release/net10.0/small-models.dll" "$@"
}

# install WHY PACKAGE...: those of the packages that a Debian or Ubuntu system lacks; false where that cannot be done.
install() {
    local why=$1 name
    shift
    local -a absent=()
    for name in "$@"; do
        dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed || absent+=("$name")
    done
    ((${#absent[@]})) || return 0
    echo "setup: installing ${absent[*]} ($why)" >&2
    if [[ $(id -u) != 0 ]]; then
        echo "setup: this needs root; install these packages yourself: ${absent[*]}" >&2
        return 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq </dev/null >&2 || echo "setup: apt-get update reported a problem; going on with the lists at hand" >&2
    apt-get install -y -qq --no-install-recommends "${absent[@]}" </dev/null >&2
}
