/*
 * The pipeline of a data plane (src/inspect) is given the capture's frames, as
 * weir-dp -p does, and tells what matches: a rule that is tested is read as one
 * in force. A capture has no workload, so nothing is judged, and drop and reject
 * stop nothing. What the pipeline refuses by itself (broken frames, bytes that
 * come again with others) is not looked at, and counted.
 */
#include "cli/rules_test.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "detect/sig_names.h"
#include "inspect/inspect.h"
#include "policy/snapshot.h"
#include "ring/ring.h"
#include "wire/reason.h"

#define TEST_FLOWS 65536
#define TEST_SEED  0x77656972 /* any fixed number */

struct test {
	const struct out *out;
	struct ring *ring;
	struct inspect *inspect;
	struct snapshot *nobody; /* of no workloads */
	uint64_t packets, matches;
};

static const char *name_of(const struct sig_facts *of,
			   char buf[static 2 * IP_TEXT_MAX + 20])
{
	char client[IP_TEXT_MAX], server[IP_TEXT_MAX];

	(void)snprintf(buf, 2 * IP_TEXT_MAX + 20, "%s:%u > %s:%u",
		       ip_format(of->client, client), of->client_port,
		       ip_format(of->server, server),
		       of->server_port); /* fits */
	return buf;
}

static void tell(void *arg, const struct sig_facts *of,
		 const struct sig_told *t)
{
	struct test *x = arg;
	char name[2 * IP_TEXT_MAX + 20];
	const struct signature *s = t->signature;
	char around[4 * 2 * SIG_AROUND_BYTES + 4 * SIG_CONTENT_MAX + 1];
	size_t n = 0;

	for (const uint8_t *b = t->around.begin;
	     b < t->around.end && n < sizeof around - 5; b++)
		n += (size_t)snprintf(
			around + n, sizeof around - n,
			*b >= ' ' && *b < 0x7f && *b != '\\' ? "%c" : "\\x%02x",
			*b);
	around[n] = 0;
	x->matches++;
	if (!x->out->json) {
		printf("packet %" PRIu64 ": %s %" PRIu32 ":%" PRIu32 ":%" PRIu32
		       " %s%s [%s] %s at %" PRIu64 ": %s\n",
		       x->packets, sig_action_name((enum sig_action)s->action),
		       s->gid, s->sid, s->rev, s->msg,
		       t->silent ? " (silent)" : "", name_of(of, name),
		       sig_buffer_name(t->buffer), t->at, around);
		return;
	}
	out_json(json_pack("{s:I, s:s, s:I, s:I, s:I, s:o, s:b, s:s, s:s, s:s,"
			   " s:I, s:s}",
			   "packet", (json_int_t)x->packets, "action",
			   sig_action_name((enum sig_action)s->action), "gid",
			   (json_int_t)s->gid, "sid", (json_int_t)s->sid, "rev",
			   (json_int_t)s->rev, "msg", out_json_text(s->msg),
			   "silent", t->silent, "connection", name_of(of, name),
			   "side",
			   t->side == PROTO_CLIENT ? "client" : "server",
			   "buffer", sig_buffer_name(t->buffer), "at",
			   (json_int_t)t->at, "around", around));
}

static int open_all(struct test *x, const char *capture, struct err *reterr)
{
	const struct inspect_options options = { .max_flows = TEST_FLOWS,
						 .seed = TEST_SEED,
						 .capture = true,
						 .breadth = true,
						 .detection = true };
	FILE *file = fopen(capture, "rbe");

	if (!file)
		return err_set(reterr, errno, capture, "%s", strerror(errno));
	x->ring = ring_capture_new(file, reterr);
	if (!x->ring) {
		err_prefix(reterr, capture);
		return -EINVAL;
	}
	x->inspect = inspect_new(&options);
	x->nobody = snapshot_build(&(struct snapshot_spec){ 0 });
	if (!x->inspect || !x->nobody)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	(void)inspect_adopt(x->inspect, x->nobody); /* the first one */
	inspect_on_match(x->inspect, tell, x);
	return 0;
}

/* What is known only when a connection is over, is known now. */
static void end_flows(struct test *x)
{
	const struct flow_pick all = { FLOW_PICK_ALL, 0 };
	uint32_t cursor = 0, n = 0;

	while (inspect_end_flows(x->inspect, all, &cursor, &n))
		;
}

