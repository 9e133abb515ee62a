#!/bin/bash
# A host that is a node of a fleet: the page Fleet, and what all nodes recorded on Events
# and Flows; cut off, alone, and one that is no editor. As pages.sh, against fixtures.
. "$(dirname "$0")/common_web.sh"
run fleet "$@"
