#!/bin/sh
# One visit to a machine with a GPU: check, benchmark, then as many cells as the time allows.
#
#   benchmarks/gpu_visit.sh DATA OUT SECONDS [PYTHON]
#
# DATA: CIFAR-10, as `tamecrop` takes it. OUT: gets checks.txt, epoch.json, paper/cells.json and a
# folder a method; a later visit given the same OUT goes on, and `tamecrop paper --merge OUT/paper`
# brings the cells home. Everything is stopped at a step boundary when SECONDS are over.
#
# A rehearsal needs no GPU: an `nvidia-smi` of any kind on PATH, and smaller work through the
# variables VISIT_EPOCH, VISIT_PAPER and VISIT_COMPARE, whose words go to the three commands.
set -eu
data=$1 out=$2 seconds=$3 python=${4:-python}
end=$(($(date +%s) + seconds))
mkdir -p "$out/paper"
nvidia-smi --query-gpu=name,driver_version --format=csv | tee "$out/checks.txt"
"$python" -m pytest -q -p no:cacheprovider tests/views/test_on_a_gpu.py | tee -a "$out/checks.txt"
[ -e "$out/epoch.json" ] || {
    # shellcheck disable=SC2086  the variables hold several words
    TAMECROP_RESULTS=$out "$python" benchmarks/epoch.py --name epoch ${VISIT_EPOCH:-} |
        tee "$out/epoch.txt"
}
tamecrop() {
    left=$((end - $(date +%s)))
    [ "$left" -gt 0 ] || exit 0
    timeout --signal=TERM --kill-after=60 "$left" "$python" -m tamecrop "$@"
}
# shellcheck disable=SC2086
cells() {
    tamecrop paper "$data" --out "$out/paper" ${VISIT_PAPER:-} "$@"
}
# shellcheck disable=SC2086
anchor() {
    tamecrop compare "$data" --preset "$1" --policies rrc:scale=0.2..1 --seeds 1 \
        --out "$out/$1" ${VISIT_COMPARE:-}
}
cells --policies rc gcc
cells --policies cgcc
cells --policies mgcc cmgcc
cells --study controls --scales 0.8
anchor simclr
anchor byol
anchor moco
cells --study controls --scales 0.4
cells --study simclr --seeds 5
cells --policies rc gcc cgcc --seeds 3
