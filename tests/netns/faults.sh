#!/bin/bash
# Every call of weir-dp that can fail does, once: memory, descriptors, what is asked of
# the kernel; when it starts, is told something new, takes over or is taken over from
# (tests/faults/).
# FAULT_SECONDS: how long for each part, 0 for all sites (make faults). The programs
# as they are installed: a sanitizer's malloc would stand before ours.
own_processes=1
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/common_faults.sh"

topology && splice up --mark 00b4 --mode inline
point $? "a container is diverted" "$out"
fail_each dp-opener-start dp-worker-start dp-asked dp-takes-over dp-gives-over
finish
