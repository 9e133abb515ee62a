#!/bin/bash
# docs/migrating.md, command by command.
. "$SRC/tests/netns/common_document.sh"

bridge
workload web 2
workload db 3
listen db 5432
listen db 22
run_document docs/migrating.md 12
finish
