/*
 * A client of the agent's door (agent/door.h): requests and their answers, and
 * what a command follows.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define AGENT_SOCKET_DEFAULT "/run/weir/agent.sock"

struct agentclient {
	int fd; /* owned */
	uint32_t last_id;
	char *buf; /* owned: what was read, from `at` on not looked at yet */
	size_t at, len, size;
};

/*
 * Connects. Nobody there is -ECONNREFUSED, told as what to start. End with
 * agentclient_done().
 */
int agentclient_open(const char *path, struct agentclient *ret,
		     struct err *reterr);
void agentclient_done(struct agentclient *c);

/*
 * One command (args is taken; NULL: none) and its answer, an object with "ok":
 * true (*ret is the caller's). A refusal is -errno with *reterr in the agent's
 * words. -EINTR when a signal came: the connection is of no more use then.
 */
int agentclient_ask(struct agentclient *c, const char *command, json_t *args,
		    json_t **ret, struct err *reterr);
/* The next line of what the last command follows. */
int agentclient_next(struct agentclient *c, json_t **ret, struct err *reterr);
