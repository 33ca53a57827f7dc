#!/bin/sh
# One visit to a machine with a GPU: check, benchmark, then as many cells as the time allows.
#
#   benchmarks/gpu_visit.sh DATA OUT SECONDS [PYTHON]
#
# DATA: CIFAR-10, as `tamecrop` takes it. OUT: gets checks.txt, epoch.json and paper/cells.json;
# a later visit given the same OUT goes on, and `tamecrop paper --merge OUT/paper` brings the cells
# home. Everything is stopped at a step boundary when SECONDS are over.
set -eu
data=$1 out=$2 seconds=$3 python=${4:-python}
end=$(($(date +%s) + seconds))
mkdir -p "$out/paper"
nvidia-smi --query-gpu=name,driver_version --format=csv | tee "$out/checks.txt"
"$python" -m pytest -q tests/views/test_on_a_gpu.py | tee -a "$out/checks.txt"
[ -e "$out/epoch.json" ] || {
    "$python" benchmarks/epoch.py --name epoch | tee "$out/epoch.txt"
    cp results/benchmarks/epoch.json "$out/"
}
cells() {
    left=$((end - $(date +%s)))
    [ "$left" -gt 0 ] || exit 0
    timeout --signal=TERM --kill-after=60 "$left" "$python" -m tamecrop paper \
        "$data" --out "$out/paper" "$@"
}
cells --policies rc gcc
cells --policies cgcc
cells --policies mgcc cmgcc
cells --study controls --scales 0.8
cells --study controls --scales 0.4
cells --study simclr --seeds 5
cells --policies rc gcc cgcc --seeds 3
