/*
 * While a piece is asked for the connection is suspended, and the download is the
 * job's; else it is the HTTP library's thread's.
 */
#include "api/download.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/link.h"
#include "api/route.h"
#include "api/server.h"
#include "api/serving.h"
#include "door/answer.h"

#define BLOCK_BYTES 32768

struct download {
	struct request *request;
	json_t *id; /* of the capture; owned */
	uint64_t offset;
	unsigned char *piece; /* owned */
	size_t len, done, size;
	bool began, last, failed;
};

/* {"data":"...","next":N,"done":true} */
static int take_piece(struct download *d, const json_t *answer,
		      struct err *reterr)
{
	const json_t *data = json_object_get(answer, "data");
	size_t size = json_string_length(data) / 4 * 3 + 3;
	uint64_t next =
		(uint64_t)json_integer_value(json_object_get(answer, "next"));

	if (size > d->size) {
		void *more = realloc(d->piece, size);

		if (!more)
			return err_set(reterr, ENOMEM, NULL, "out of memory");
		d->piece = more;
		d->size = size;
	}
	d->done = d->len = 0;
	if (!data ||
	    sodium_base642bin(d->piece, d->size, json_string_value(data),
			      json_string_length(data), NULL, &d->len, NULL,
			      sodium_base64_VARIANT_ORIGINAL) != 0)
		return err_set(reterr, EPROTO, NULL,
			       "the agent's answer is no piece of a file");
	d->last = json_is_true(json_object_get(answer, "done"));
	/* of one that still runs: what there is so far */
	d->last |= next <= d->offset;
	d->offset = next;
	return 0;
}

static int read_piece(struct download *d, struct asker *a, struct err *reterr)
{
	struct request *r = d->request;
	struct span line;
	json_t *answer;
	int rc = link_ask(asker_link(a), "capture-read", r->who.user,
			  json_pack("{s:O, s:I}", "id", d->id, "offset",
				    (json_int_t)d->offset),
			  &line, reterr);

	if (rc < 0)
		return rc;
	answer = json_loadb(line.at, line.len, 0, NULL);
	rc = answer ? answer_check(answer,
				   (uint32_t)json_integer_value(
					   json_object_get(answer, "id")),
				   "the agent", reterr)
		    : err_set(reterr, EPROTO, NULL,
			      "the agent's answer is no JSON");
	if (rc == 0)
		rc = take_piece(d, answer, reterr);
	json_decref(answer);
	return rc;
}

static void run(struct job *j, struct asker *a)
{
	struct request *r = (struct request *)j;
	struct download *d = r->download;
	struct err err;

	if (read_piece(d, a, &err) == 0)
		d->began = true;
	else if (d->began) /* the status is sent: all that can be is to break off */
		d->failed = true;
	else
		answer_problem(r, &err);
	serving_resume(r);
}

void download_open(struct request *r)
{
	struct download *d = calloc(1, sizeof *d);
	json_t *args = NULL;
	struct err err;

	if (!d)
		(void)err_set(&err, ENOMEM, NULL, "out of memory");
	if (!d || route_args(r->route, &r->uri, NULL, 0, &args, &err) < 0) {
		free(d);
		answer_problem(r, &err);
		return;
	}
	d->request = r;
	d->id = json_incref(json_object_get(args, "id"));
	json_decref(args);
	r->download = d;
	r->job.run = run;
	/* answered if it cannot wait */
	(void)serving_submit(r, r->server->slow);
}

static ssize_t read_some(void *cls, uint64_t pos, char *buf, size_t max)
{
	struct download *d = cls;
	struct request *r = d->request;
	size_t n = d->len - d->done < max ? d->len - d->done : max;

	(void)pos;
	if (n > 0) {
		memcpy(buf, d->piece + d->done, n);
		d->done += n;
		return (ssize_t)n;
	}
	if (d->failed)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (d->last)
		return MHD_CONTENT_READER_END_OF_STREAM;
	MHD_suspend_connection(r->connection);
	if (pool_submit(r->server->slow, &r->job))
		return 0;
	d->failed = true;
	MHD_resume_connection(r->connection);
	return 0;
}

struct MHD_Response *download_response(struct download *d)
{
	struct request *r = d->request;
	char text[160];
	const char *id = route_path_value(r->route, &r->uri, "id");

	(void)snprintf(text, sizeof text,
		       "attachment; filename=\"weir-capture-%.*s.pcapng\"",
		       (int)strspn(id, "abcdefghijklmnopqrstuvwxyz"
				       "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"),
		       id);
	answer_header(r, "Content-Disposition", text);
	return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES,
						 read_some, d, NULL);
}

void download_free(struct download *d)
{
	if (!d)
		return;
	json_decref(d->id);
	free(d->piece);
	free(d);
}
