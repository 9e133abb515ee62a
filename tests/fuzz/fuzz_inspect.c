/*
 * Any frames through the whole pipeline. The input is frames, each behind its
 * length (two bytes, big-endian) and a byte that says how many seconds later
 * it comes, its direction, and whether the policy changes before it; its MACs
 * are replaced, so that it is the workload's.
 *
 * Making an inspect costs many times more than an input. So one serves all:
 * behind each input its flows end, what it tells is taken, the workload is
 * forgotten, and so much time passes that the rest is, too. Were anything left
 * all the same, it could make a crash that the crashing input does not repeat:
 * therefore one input in COMPARE_ONE is also given to a new inspect, which must
 * decide the same. Which ones that are, the input alone says. An input run by
 * itself meets a new one anyway.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/bug.h"
#include "inspect/inspect.h"
#include "inspect/settings.h"

/* Bounds the time of an input, and how far it moves the clock. */
#define FRAMES_MAX  400
#define COMPARE_ONE 1024
/* Longer than anything is remembered. */
#define FORGET_US (3600 * USEC_PER_SEC)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct mac mark = { { 0x4e, 0x65, 0x75, 0x56, 0, 1 } };

/* What all inputs share; made by the first one, never changed. */
static struct snapshot *before, *after;
static struct name_set *names;
static const char *const name = "*.example.com";

/* later: judges more, and puts denials about unknown addresses off. */
static struct snapshot *make_snapshot(uint32_t version, uint8_t action,
				      bool later)
{
	struct policy_spec spec = { .defact = POLICY_DENY,
				    .dir = 3,
				    .ipv6 = true,
				    .reject = true,
				    .n_rules = 2 };
	struct endpoint e = { .used = true, .ucmac = mark };
	struct ip_addr known = ip_from_v4(0x0a000001);
	struct subnet internal = { ip_from_v4(0x0a000000), 96 + 8, 0 };
	struct snapshot *s;
	struct err err;

	spec.rules = calloc(2, sizeof *spec.rules);
	BUG_ON(!spec.rules);
	spec.rules[0] = (struct rule_spec){
		.id = 1,
		.sipr = ip_from_v4(UINT32_MAX),
		.dipr = ip_from_v4(UINT32_MAX),
		.portr = 1023,
		.action = action,
	};
	spec.rules[1] = (struct rule_spec){
		.id = 2,
		.port = 1024,
		.portr = UINT16_MAX,
		.action = POLICY_ALLOW,
		.fqdn = strdup(name),
	};
	e.policy = policy_compile(&spec, &err);
	BUG_ON(!e.policy);
	s = snapshot_build(&(struct snapshot_spec){
		.endpoints = &e,
		.n_endpoints = 1,
		.internal = &internal,
		.n_internal = later,
		.policy_addrs = &known,
		.n_policy_addrs = later,
		.has_policy_addrs = later,
		.version = version,
		.names = names,
	});
	BUG_ON(!s);
	policy_put(e.policy);
	return s;
}

static struct inspect *make_inspect(void)
{
	struct inspect_options opt = { .max_flows = FLOWS_MIN, .seed = 1 };
	struct inspect_settings settings = inspect_settings_default();
	struct inspect *in = inspect_new(&opt);

	BUG_ON(!in);
	settings.tunnels = tunnel_options_all();
	inspect_configure(in, &settings);
	return in;
}

/* FNV-1a, whose upper half is mixed better. */
#define DIGEST_OF_NOTHING 0xcbf29ce484222325ULL
static void add(uint64_t *digest, const void *bytes, size_t len)
{
	const uint8_t *b = bytes;

	for (size_t i = 0; i < len; i++)
		*digest = (*digest ^ b[i]) * 0x100000001b3ULL;
}

static void one_frame(struct inspect *in, struct bytes b, bool ingress,
		      usec_t now, uint64_t *digest)
{
	size_t len = bytes_len(b);
	uint8_t *copy = malloc(len ? len : 1);
	struct verdict v;

	BUG_ON(!copy);
	if (len)
		memcpy(copy, b.begin, len);
	if (len >= 12)
		memcpy(copy + (ingress ? 0 : 6), mark.b, 6);
	v = inspect_frame(
		in,
		(struct frame){ .bytes = bytes_of(copy, len), .wire_len = len },
		now);
	BUG_ON(v.reason == REASON_NONE || v.reason >= REASON__MAX);
	BUG_ON(v.n_send > VERDICT_SEND_MAX);
	BUG_ON(v.forward && v.n_send);
	add(digest, &v.forward, sizeof v.forward);
	add(digest, &v.reason, sizeof v.reason);
	for (unsigned i = 0; i < v.n_send; i++)
		add(digest, v.send[i].bytes.begin, bytes_len(v.send[i].bytes));
	free(copy);
}

/* Ends all that the frames have left; returns how many flows that were. */
static uint32_t forget(struct inspect *in, usec_t *now)
{
	static struct connection_record connections[64];
	static struct threat_record threats[64];
	struct flow_pick all = { FLOW_PICK_ALL, 0 };
	uint32_t cursor = 0, ended = 0;

	while (inspect_end_flows(in, all, &cursor, &ended))
		continue;
	while (inspect_drain_connections(in, connections, 64) == 64)
		continue;
	while (inspect_drain_threats(in, threats, 64) == 64)
		continue;
	inspect_forget_endpoint(in, 0);
	*now = usec_add(*now, FORGET_US);
	return ended;
}

/* All frames of the input; a number that says what was decided. */
static uint64_t run(struct inspect *in, struct bytes input, usec_t *now)
{
	uint64_t digest = DIGEST_OF_NOTHING;
	struct bytes frame;
	uint16_t frame_len;
	uint32_t ended;
	uint8_t how;

	(void)inspect_adopt(in, before); /* static, nothing to free */
	for (int i = 0;
	     i < FRAMES_MAX && take_be16(&input, &frame_len) &&
	     take_u8(&input, &how) && take_bytes(&input, frame_len, &frame);
	     i++) {
		*now = usec_add(*now, (how >> 2) * USEC_PER_SEC);
		if (how & 2)
			(void)inspect_adopt(in, after); /* likewise */
		one_frame(in, frame, how & 1, *now, &digest);
		inspect_age(in, *now);
	}
	ended = forget(in, now);
	add(&digest, &ended, sizeof ended);
	return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct inspect *shared;
	static usec_t now = { FORGET_US };
	struct bytes input = bytes_of(data, len);
	uint64_t digest, of_input = DIGEST_OF_NOTHING;

	if (!shared) {
		names = name_set_next(NULL, &name, 1, NULL);
		BUG_ON(!names);
		before = make_snapshot(1, POLICY_ALLOW, false);
		after = make_snapshot(2, POLICY_DENY, true);
		shared = make_inspect();
	}
	digest = run(shared, input, &now);
	add(&of_input, data, len);
	if ((of_input >> 32) % COMPARE_ONE == 0) {
		struct inspect *fresh = make_inspect();
		usec_t start = { FORGET_US };

		BUG_ON(run(fresh, input, &start) != digest);
		inspect_free(fresh);
	}
	return 0;
}
