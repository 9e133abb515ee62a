#!/bin/bash
# weir-dp with one worker, as ThreadSanitizer sees them, with traffic through the
# one and every message at the other. Its findings end weir-dp with 66, and
# tools/check counts what it wrote.
. "$SRC/tests/netns/common_storm.sh"

storm_probe
weir_dp=$BUILD_TSAN/src/dp/weir-dp
storm 60
finish
