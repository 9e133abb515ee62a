/*
 * One request on its way to its answer, and what the parts of weir-api that
 * answer it share.
 */
#pragma once

#include <jansson.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

#include "api/accounts.h"
#include "api/config.h"
#include "api/etag.h"
#include "api/files.h"
#include "api/pool.h"
#include "api/uri.h"
#include "base/err.h"
#include "base/text.h"
#include "wire/commands.h"

struct server;
struct stream;
struct download;

#define ANSWER_HEADERS_MAX 4

struct answer {
	unsigned status; /* 0: there is none yet */
	char *text;	 /* owned; NULL: of a file, or none */
	size_t len;
	const struct file *file;
	const char *type; /* NULL: JSON */
	char etag[ETAG_MAX];
	bool keep; /* a browser may keep it, if it asks whether it is still so */
	struct {
		const char *name;
		char *value; /* owned */
	} headers[ANSWER_HEADERS_MAX];
	size_t n_headers;
};

/*
 *  BEGUN ──headers──▶ BODY ──all there──▶ WORK ──job──▶ DONE ──▶ queued
 *    ├── a file, a problem ──▶ ANSWERED ──all there──────┤
 *    └─────── the same, and the connection ends ─────────┘
 */
enum request_state {
	REQUEST_BEGUN,
	REQUEST_ANSWERED, /* its end is waited for */
	REQUEST_BODY,
	REQUEST_WORK,
	REQUEST_DONE
};

struct request {
	struct job job; /* first */
	struct server *server;
	struct MHD_Connection *connection;
	struct connection *of; /* what is known of it; borrowed */
	char *target;	       /* as it was sent; owned */
	bool tls, head;
	bool ends; /* nothing is read of the connection after it */

	enum request_state state;
	struct uri uri;
	const struct command_route *route;
	struct who who;
	char csrf[SECRET_TEXT_MAX]; /* of his session */
	struct text body;
	size_t counted; /* bytes of it, in the server's `bodies` */
	int refused; /* EMSGSIZE, EAGAIN: what is wrong with it; 0: nothing */
	bool waits;
	json_t *args; /* of its command, while it waits; owned */

	struct answer answer;
	/* In place of an answer; owned. */
	struct stream *stream;
	struct download *download;
};

/* --- what the request says -------------------------------------------------- */

/* A header's value; NULL: none. Borrowed. */
const char *request_header(const struct request *r, const char *name);

/* --- its answer --------------------------------------------------------------- */

/* Takes text (a NULL: out of memory, a problem). */
void answer_text(struct request *r, unsigned status, char *text);
void answer_problem(struct request *r, const struct err *err);
/* value is copied. */
void answer_header(struct request *r, const char *name, const char *value);
void answer_done(struct answer *a);
