#include "conn.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"
#include "wire/ctrl_rule.h"

int conn_frame(struct conn *c, bool client, uint8_t flags, const void *bytes,
	       size_t len, int32_t off)
{
	struct frame_spec s = bench_frame(client == c->own, PEER, PROTO_TCP,
					  c->own ? c->client_port : c->port,
					  c->own ? c->port : c->client_port);

	s.flags = flags;
	s.seq = c->seq[client] + (uint32_t)off;
	s.ack = flags & TCP_ACK ? c->seq[!client] : 0;
	s.payload = bytes;
	s.payload_len = len;
	return bench_reason(c->b, s);
}

/* It went on, or by another way. */
static bool is_seen(int reason)
{
	return reason > 0 || reason == -REASON_TAP;
}

struct conn connected(struct bench *b, bool own, uint16_t port)
{
	struct conn c = { .b = b,
			  .own = own,
			  .port = port,
			  .client_port = b->port++,
			  .seq = { SERVER_ISN, CLIENT_ISN } };

	assert_true(is_seen(conn_frame(&c, true, TCP_SYN, NULL, 0, 0)));
	c.seq[true]++;
	assert_true(
		is_seen(conn_frame(&c, false, TCP_SYN | TCP_ACK, NULL, 0, 0)));
	c.seq[false]++;
	assert_true(is_seen(conn_frame(&c, true, TCP_ACK, NULL, 0, 0)));
	return c;
}

int say_bytes(struct conn *c, bool client, const void *bytes, size_t len)
{
	int reason = conn_frame(c, client, TCP_ACK | TCP_PSH, bytes, len, 0);

	if (is_seen(reason))
		c->seq[client] += (uint32_t)len;
	return reason;
}

int say(struct conn *c, bool client, const char *text)
{
	return say_bytes(c, client, text, strlen(text));
}

static struct policy *policy_of(const char *rules)
{
	struct policy_spec spec = { .defact = POLICY_DENY,
				    .dir = 3,
				    .ipv6 = true };
	json_t *all = json_loads(rules, 0, NULL);
	struct policy *p;
	struct err err;

	assert_non_null(all);
	spec.n_rules = json_array_size(all);
	spec.rules = calloc(spec.n_rules + 1, sizeof *spec.rules);
	assert_non_null(spec.rules);
	for (size_t i = 0; i < spec.n_rules; i++)
		assert_int_equal(ctrl_parse_own_rule(json_array_get(all, i),
						     &spec.rules[i], &err),
				 0);
	json_decref(all);
	p = policy_compile(&spec, &err);
	assert_non_null(p);
	return p;
}

void judge_by(struct bench *b, bool tap, const char *rules)
{
	bench_adopt(b, policy_of(rules), tap, NULL);
}

void judge_as(struct bench *b, const struct snapshot_spec *more,
	      const char *rules)
{
	bench_adopt(b, policy_of(rules), false, more);
}

void judge_open(struct bench *b, bool tap)
{
	judge_by(b, tap,
		 "[{\"id\":1,\"action\":\"allow\"},"
		 "{\"id\":2,\"action\":\"allow\",\"ingress\":true}]");
}
