/* Routes that the agent answers. */
#pragma once

#include "api/request.h"

/*
 * Translates the request and gives it to a pool: 0, and the request is its job's
 * until server_resume(); or it is answered already, with -errno.
 */
int ask_agent(struct request *r);
