#!/bin/sh
# All phases of the nine replays beside the real boots, by the recordings' own judge.py: judge.txt.
# Run: docs/truth/judge.sh FOLDER > docs/truth/judge.txt, where FOLDER has the three recordings.
set -eu
real=$1
pagereel=${PAGEREEL:-.venv/bin/pagereel}
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT

judge() { # STREAM MECHANISM BOOT [OPTION...]
    stream=$1 mechanism=$2 boot=$3
    shift 3
    echo "$ pagereel replay $stream -m $mechanism ${*:+$* }--only tables -o RUN && judge.py $boot RUN/summary.csv $mechanism"
    "$pagereel" replay "$real/$stream" -m "$mechanism" "$@" --only tables --frames 2 -o "$made" --force > /dev/null 2>&1
    python3 "$real/judge.py" "$real/$boot" "$made/summary.csv" "$mechanism" || true
    echo
}

judge c_nogroup 6.1-off c_nogroup
judge a_group_mig 6.1-list a_group_mig
judge b_movable_minfree 6.1-both b_movable_minfree
judge c_nogroup 6.1-list a_group_mig
judge c_nogroup 6.1-both b_movable_minfree -p min_free_kbytes=23992
judge a_group_mig 6.1-off c_nogroup
judge a_group_mig 6.1-both b_movable_minfree -p min_free_kbytes=23992
judge b_movable_minfree 6.1-off c_nogroup -p min_free_kbytes=2704
judge b_movable_minfree 6.1-list a_group_mig -p min_free_kbytes=2704
