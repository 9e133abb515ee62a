#!/bin/bash
# Each page at 1280 and 390 px, light and dark, against a host of fixtures: what axe
# finds, what overflows, what the browser complains about. Then what one does with them.
. "$(dirname "$0")/common_web.sh"
run pages "$@"
