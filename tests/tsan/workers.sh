#!/bin/bash
# As dp.sh, with seven workers: the container, by its mark 00b4, is number five's,
# other workloads and ports come and go with each.
. "$SRC/tests/netns/common_storm.sh"

storm_probe
weir_dp=$BUILD_TSAN/src/dp/weir-dp
workers=7
storm 30
finish
