#include "sigs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packet/packet.h"
#include "test.h"

static void told(void *arg, uint32_t flow, const struct sig_told *t)
{
	struct sigs *s = arg;
	size_t n = bytes_len(t->around);

	s->n_told += (size_t)snprintf(
		s->told + s->n_told, sizeof s->told - s->n_told, "%s%u%s",
		s->n_told ? " " : "", t->signature->sid, t->silent ? "!" : "");
	assert_true(s->n_told < sizeof s->told - 20);
	s->last = *t;
	assert_true(n <= sizeof s->around);
	if (n > 0)
		memcpy(s->around, t->around.begin, n);
	s->last.around = bytes_of(s->around, n);
}

struct sigs *sigs_new_with(const char *rules, bool udp,
			   const struct sig_scanner_options *o)
{
	struct sigs *s = calloc(1, sizeof *s);
	struct sig_list *l = sig_list_new();
	struct err err = { 0 };

	assert_non_null(s);
	assert_non_null(l);
	assert_int_equal(sig_list_text(l, "t", rules, strlen(rules), &err), 0);
	if (sig_list_refused(l))
		fail_msg("%s\n%s: %s", rules, sig_list_fault(l, 0)->keyword,
			 sig_list_fault(l, 0)->text);
	s->set = sig_set_new(l, NULL, &err);
	if (!s->set || sig_set_size(s->set).left_out)
		fail_msg("%s\n%s: %s", rules, err.at, err.text);
	s->lane = sig_lane_new(s->set);
	s->scanner = sig_scanner_new(o);
	assert_non_null(s->lane);
	assert_non_null(s->scanner);
	sig_scanner_tell(s->scanner, told, s);
	sig_scanner_adopt(s->scanner, s->lane);
	s->facts = (struct sig_facts){
		.client = ip_from_v4(0x0a000001),
		.server = ip_from_v4(0x0a000002),
		.client_port = 1234,
		.server_port = 80,
		.proto = udp ? PROTO_UDP : PROTO_TCP,
	};
	s->flow = sig_open(s->scanner, &s->facts);
	assert_int_not_equal(s->flow, 0);
	return s;
}

struct sigs *sigs_new(const char *rules, bool udp)
{
	struct sig_scanner_options o = {
		.flows = 4, .blocks = 16, .waiting = 256, .rates = 16
	};

	return sigs_new_with(rules, udp, &o);
}

void sigs_free(struct sigs *s)
{
	struct sig_scanner_counts c;

	sig_close(s->scanner, s->flow);
	c = sig_scanner_counts(s->scanner);
	/* nothing is lost */
	assert_int_equal(c.flows, 0);
	assert_int_equal(c.blocks, 0);
	assert_int_equal(c.waiting, 0);
	sig_scanner_adopt(s->scanner, NULL);
	assert_ptr_equal(sig_scanner_give_back(s->scanner), s->lane);
	assert_null(sig_scanner_give_back(s->scanner));
	sig_scanner_free(s->scanner);
	sig_lane_free(s->lane);
	sig_set_free(s->set);
	free(s);
}

void sigs_again(struct sigs *s)
{
	sig_close(s->scanner, s->flow);
	s->flow = sig_open(s->scanner, &s->facts);
	assert_int_not_equal(s->flow, 0);
	s->n_told = 0;
	s->told[0] = 0;
}

void sigs_piece(struct sigs *s, enum proto_side side, enum proto_field f,
		struct bytes b, bool begin, bool end)
{
	struct proto_piece p = { .bytes = b,
				 .field = (uint8_t)f,
				 .side = (uint8_t)side,
				 .begin = begin,
				 .end = end };

	sig_piece(s->scanner, s->flow, &p);
}

void sigs_field(struct sigs *s, enum proto_side side, enum proto_field f,
		const char *text)
{
	sigs_piece(s, side, f, bytes_of(text, strlen(text)), true, true);
}

void sigs_payload(struct sigs *s, enum proto_side side, const void *b,
		  size_t len)
{
	/* a copy of its own: nothing may look behind it */
	uint8_t *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, b, len);
	sig_payload(s->scanner, s->flow, side, bytes_of(copy, len), false);
	free(copy);
}

const char *sigs_told(struct sigs *s)
{
	static char text[sizeof s->told];

	memcpy(text, s->told, sizeof text);
	s->n_told = 0;
	s->told[0] = 0;
	return text;
}
