/*
 * Lines to a socket of this host that somebody listens at: on a stream with a
 * newline behind each, or as a datagram each.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "export/output.h"
#include "export/sock.h"

struct unix_out {
	const char *path;
	bool datagram;
	struct sock sock;
	struct text text;
};

static void *unix_begin(const struct output_config *c, const char *host)
{
	struct unix_out *u = calloc(1, sizeof *u);

	(void)host;
	if (u) {
		u->path = c->path;
		u->datagram = c->datagram;
		u->sock.fd = -1;
	}
	return u;
}

static void unix_end(void *self)
{
	struct unix_out *u = self;

	if (!u)
		return;
	sock_close(&u->sock);
	text_done(&u->text);
	free(u);
}

static int send_one(struct unix_out *u, const struct item *i,
		    struct err *reterr)
{
	int rc;

	u->text.len = 0;
	text_add(&u->text, i->json, i->json_len);
	if (!u->datagram)
		text_add(&u->text, "\n", 1);
	if (u->text.failed) {
		text_done(&u->text);
		u->text = (struct text){ 0 };
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	rc = sock_send(&u->sock, u->text.at, u->text.len, reterr);
	return rc == -EMSGSIZE ? -EBADMSG : rc;
}

static int unix_send(void *self, const struct item *const *items, size_t n,
		     size_t *ret_done, struct err *reterr)
{
	struct unix_out *u = self;
	int rc = 0;

	if (u->sock.fd >= 0 && !u->datagram && sock_is_closed(&u->sock))
		sock_close(&u->sock);
	if (u->sock.fd < 0)
		rc = sock_open_unix(u->path, u->datagram, &u->sock, reterr);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		rc = send_one(u, items[i], reterr);
		if (rc == 0)
			*ret_done = i + 1;
	}
	return rc;
}

static void unix_reopen(void *self)
{
	struct unix_out *u = self;

	sock_close(&u->sock);
}

const struct output_ops output_unix = {
	.begin = unix_begin,
	.end = unix_end,
	.send = unix_send,
	.reopen = unix_reopen,
};
