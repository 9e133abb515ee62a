/*
 * Lines in a file. A batch is one write, so who reads along sees whole lines.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "export/output.h"
#include "export/rotate.h"

struct file {
	struct rotated r;
	struct text lines;
	bool stays; /* its time is over, and it cannot be turned: told once */
};

static uint64_t now_s(void)
{
	return clock_unix_us() / USEC_PER_SEC;
}

static void *file_begin(const struct output_config *c, const char *host)
{
	struct file *f = calloc(1, sizeof *f);

	(void)host;
	if (f)
		f->r = (struct rotated){
			.path = c->path,
			.keep = c->keep,
			.max_bytes = (uint64_t)c->rotate_mb << 20,
			.max_s = c->rotate_hours * 3600ULL,
			.fd = -1,
		};
	return f;
}

static void file_end(void *self)
{
	struct file *f = self;

	if (!f)
		return;
	rotated_close(&f->r);
	text_done(&f->lines);
	free(f);
}

/* A file that is too large, or old, is better than none. */
static void turn(struct file *f)
{
	struct err err;
	bool failed;

	if (f->r.fd < 0 || !rotated_is_due(&f->r, now_s()))
		return;
	failed = rotated_turn(&f->r, &err) < 0;
	if (failed && !f->stays)
		log_warn("%s: cannot be turned: %s, going on with it", err.at,
			 err.text);
	f->stays = failed;
}

static int file_send(void *self, const struct item *const *items, size_t n,
		     size_t *ret_done, struct err *reterr)
{
	struct file *f = self;
	int rc = 0;

	turn(f);
	if (f->r.fd < 0)
		rc = rotated_open(&f->r, reterr);
	if (rc < 0)
		return rc;
	f->lines.len = 0;
	for (size_t i = 0; i < n; i++) {
		text_add(&f->lines, items[i]->json, items[i]->json_len);
		text_add(&f->lines, "\n", 1);
	}
	if (f->lines.failed) {
		text_done(&f->lines);
		f->lines = (struct text){ 0 };
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	rc = rotated_write(&f->r, f->lines.at, f->lines.len, now_s(), reterr);
	if (rc == 0)
		*ret_done = n;
	return rc;
}

static void file_reopen(void *self)
{
	struct file *f = self;

	rotated_close(&f->r);
}

/* Moved away by somebody else; or it is old and nothing comes any more. */
static void file_idle(void *self)
{
	struct file *f = self;

	if (f->r.fd >= 0 && !rotated_is_there(&f->r))
		rotated_close(&f->r);
	turn(f);
}

const struct output_ops output_file = {
	.begin = file_begin,
	.end = file_end,
	.send = file_send,
	.reopen = file_reopen,
	.idle = file_idle,
};
