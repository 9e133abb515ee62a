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
	int fd;		  /* owned */
	const char *node; /* of the fleet, that is asked; NULL: this one */
	uint32_t last_id;
	char *buf; /* owned: what was read, from `at` on not looked at yet */
	size_t at, len, size;
};

/*
 * Connects. Nobody there is -ECONNREFUSED, told as what to start; one who lets
 * nobody in for DOOR_CONNECT_S is -ETIMEDOUT. End with agentclient_done().
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
/*
 * The same, and the next line of all, as the text that came, without the newline:
 * borrowed until the next call. What it says ("ok") is the caller's to look at.
 * by: who asks, NULL for none (docs/agent-door.md). With SO_RCVTIMEO on c->fd,
 * -EAGAIN when it is over; what was read until then is kept.
 */
int agentclient_ask_text(struct agentclient *c, const char *command,
			 const char *by, json_t *args, const char **ret,
			 size_t *ret_len, struct err *reterr);
int agentclient_next_text(struct agentclient *c, const char **ret,
			  size_t *ret_len, struct err *reterr);
/* Gives back the memory of an answer that was large. */
void agentclient_trim(struct agentclient *c);
/* The next line of what the last command follows. */
int agentclient_next(struct agentclient *c, json_t **ret, struct err *reterr);
