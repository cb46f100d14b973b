#!/usr/bin/env bash
# The container of deploy/ built and run as the pods of deploy/kubernetes-embed.yaml run it: as user 1000, with the file's own arguments and
# a number for each pod. One pod is killed with -9 and started again, the join is refused until the last shard is there, and the table must
# have the bytes of one process.
#
#   eng/container.sh
#
# Needs photos (eng/setup.sh --data), root, and a Debian or Ubuntu. Where the base images cannot be fetched, stand-ins of the same names are
# made from this system's release and from its .NET.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

install "the container is built with them" buildah debootstrap python3-yaml
place=$(mktemp -d)
trap 'chmod -R u+w "$place"; rm -rf "$place"' EXIT
export BUILDAH_ISOLATION=${BUILDAH_ISOLATION:-chroot} STORAGE_DRIVER=${STORAGE_DRIVER:-vfs}
buildah() { command timeout 1200 buildah --root "$place/images" --runroot "$place/run" "$@"; }

# How a build reaches the registries that this system is set up for.
reach=()
for path in /etc/ssl /usr/local/share/ca-certificates /etc/apt/sources.list.d /etc/apt/apt.conf.d "$HOME/.nuget/NuGet"; do
    [[ -d $path ]] && reach+=(-v "$path:${path/#$HOME//root}:ro")
done
reach+=(-v "$HOME/.nuget/packages:/root/.nuget/packages:rw")

# stand_in IMAGE FOLDER...: this system's release with those folders of its .NET.
stand_in() {
    local image=$1 dotnet folder made
    shift
    dotnet=$(dirname "$(readlink -f "$(command -v dotnet)")")
    if [[ ! -d $place/base ]]; then
        local -a source
        mapfile -t source < <(apt-get indextargets --format '$(SITE)|$(CODENAME)' 'Created-By: Packages' | head -1 | tr '|' '\n')
        debootstrap --variant=minbase --include=ca-certificates,libicu72 "${source[1]}" "$place/base" "${source[0]}" >&2
    fi
    made=$(buildah from scratch)
    buildah add -q "$made" "$place/base" / >/dev/null
    for folder in "$@"; do
        buildah add -q "$made" "$dotnet/$folder" "/usr/share/dotnet/$folder" >/dev/null
    done
    buildah run "$made" -- ln -s /usr/share/dotnet/dotnet /usr/bin/dotnet
    buildah commit -q --rm "$made" "$image" >/dev/null
    echo "container: $image is a stand-in: ${source[1]:-the same release} and .NET of this system"
}

for image in $(sed -n 's/^FROM \([^ ]*\).*/\1/p' "$root/deploy/Containerfile"); do
    buildah pull -q "$image" >/dev/null 2>&1 && continue
    case $image in
    */sdk:*) stand_in "$image" dotnet host packs sdk sdk-manifests shared templates ;;
    *) stand_in "$image" dotnet host shared/Microsoft.NETCore.App ;;
    esac
done
(cd "$root" && buildah build -q --pull=never --network=host "${reach[@]}" -f deploy/Containerfile -t example.org/airml . >&2)

work=$place/work
mkdir -p "$work"
chmod 777 "$work"
pod=$(buildah from --pull=never example.org/airml)
# in_pod ARGUMENT...: the container's command, with the claim of the Jobs at /work.
in_pod() {
    buildah run -v "$work:/work" -v "$root/data/cifar10/test:/work/photos:ro" \
        -v "$root/models/mini-clip:/work/models/clip-vit-base-patch32:ro" ${index:+-e JOB_COMPLETION_INDEX=$index} "$pod" -- /opt/airml/airml "$@"
}
# arguments JOB: those of the container of that Job, one on a line.
arguments() {
    python3 -c 'import sys, yaml
for one in yaml.safe_load_all(open(sys.argv[1])):
    if one["metadata"]["name"] == sys.argv[2]:
        print(*one["spec"]["template"]["spec"]["containers"][0]["args"], sep="\n")' "$root/deploy/kubernetes-embed.yaml" "$1"
}
mapfile -t embed < <(arguments airml-embed)
mapfile -t merge < <(arguments airml-merge)

index= in_pod doctor
index=3 in_pod "${embed[@]}" >/dev/null &
until pgrep -f "^/opt/airml/airml embed" >/dev/null; do sleep 0.1; done
sleep 1
pkill -9 -f "^/opt/airml/airml embed"
wait $! && echo "container: the pod had ended before it was killed" >&2
for ((i = 0; i < 15; i++)); do
    index=$i in_pod "${embed[@]}" >/dev/null
done
if index= in_pod "${merge[@]}" >"$place/early" 2>&1; then
    echo "container: the join went on without the last shard" >&2
    exit 1
fi
echo "container: before the last pod, the join says: $(cat "$place/early")"
index=15 in_pod "${embed[@]}" >/dev/null
index= in_pod "${merge[@]}"
index= in_pod embed /work/photos --clip /work/models/clip-vit-base-patch32 -o /work/one.parquet >/dev/null
cmp "$work/one.parquet" "$work/features.parquet"
echo "container: sixteen pods, one of them killed, made the table of one process: $(stat -c %s "$work/features.parquet") bytes"
