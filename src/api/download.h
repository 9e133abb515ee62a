/*
 * A capture's file: as many questions to the agent as it has pieces, one at a
 * time, each asked when the client has taken the one before.
 */
#pragma once

#include "api/request.h"

struct download;

/* Asks for the first piece, or answers with a problem: as ask_agent(). */
void download_open(struct request *r);
/* What is sent once that is there. NULL: out of memory. */
struct MHD_Response *download_response(struct download *d);
void download_free(struct download *d); /* NULL is accepted */
