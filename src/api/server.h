/*
 * HTTP: connections, requests, and who answers them (docs/decisions/0023).
 */
#pragma once

#include <stdatomic.h>

#include "api/accounts.h"
#include "api/config.h"
#include "api/files.h"
#include "api/pool.h"
#include "api/serving.h"
#include "base/err.h"
#include "base/log.h"

struct server {
	const struct api_config *config; /* borrowed */
	struct files files;
	struct file openapi; /* text NULL: there is none */
	struct accounts *accounts;
	struct rate *rate; /* the clerk's, as the next */
	struct log_limit wrong_limit;
	/* The agent's, and one thread for passwords and accounts. */
	struct pool *quick, *slow, *clerk;
	struct {
		atomic_ullong logins, logins_wrong, logins_limited;
		atomic_ullong answers[6]; /* by the first digit of the status */
	} counts;
	atomic_size_t bodies; /* bytes of all requests' bodies */
	atomic_uint logins;   /* that wait for the clerk */
	struct hall *hall;    /* the connections */
	struct streams *streams;
	struct follow *follow;
	struct door doors[API_LISTENS_MAX];
	size_t n_doors;
	struct ticker *ticker;
};

/*
 * Opens the addresses: before privileges are dropped. -errno. End with
 * server_stop(), also after an error; s is all 0 before.
 */
int server_open(struct server *s, const struct api_config *c,
		struct err *reterr);
/* Serves, by threads of its own, until server_stop(). */
int server_start(struct server *s, struct err *reterr);
void server_stop(struct server *s);
