/*
 * By UDP what the kernel has taken counts as sent; by TCP a batch that the other
 * side's kernel has acknowledged, as there is no answer of syslog. What is not
 * comes again by the next connection.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "export/output.h"
#include "export/sock.h"
#include "export/syslog.h"

struct syslog {
	struct sock_spec spec;
	struct syslog_from from;
	struct sock sock;
	uint32_t sequence; /* RFC 5424 7.3.1: 1..2147483647 */
	struct text text;
};

static void *syslog_begin(const struct output_config *c, const char *host)
{
	struct syslog *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->spec = (struct sock_spec){ .host = c->host,
				      .port = c->port,
				      .udp = c->transport == TO_UDP,
				      .tls = c->transport == TO_TLS,
				      .ca = c->ca,
				      .cert = c->cert,
				      .key = c->key,
				      .peer = c->peer };
	s->from = (struct syslog_from){ .facility = c->facility,
					.as_text = c->as_text,
					.host = host,
					.pid = (unsigned)getpid() };
	s->sock.fd = -1;
	return s;
}

static void syslog_end(void *self)
{
	struct syslog *s = self;

	if (!s)
		return;
	sock_close(&s->sock);
	text_done(&s->text);
	free(s);
}

static int send_one(struct syslog *s, const struct item *i, struct err *reterr)
{
	uint32_t sequence = s->sequence % INT32_MAX + 1;
	int rc;

	s->text.len = 0;
	if (s->spec.udp)
		syslog_message(&s->text, &s->from, i, sequence);
	else
		syslog_frame(&s->text, &s->from, i, sequence);
	if (s->text.failed) {
		text_done(&s->text);
		s->text = (struct text){ 0 };
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	if (s->spec.udp && s->text.len > EXPORT_DATAGRAM_MAX)
		return err_set(reterr, EBADMSG, NULL,
			       "longer than a datagram may be");
	rc = sock_send(&s->sock, s->text.at, s->text.len, reterr);
	if (rc == 0)
		s->sequence = sequence;
	return rc;
}

static int syslog_send(void *self, const struct item *const *items, size_t n,
		       size_t *ret_done, struct err *reterr)
{
	struct syslog *s = self;
	int rc = 0;

	if (s->sock.fd >= 0 && sock_is_closed(&s->sock))
		sock_close(&s->sock);
	if (s->sock.fd < 0)
		rc = sock_open(&s->spec, &s->sock, reterr);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		rc = send_one(s, items[i], reterr);
		if (rc == 0 && s->spec.udp)
			*ret_done = i + 1;
	}
	if (rc == 0 && !s->spec.udp) {
		rc = sock_drain(&s->sock, reterr);
		if (rc == 0)
			*ret_done = n;
	}
	return rc;
}

/* Certificates may be new. */
static void syslog_reopen(void *self)
{
	struct syslog *s = self;

	sock_close(&s->sock);
}

const struct output_ops output_syslog = {
	.begin = syslog_begin,
	.end = syslog_end,
	.send = syslog_send,
	.reopen = syslog_reopen,
};
