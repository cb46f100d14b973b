#!/usr/bin/env bash
# The features of a folder of photos by an array of jobs, and a job that joins them. What is finished is kept: submitted again after a
# time limit or a lost node, it goes on.
#
#   sbatch deploy/slurm-embed.sh PHOTOS CLIP OUTPUT.parquet
#
# Another number of jobs: --array in the line below, or on sbatch's line. On GPUs: `#SBATCH --gpus=1`, and AIRML_OPTIONS="--gpu 0".
#SBATCH --job-name=airml-embed
#SBATCH --array=1-16
#SBATCH --cpus-per-task=4
#SBATCH --mem=8G
#SBATCH --time=04:00:00
#SBATCH --output=airml-embed-%A-%a.log
set -euo pipefail

if (($# != 3)); then
    echo "usage: sbatch slurm-embed.sh PHOTOS CLIP OUTPUT" >&2
    exit 2
fi
photos=$1 clip=$2 output=$3

# The first of the array has the join started when all of it has ended well; where a job failed, the join goes too.
if [[ $SLURM_ARRAY_TASK_ID == "${SLURM_ARRAY_TASK_MIN:-1}" ]]; then
    sbatch --job-name=airml-merge --dependency="afterok:$SLURM_ARRAY_JOB_ID" --kill-on-invalid-dep=yes --output=airml-merge-%j.log \
        --wrap "airml embed '$photos' --clip '$clip' --output '$output' --merge $SLURM_ARRAY_TASK_COUNT"
fi

# shellcheck disable=SC2086 # several options in one variable
srun airml embed "$photos" --clip "$clip" --output "$output" --shard auto --skip-unreadable \
    --threads "${SLURM_CPUS_PER_TASK:-1}" ${AIRML_OPTIONS:-}
