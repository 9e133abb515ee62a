/*
 * What went through in the last hour: a point every THROUGHPUT_STEP_S, in memory.
 * Made of what the kernel counts at each port and data planes of each workload, as
 * `top` is (commands_top.c); a data plane that does not answer leaves its part 0.
 */
#pragma once

#include "agent/agent.h"

int throughput_start(struct agent *a, struct err *reterr);
void throughput_stop(struct agent *a);

/* One violation, threat or finding more. NULL parts are accepted. */
void throughput_violation(struct agent *a, uint64_t n);
void throughput_threat(struct agent *a);
/* A data plane's answer to what was asked of it; about NULL: none. */
void throughput_answered(struct agent *a, const json_t *about, bool of_splices);
json_t *throughput_json(const struct agent *a, uint64_t since_s);
