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
 *   homes     {MAC: path of its network namespace}: who listens there is asked when
 *             the data plane gets that endpoint
 *   taps      {MAC: a body of ctrl_add_tap_port, ...}: only listened to
 *   policy    a weir_policy body with its version, as text: the object would
 *             be ten times as large, and nobody looks into it
 *   rules, detection   bodies of weir_rules and weir_detection
 *   vth       ifindex of the service port's device; 0: there is none yet
 *
 * and it is in force when PLANE_IN_FORCE tells its number. Rules and sensors are
 * said before the policy, and only what the data plane does not have. It builds
 * them aside, and what it has built last counts meanwhile. New sensors are waited
 * for before the number is told (PLANE_BUILD_WAIT_US at most), signatures, which
 * may take half a minute, are not; PLANE_RULES and PLANE_DETECTION tell of both.
 * A new data plane is
 * given all of it before it is given the service port, so that it never sees a
 * frame without knowing what to do with it. A new endpoint is dropped until its
 * policy has come (weir_settings, policy.absent). An older data plane cannot do
 * that; it loses the port meanwhile with port_last, and in place the kernel
 * holds those.
 *
 * A weir-dp that was started here goes on when the agent ends, and is found by
 * its door by the next.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* What is told page by page and outlives the agent's run. */
enum plane_told {
	PLANE_TOLD_CONNECTIONS,
	PLANE_TOLD_THREATS,
	PLANE_TOLD_FINDINGS,
	PLANE_TOLD__MAX
};

/* Records of that epoch have been read so far; 0: none. */
struct plane_cursor {
	uint64_t epoch, after;
};

struct plane_spec {
	const char *door;    /* path; borrowed as long as the plane lives */
	const char *program; /* weir-dp; NULL: never start one */
	const char *netns;   /* where it is started, by name; NULL: here */
	const char *crash;   /* folder for its reports; NULL: none are kept */
	unsigned workers;    /* for the one that is started */
	unsigned poll_ms;    /* how often it is asked what it saw */
	bool held;	     /* it is not asked before plane_tell() */
	struct plane_cursor from[PLANE_TOLD__MAX];
};

struct body;
struct plane;

/* Starts the thread. NULL and *reterr: out of memory, threads, descriptors. */
struct plane *plane_new(const struct plane_spec *spec, struct err *reterr);
/* Ends the thread; stop: and the data plane. NULL is accepted. */
void plane_free(struct plane *p, bool stop);
/* Readable when there is news. */
int plane_fd(const struct plane *p);

struct plane_want {
	json_t *endpoints, *taps, *homes; /* taken; the last two may be NULL */
	char *policy;			  /* taken */
	struct body *rules, *detection;	  /* taken; NULL: not said */
	uint32_t vth;
	bool port_last;	 /* also before a new endpoint: nobody else holds it */
	uint64_t number; /* told with PLANE_IN_FORCE; goes up */
};

void plane_want(struct plane *p, const struct plane_want *want);

/*
 * Sends {"NAME": body} (taken) when those before are done. {"weir_hand_over": {}} is
 * not sent: another weir-dp is started that takes over, and the answer is what its
 * weir_version is; on an error, but of that last question, the first one goes on. Its answer, or why
 * there is none, comes as PLANE_ANSWER with that token.
 */
void plane_ask(struct plane *p, json_t *message, uint64_t token);

/* What it died of up to now does not happen again: it does not count. */
void plane_forgive(struct plane *p);

/* From now on it is asked what it saw. Any number of times. */
void plane_tell(struct plane *p);
/* From now on PLANE_TRAIL is told, too. Any number of times. */
void plane_want_trail(struct plane *p);

enum plane_news_kind {
	/* connected; about is what weir_version answers, and "drops_untold" */
	PLANE_UP,
	PLANE_HANDED, /* over to another one; about likewise */
	/*
	 * err says why; it is tried again. about: {"frame": [MAC, MAC]} that it
	 * died at (blame.h); else NULL
	 */
	PLANE_DOWN,
	PLANE_IN_FORCE, /* number; about is weir_policy's answer */
	/*
	 * about: what weir_rules, weir_detection answers; err: refused, and
	 * ENOENT where the data plane has nothing of the kind.
	 */
	PLANE_RULES,
	PLANE_DETECTION,
	PLANE_REFUSED, /* number; err: what was wanted cannot be */
	/* number: the epoch of these four; after: read so far */
	PLANE_CONNECTIONS, /* about: array, as weir_connections tells them */
	PLANE_THREATS,	   /* about: array */
	PLANE_FINDINGS,	   /* likewise */
	PLANE_TRAIL,	   /* likewise */
	PLANE_ANSWER,	   /* token; about, or err with its code set */
};

struct plane_news {
	enum plane_news_kind kind;
	uint64_t number, token, after;
	uint64_t missed; /* of these four: gone before they were read */
	json_t *about;	 /* the receiver's; may be NULL */
	struct err err;
};

/* false: none at the moment. */
bool plane_next(struct plane *p, struct plane_news *ret);
