/*
 * A client of the agent's door, for the files that serve it: door.c lets it in and runs
 * what it asks, door_send.c tells it, door_later.c has it wait.
 */
#pragma once

#include <sys/stat.h>

#include "agent/agent.h"
#include "agent/door.h"
#include "base/limits_door.h"

#define DOOR_READ_BYTES 65536

#define UID_NONE ((uid_t)-1)

enum client_state { READ, WAIT_NUMBER, WAIT_PLANE, WAIT_WORK };

struct door_buffer {
	char *at; /* owned */
	size_t len, size;
};

struct door_client {
	struct door_client *next;
	struct agent *agent;
	int fd;
	uid_t uid;
	bool refused;	      /* it may ask nothing */
	bool only_reads;      /* weir-export's */
	char by[DOOR_BY_MAX]; /* of the request that is being done; "" */
	struct loop_fd *loop_fd;
	enum client_state state;
	bool closed;	   /* to be freed when nothing uses it any more */
	bool says_no_more; /* its end is shut down; it may still read */
	enum door_topic topic;
	bool more; /* lines of in are left for the next turn */
	struct door_buffer in, out;
	size_t in_done, out_done; /* bytes that are done, or sent */
	size_t in_seen;	 /* behind in_done: no end of a line is there */
	uint64_t missed; /* lines of what it follows */
	json_t *id;	 /* of the request that is being done */
	json_t *result;	 /* of the one that waits */
	char *members;	 /* in its place; owned; NULL */
	uint64_t number, token;
	usec_t wait_ends;
	const char *member; /* or: */
	door_then_fn *then;
	json_t *splices; /* asked after the host's data plane; owned; NULL */
};

struct door {
	int fd;
	struct stat is; /* what stands at the door's path is still this one */
	struct loop_fd *loop_fd;
	struct door_client *clients;
	unsigned n_clients;
	uint64_t last_token;
	uid_t api, exporter; /* UID_NONE: there is no such account */
	struct log_limit refused_log;
	struct loop_timer patience; /* the first wait that ends */
	struct loop_timer pause;    /* until then nobody is let in */
	uint64_t pauses, turned_away;
};

/* --- door.c ---------------------------------------------------------------- */

/* Runs the lines that wait; ends who said no more and has all answers. */
void door_go_on(struct door_client *c);
/* Who was closed while others were told something. */
void door_free_closed(struct door *d);

/* --- door_send.c ------------------------------------------------------------ */

/* false: no memory. */
bool door_buffer_add(struct door_buffer *b, const char *text, size_t len);
/* Its first len bytes are done. */
void door_buffer_drop(struct door_buffer *b, size_t len);
/* It is freed when nothing uses it any more. */
void door_close(struct door_client *c);
/* What the loop is to wake us for. */
void door_want(struct door_client *c);
void door_send_waiting(struct door_client *c);
/* Takes line; an object. */
void door_send_line(struct door_client *c, json_t *line);
void door_answer(struct door_client *c, json_t *result);
void door_refuse(struct door_client *c, const struct err *err);

/* --- door_later.c ------------------------------------------------------------ */

/* struct loop_timer: whoever waited too long is told so. arg: the agent. */
void door_out_of_patience(void *arg);