static int read_all(struct test *x, const char *capture, struct err *reterr)
{
	usec_t now = { 0 };
	int n;

	while ((n = ring_recv(x->ring)) > 0)
		for (int i = 0; i < n; i++) {
			struct ring_frame f = ring_frame(x->ring, (unsigned)i);
			struct frame frame = { .bytes = f.bytes,
					       .wire_len = f.wire_len,
					       .csum = f.csum };

			x->packets++;
			/* a capture may step back in time; we do not */
			if (usec_before(now, f.time))
				now = f.time;
			while (inspect_age(x->inspect, now))
				;
			(void)inspect_frame(x->inspect, frame, now);
		}
	end_flows(x);
	return n == 0 ? 0
		      : err_set(reterr, EIO, capture, "broken or cut short");
}

static bool is_of_fragments(enum reason why)
{
	return strncmp(reason_name(why), "frag_", 5) == 0;
}

/* By reason, those that were refused, or are of no use. */
static json_t *not_looked_at(const struct inspect_counts *c,
			     uint64_t *ret_fragments, uint64_t *ret_others)
{
	json_t *o = json_object();

	*ret_fragments = c->defrag.fragments; /* wait for the others */
	*ret_others = c->forwarded[REASON_NOT_IP];
	for (int i = 0; i < REASON__MAX; i++) {
		enum reason why = (enum reason)i;

		if (!c->dropped[i] || reason_kind(why) != 'D')
			continue;
		*(is_of_fragments(why) ? ret_fragments : ret_others) +=
			c->dropped[i];
		(void)json_object_set_new(
			o, reason_name(why),
			json_integer((json_int_t)c->dropped[i]));
	}
	return o;
}

static void print_not_looked_at(const json_t *refused, uint64_t fragments,
				uint64_t others)
{
	const char *why;
	json_t *n;

	if (fragments + others == 0)
		return;
	printf("not looked at: %" PRIu64 " fragments, %" PRIu64
	       " other frames\n",
	       fragments, others);
	json_object_foreach ((json_t *)(uintptr_t)refused, why, n)
		printf("  %s: %" JSON_INTEGER_FORMAT "\n", why,
		       json_integer_value(n));
}

static void tell_sums(const struct test *x)
{
	struct inspect_counts all = inspect_counts(x->inspect);
	const struct sig_scanner_counts *c = &all.signatures;
	uint64_t limits = all.talks_full + c->no_flow + c->no_block +
			  c->no_waiting + c->kept_full + c->bits_full +
			  c->pcre_limit + c->work_limit;
	uint64_t fragments, others;
	json_t *refused = not_looked_at(&all, &fragments, &others);

	if (x->out->json) {
		out_json(json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:o, s:I}",
				   "ok", 1, "packets", (json_int_t)x->packets,
				   "connections", (json_int_t)all.flows.made,
				   "matches", (json_int_t)x->matches,
				   "fragments", (json_int_t)fragments,
				   "not_decoded", (json_int_t)others, "refused",
				   refused, "limits_met", (json_int_t)limits));
		return;
	}
	printf("%" PRIu64 " packets, %" PRIu64 " connections: %" PRIu64
	       " matches\n",
	       x->packets, all.flows.made, x->matches);
	print_not_looked_at(refused, fragments, others);
	json_decref(refused);
	if (c->pcre_limit + c->work_limit)
		printf("limits: %" PRIu64 " expressions, %" PRIu64
		       " searches given up\n",
		       c->pcre_limit, c->work_limit);
}

static void close_all(struct test *x)
{
	if (x->inspect)
		inspect_drop_signatures(x->inspect);
	inspect_free(x->inspect);
	snapshot_free(x->nobody);
	ring_free(x->ring);
}

int rules_test(const struct out *out, const char *capture,
	       const struct sig_set *set)
{
	struct test x = { .out = out };
	struct sig_lane *lane = sig_lane_new(set);
	struct err err = { 0 };
	int r = lane ? open_all(&x, capture, &err)
		     : err_set(&err, ENOMEM, NULL, "out of memory");

	if (r == 0) {
		inspect_adopt_signatures(x.inspect, lane);
		r = read_all(&x, capture, &err);
	}
	if (r == 0)
		tell_sums(&x);
	close_all(&x);
	sig_lane_free(lane);
	return r == 0 ? CLI_OK : out_error(out, "rules test", &err);
}
