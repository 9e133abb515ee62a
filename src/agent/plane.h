/*
 * The data plane, as the agent has it: a thread that finds a running weir-dp or
 * starts one, brings it to what is wanted, and takes from it what it tells. A
 * data plane that hangs, or ends, holds up this thread alone.
 *
 *   main loop ──want, asks──▶ [thread: connect, sync, poll] ──news──▶ main loop
 *
 * What is wanted is one object that replaces the one before whole:
 *
 *   endpoints {MAC: {"mac":, "ucmac":, "bcmac":}, ...}   ctrl_add_mac's bodies
 *   taps      {MAC: a body of ctrl_add_tap_port, ...}: only listened to
 *   policy    a weir_policy body with its version
 *   vth       ifindex of the service port's device; 0: there is none yet
 *
 * and it is in force when PLANE_IN_FORCE tells its number. A new data plane is
 * given all of it before it is given the service port, so that it never sees a
 * frame without knowing what to do with it. With port_last it loses the port for
 * as long as a new endpoint has no policy yet, which would pass meanwhile; in
 * place the kernel holds those.
 *
 * A weir-dp that was started here goes on when the agent ends, and is found by
 * its door by the next.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct plane_spec {
	const char *door;    /* path; borrowed as long as the plane lives */
	const char *program; /* weir-dp; NULL: never start one */
	const char *netns;   /* where it is started, by name; NULL: here */
	unsigned workers;    /* for the one that is started */
	unsigned poll_ms;    /* how often it is asked what it saw */
};

struct plane;

/* Starts the thread. NULL and *reterr: out of memory, threads, descriptors. */
struct plane *plane_new(const struct plane_spec *spec, struct err *reterr);
/* Ends the thread; stop: and the data plane. NULL is accepted. */
void plane_free(struct plane *p, bool stop);
/* Readable when there is news. */
int plane_fd(const struct plane *p);

struct plane_want {
	json_t *endpoints, *taps, *policy; /* taken; taps may be NULL */
	uint32_t vth;
	bool port_last;	 /* also before a new endpoint: nobody else holds it */
	uint64_t number; /* told with PLANE_IN_FORCE; goes up */
};

void plane_want(struct plane *p, const struct plane_want *want);

/*
 * Sends {"NAME": body} (taken) when those before are done. Its answer, or why
 * there is none, comes as PLANE_ANSWER with that token.
 */
void plane_ask(struct plane *p, json_t *message, uint64_t token);

enum plane_news_kind {
	PLANE_UP,	   /* connected; about is what weir_version answers */
	PLANE_DOWN,	   /* err says why; it is tried again */
	PLANE_IN_FORCE,	   /* number; about is weir_policy's answer */
	PLANE_REFUSED,	   /* number; err: what was wanted cannot be */
	PLANE_CONNECTIONS, /* about: array, as weir_connections tells them */
	PLANE_THREATS,	   /* about: array */
	PLANE_ANSWER,	   /* token; about, or err with its code set */
};

struct plane_news {
	enum plane_news_kind kind;
	uint64_t number, token;
	uint64_t missed; /* CONNECTIONS, THREATS: gone before they were read */
	json_t *about;	 /* the receiver's; may be NULL */
	struct err err;
};

/* false: none at the moment. */
bool plane_next(struct plane *p, struct plane_news *ret);
