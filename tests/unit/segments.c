#include "segments.h"

#include "base/limits.h"
#include "test.h"

static struct packet packet_of(const struct segment *s)
{
	bool own = s->from == 'C';

	return (struct packet){
		.ip_version = 4,
		.ethertype = ETHERTYPE_IP4,
		.proto = PROTO_TCP,
		.saddr = ip_from_v4(own ? 0x0a000001 : 0x0a000002),
		.daddr = ip_from_v4(own ? 0x0a000002 : 0x0a000001),
		.sport = own ? 40000 : 80,
		.dport = own ? 80 : 40000,
		.tcp_flags = s->flags,
		.tcp_seq = s->seq,
		.tcp_ack = s->ack,
		.tcp_window = s->window ? s->window : WINDOW,
		.tcp_has_wscale = s->wscale > 0,
		.tcp_wscale = s->wscale,
		.payload_len = s->len,
	};
}

enum flow_step segment_play(struct flow_table *t, struct flow **f,
			    const struct segment *s, usec_t now)
{
	struct packet p = packet_of(s);
	bool ingress = s->from == 'S', midstream;
	struct flow_key k = flow_key_of(&p, 3, ingress);
	bool own = flow_opener_is_own(&p, ingress, &midstream);

	if (!*f)
		*f = flow_make(t, &k, &p, own, midstream, now);
	assert_non_null(*f);
	assert_ptr_equal(flow_find(t, &k), *f);
	return flow_follow(t, *f, &p, flow_sender(*f, ingress), now);
}

static bool is_as_said(const struct segment *s, const struct flow *f, int step,
		       uint32_t id_before)
{
	const struct flow_side_state *c = &f->side[FLOW_CLIENT];
	const struct flow_side_state *v = &f->side[FLOW_SERVER];

	if (step != s->step || f->class != s->class)
		return false;
	if ((s->client && c->state != s->client) ||
	    (s->server && v->state != s->server))
		return false;
	if (id_before && (f->id != id_before) != (step == NEW))
		return false;
	/* who opened it last, is its client */
	return step != NEW || c->packets + v->packets == 1;
}

static unsigned scenario_play(const struct scenario *scenario)
{
	struct flow_table *t = flow_table_new(FLOWS_MIN, 1);
	struct flow *f = NULL;
	unsigned bad = 0;

	assert_non_null(t);
	for (unsigned i = 0; i < SEGMENTS_MAX && scenario->segments[i].from;
	     i++) {
		const struct segment *s = &scenario->segments[i];
		uint32_t id = f ? f->id : 0;
		usec_t now = { (i + 1) * USEC_PER_SEC };
		int step = (int)segment_play(t, &f, s, now);

		if (is_as_said(s, f, step, id))
			continue;
		print_message("# \"%s\", segment %u: step %d, %s/%s, %s\n",
			      scenario->name, i, step,
			      tcp_state_name(f->side[FLOW_CLIENT].state),
			      tcp_state_name(f->side[FLOW_SERVER].state),
			      flow_class_name((enum flow_class)f->class));
		bad++;
	}
	assert_int_equal(flow_counts(t).total, 1);
	assert_int_equal(flow_counts(t).tcp, 1);
	flow_table_free(t);
	return bad;
}

void scenarios_play(const struct scenario *scenarios, size_t n)
{
	unsigned bad = 0;

	for (size_t i = 0; i < n; i++)
		bad += scenario_play(&scenarios[i]);
	assert_int_equal(bad, 0);
}
