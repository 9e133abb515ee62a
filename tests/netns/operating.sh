#!/bin/bash
# docs/operating.md, command by command: a backup that is come back from, a store that is
# lost, an agent that is killed, and letting go.
. "$SRC/tests/netns/common_document.sh"

bridge
workload web 2
workload app 3
listen web 80
listen web 8080
run_document docs/operating.md 20
finish
