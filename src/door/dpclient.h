/*
 * A client of a data plane's own door: one request, one answer.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define DP_CONTROL_DEFAULT "/run/weir/dp.sock"

struct dpclient {
	int fd; /* owned */
	uint32_t last_id;
	/*
	 * No signal is for this thread: to be stopped and continued, which ends
	 * what waits with a time-out (signal(7)), is waited out.
	 */
	bool unsignalled;
};

/*
 * Connects. Nobody listening there is -ECONNREFUSED, told as what to start.
 * End with dpclient_done().
 */
int dpclient_open(const char *path, struct dpclient *ret, struct err *reterr);
void dpclient_done(struct dpclient *c);

/*
 * Sends one message, {"NAME": {fields}} (borrowed; an "id" is put in), and
 * waits for its answer, an object with "ok": true (*ret is the caller's). A
 * refusal is -errno with *reterr in the data plane's own words. -ETIMEDOUT
 * after DP_ANSWER_WAIT_S, -EINTR when a signal came; the connection is of no
 * more use then.
 */
int dpclient_ask(struct dpclient *c, const json_t *message, json_t **ret,
		 struct err *reterr);
/*
 * The same, and what came along with the answer: *ret_fd is the caller's to
 * close; -1: nothing did.
 */
int dpclient_ask_fd(struct dpclient *c, const json_t *message, json_t **ret,
		    int *ret_fd, struct err *reterr);
/*
 * The same for a message whose fields are a text already, as large as that may
 * be: {"NAME": BODY}. It is not looked into.
 */
int dpclient_ask_text(struct dpclient *c, const char *name, const char *body,
		      json_t **ret, struct err *reterr);
/* The same for a message without fields, by name. */
int dpclient_ask_name(struct dpclient *c, const char *name, json_t **ret,
		      struct err *reterr);
/*
 * All flows, asked for page by page: {"ok": true, "sessions": [...]}.
 */
int dpclient_flows(struct dpclient *c, json_t **ret, struct err *reterr);
/*
 * All that is kept of what was told, page by page: message "weir_NAME" gives
 * {"ok": true, "NAME": [...], "next": N, "missed": N}. raw: of findings, their
 * raw bytes, too.
 */
int dpclient_told(struct dpclient *c, const char *name, bool raw, json_t **ret,
		  struct err *reterr);
