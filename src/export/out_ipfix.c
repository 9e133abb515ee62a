/*
 * Messages of IPFIX to a collector, by TCP or UDP (RFC 7011, 10), or into a file
 * (RFC 5655): PATH, and what it was before as PATH.1 and so on. Each connection
 * and each file begins with the templates; by UDP they come again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "export/ipfix.h"
#include "export/output.h"
#include "export/rotate.h"
#include "export/sock.h"

/* By UDP no more than goes through any network in one piece. */
#define MESSAGE_UDP    1400
#define MESSAGE_STREAM 16384

struct ipfix_out {
	const struct output_config *config;
	struct ipfix *ipfix;
	struct sock sock;
	struct rotated file;
	uint64_t templates_us;
	bool begun;
};

static void ipfix_end(void *self)
{
	struct ipfix_out *o = self;

	if (!o)
		return;
	sock_close(&o->sock);
	rotated_close(&o->file);
	ipfix_free(o->ipfix);
	free(o);
}

static void *ipfix_out_begin(const struct output_config *c, const char *host)
{
	struct ipfix_out *o = calloc(1, sizeof *o);

	(void)host;
	if (!o)
		return NULL;
	o->config = c;
	o->sock.fd = -1;
	o->file = (struct rotated){ .path = c->path,
				    .keep = c->keep ? c->keep : 1,
				    .max_bytes = (uint64_t)c->rotate_mb << 20,
				    .max_s = c->rotate_hours * 3600ULL,
				    .fd = -1 };
	return o;
}

static uint64_t now_s(void)
{
	return clock_unix_us() / USEC_PER_SEC;
}

/* --- where it goes ------------------------------------------------------------------ */

static void close_it(struct ipfix_out *o)
{
	sock_close(&o->sock);
	rotated_close(&o->file);
	o->begun = false;
}

/* A message that is cut would end what can be read of the file: a new one. */
static int open_file(struct ipfix_out *o, struct err *reterr)
{
	int rc = 0;

	if (access(o->file.path, F_OK) == 0)
		rc = rotated_turn(&o->file, reterr);
	return rc < 0 ? rc : rotated_open(&o->file, reterr);
}

static int open_it(struct ipfix_out *o, struct err *reterr)
{
	const struct output_config *c = o->config;
	struct sock_spec spec = { .host = c->host,
				  .port = c->port,
				  .udp = c->transport == TO_UDP };
	int rc;

	if (c->transport == TO_FILE)
		rc = open_file(o, reterr);
	else
		rc = sock_open(&spec, &o->sock, reterr);
	if (rc == 0 && !o->ipfix) {
		o->ipfix = ipfix_new(c->domain,
				     spec.udp ? MESSAGE_UDP : MESSAGE_STREAM,
				     reterr);
		rc = o->ipfix ? 0 : -reterr->code;
	} else if (rc == 0) {
		rc = ipfix_begin(o->ipfix, reterr);
	}
	if (rc < 0) {
		close_it(o);
		return rc;
	}
	o->templates_us = clock_now().us;
	o->begun = true;
	return 0;
}

static int flush(struct ipfix_out *o, struct err *reterr)
{
	const uint8_t *message;
	size_t len;
	int rc = ipfix_message(o->ipfix, &message, &len, reterr);

	if (rc == 0 && len > 0)
		rc = o->config->transport == TO_FILE
			     ? rotated_write(&o->file, (const char *)message,
					     len, now_s(), reterr)
			     : sock_send(&o->sock, message, len, reterr);
	if (rc == 0 && len > 0 && o->config->transport == TO_TCP)
		rc = sock_drain(&o->sock, reterr);
	if (rc < 0)
		close_it(o);
	return rc;
}

static bool is_over(struct ipfix_out *o)
{
	if (o->config->transport == TO_FILE)
		return rotated_is_due(&o->file, now_s()) ||
		       !rotated_is_there(&o->file);
	return o->config->transport == TO_TCP && sock_is_closed(&o->sock);
}

static int ready(struct ipfix_out *o, struct err *reterr)
{
	uint64_t now = clock_now().us;

	if (o->begun && is_over(o))
		close_it(o);
	if (!o->begun)
		return open_it(o, reterr);
	if (o->config->transport != TO_UDP ||
	    now < o->templates_us + EXPORT_TEMPLATES_S * USEC_PER_SEC)
		return 0;
	o->templates_us = now;
	return ipfix_templates(o->ipfix, reterr);
}

/*
 * Records of a message that is not sent are not done. What libfixbuf refuses is
 * refused for good.
 */
static int ipfix_out_send(void *self, const struct item *const *items, size_t n,
			  size_t *ret_done, struct err *reterr)
{
	struct ipfix_out *o = self;
	int rc = ready(o, reterr);
	bool added;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		rc = ipfix_add(o->ipfix, items[i], &added, reterr);
		if (rc < 0 || added)
			continue;
		rc = flush(o, reterr); /* the message is full */
		if (rc < 0)
			break;
		*ret_done = i;
		rc = ipfix_add(o->ipfix, items[i], &added, reterr);
	}
	if (rc == 0)
		rc = flush(o, reterr);
	if (rc == 0)
		*ret_done = n;
	else
		close_it(o);
	return rc;
}

static void ipfix_reopen(void *self)
{
	close_it(self);
}

const struct output_ops output_ipfix = {
	.begin = ipfix_out_begin,
	.end = ipfix_end,
	.send = ipfix_out_send,
	.reopen = ipfix_reopen,
};
