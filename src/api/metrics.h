/* GET /metrics: what Prometheus reads (docs/metrics.md). */
#pragma once

#include "api/request.h"

/* Submits a job that answers, as ask_agent(). */
void metrics_open(struct request *r);
