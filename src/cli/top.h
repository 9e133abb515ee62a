/*
 * `weir top`: what goes on, as one answer of the agent after the other makes it
 * known. top.c reads the command line and prints without a screen, top_model.c
 * makes rates of counters, top_ask.c asks, top_screen.c has the screen.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"

/* --- the model (top_model.c); one thread, no I/O ------------------------------- */

/* Each per second. */
struct top_rates {
	double bits_in, bits_out, packets_in, packets_out;
	double sessions; /* new ones */
	double violations, dropped;
};

struct top_line {
	const json_t *row; /* the agent's; borrowed from the model, as these: */
	const char *id, *name, *mode, *state;
	struct top_rates rates;
	uint64_t sessions;
	bool has_sessions; /* false: the data plane does not tell */
};

/* What is seldom and comes in bursts is averaged over so many answers, ... */
#define TOP_PAST_MAX 32
/* ... and no longer than this. */
#define TOP_PAST_US 10000000

struct top_past {
	json_t *by_id; /* rows of an answer; owned */
	uint64_t clock_us;
};

struct top_model {
	json_t *answer; /* the last; owned, NULL: none yet */
	struct top_past past[TOP_PAST_MAX]; /* the last answer first */
	size_t n_past;
	struct top_line *lines; /* owned */
	size_t n_lines;
	struct top_line *
		*shown; /* owned; sorted, those that are not filtered */
	size_t n_shown;
	struct top_line total; /* of all; no texts */
};

/* Takes the answer of command "top". All zero is a model without one. */
void top_model_add(struct top_model *m, json_t *answer);
void top_model_done(struct top_model *m);

enum top_column {
	TOP_NAME,
	TOP_MODE,
	TOP_STATE,
	TOP_IN,
	TOP_OUT,
	TOP_TRAFFIC, /* both */
	TOP_PACKETS,
	TOP_SESSIONS,
	TOP_NEW,
	TOP_BLOCKED,
	TOP_DROPPED,
	TOP_COLUMN__MAX
};

/* How a column is called on the command line; NULL behind the last. */
const char *top_column_name(enum top_column c);
/* -EINVAL names those there are. */
int top_column_parse(const char *name, enum top_column *ret,
		     struct err *reterr);

struct top_order {
	enum top_column by;
	bool reverse;	    /* texts: Z to A; numbers: small ones first */
	const char *filter; /* part of a name, mode, state or id; "": all */
};

/* Fills `shown`. */
void top_model_order(struct top_model *m, const struct top_order *o);
/* The last answer with "rates" in each row and in "total", rows as shown. */
json_t *top_model_json(const struct top_model *m);

/* --- texts ---------------------------------------------------------------------- */

#define TOP_CELL_MAX 512

/* What a column has room for, where the screen is so wide. 0: is left out. */
unsigned top_column_width(enum top_column c, unsigned screen);
const char *top_column_title(enum top_column c);
bool top_column_is_text(enum top_column c);
/* A line's cell, not cut. */
void top_cell(const struct top_line *l, enum top_column c,
	      char buf[static TOP_CELL_MAX]);
/*
 * A text on so many columns of the screen: what cannot be printed is '?', what
 * is too long ends with an ellipsis, what is short is filled (right: in front).
 */
void top_fit(const char *text, unsigned width, bool right,
	     char buf[static TOP_CELL_MAX]);
/* The two lines above the table. */
void top_head(const struct top_model *m, char lines[static 2][TOP_CELL_MAX]);
/* "12:20:01  violation  app -> web ..." */
void top_event(const json_t *event, char buf[static TOP_CELL_MAX]);

enum top_session_column {
	TOP_S_WAY,
	TOP_S_CLIENT,
	TOP_S_SERVER,
	TOP_S_PORT,
	TOP_S_APP,
	TOP_S_ACTION,
	TOP_S_BYTES,
	TOP_S_AGE,
	TOP_S__MAX
};

const char *top_session_title(enum top_session_column c);
unsigned top_session_width(enum top_session_column c, unsigned screen);
bool top_session_is_text(enum top_session_column c);
void top_session_cell(const json_t *session, enum top_session_column c,
		      char buf[static TOP_CELL_MAX]);

/* --- asking (top_ask.c): a thread of its own, so that the screen never waits ---- */

struct top_ask;

/* NULL and *reterr: out of memory, threads. */
struct top_ask *top_ask_new(const char *socket, unsigned delay_ms,
			    struct err *reterr);
/* Ends the thread; NULL is accepted. */
void top_ask_free(struct top_ask *a);
/* Readable when there is something to take. */
int top_ask_fd(const struct top_ask *a);
/* Asks at once; from now on also for the sessions of that workload ("": none). */
void top_ask_now(struct top_ask *a, const char *workload);

struct top_news {
	json_t *top;	  /* the caller's; NULL: there is none */
	json_t *events;	  /* likewise: those that are new, newest last */
	json_t *sessions; /* likewise */
	bool some_left;	  /* there are more sessions than were asked for */
	char workload[STORE_ID_MAX]; /* whose sessions */
	struct err err;		     /* code 0, or why there is nothing */
};

void top_ask_take(struct top_ask *a, struct top_news *ret);

/* --- the screen (top_screen.c) ---------------------------------------------------- */

struct top_options {
	const char *socket;
	unsigned delay_ms;
	unsigned times; /* 0: until it is ended */
	bool colour;
	enum top_column by;
	bool reverse;
	const char *filter;
};

/* Is there a terminal that a screen can be drawn on? */
bool top_screen_can(void);
/* An exit code. */
int top_screen_run(const struct top_options *o);
