# shellcheck shell=bash disable=SC2034
# What the tests of this folder share; to be sourced first. $out is a folder that
# goes when they end.
set -u
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
points=0
failures=0

point() { # STATUS NAME
    points=$((points + 1))
    if [ "$1" = 0 ]; then
        echo "ok $points - $2"
    else
        echo "not ok $points - $2"
        failures=$((failures + 1))
    fi
}
