# Sourced by the scripts of this folder: where things are, and quiet, reproducible settings for the SDK.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_GENERATE_ASPNET_CERTIFICATE=false
export DOTNET_CLI_HOME=${DOTNET_CLI_HOME:-${HOME:-/tmp}}
# A minimal system has no ICU; nothing here needs one.
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=${DOTNET_SYSTEM_GLOBALIZATION_INVARIANT:-1}
# Build nodes that outlive the build would keep a caller's pipe open.
export MSBUILDDISABLENODEREUSE=1

# Where Microsoft.ML and TorchSharp come from: Offline (src/Offline) or NuGet (the official packages).
packages=${PACKAGES:-Offline}

# build PROJECT: Release, quietly; the compiler's messages go to standard error.
build() {
    dotnet build "$root/$1" -c Release -v q -nologo "-p:Packages=$packages" </dev/null >&2
}

# airml ARGUMENT...: the command line tool, as built by `build src/AirMLNet.Tool`.
airml() {
    dotnet "$root/src/AirMLNet.Tool/bin/Release/net10.0/airml.dll" "$@"
}
