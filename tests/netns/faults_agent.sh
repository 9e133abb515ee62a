#!/bin/bash
# As faults.sh, of weir-agent and weir-api.
own_processes=1
. "$(dirname "$0")/common_agent.sh"
. "$(dirname "$0")/common_faults.sh"

door=$TEST_DIR/run/dp.sock
bridge
workload web 2
workload app 3
fail_each agent-start api-start agent-asked
finish
