#!/bin/bash
# Map, Policy, Flows, Capture, Signatures, Settings against a host of fixtures: what one
# does with them, and what others who do it at the same time come to.
. "$(dirname "$0")/common_web.sh"
run tools "$@"
