/*
 * Any frames through the whole pipeline. The input is frames, each behind its
 * length (two bytes, big-endian) and a byte that says how many seconds later
 * it comes; its MACs are replaced, so that it is the workload's.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/bug.h"
#include "inspect/inspect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct mac mark = { { 0x4e, 0x65, 0x75, 0x56, 0, 1 } };

static struct snapshot *make_snapshot(uint32_t version, uint8_t action)
{
	struct policy_spec spec = { .defact = POLICY_DENY,
				    .dir = 3,
				    .ipv6 = true,
				    .reject = true,
				    .n_rules = 1 };
	struct endpoint e = { .used = true, .ucmac = mark };
	struct snapshot *s;
	struct err err;

	spec.rules = calloc(1, sizeof *spec.rules);
	BUG_ON(!spec.rules);
	spec.rules[0] = (struct rule_spec){
		.id = 1,
		.sipr = ip_from_v4(UINT32_MAX),
		.dipr = ip_from_v4(UINT32_MAX),
		.portr = 1023,
		.action = action,
	};
	e.policy = policy_compile(&spec, &err);
	BUG_ON(!e.policy);
	s = snapshot_build(&(struct snapshot_spec){
		.endpoints = &e, .n_endpoints = 1, .version = version });
	BUG_ON(!s);
	policy_put(e.policy);
	return s;
}

static void one_frame(struct inspect *in, struct bytes b, bool ingress,
		      usec_t now)
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
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct inspect_options opt = { .max_flows = 64, .seed = 1 };
	struct snapshot *before = make_snapshot(1, POLICY_ALLOW);
	struct snapshot *after = make_snapshot(2, POLICY_DENY);
	struct inspect *in = inspect_new(&opt);
	struct bytes at = bytes_of(data, len), frame;
	usec_t now = { 0 };
	uint16_t frame_len;
	uint8_t how;

	BUG_ON(!in);
	(void)inspect_adopt(in, before);
	while (take_be16(&at, &frame_len) && take_u8(&at, &how) &&
	       take_bytes(&at, frame_len, &frame)) {
		now = usec_add(now, (how >> 2) * USEC_PER_SEC);
		if (how & 2)
			(void)inspect_adopt(in, after);
		one_frame(in, frame, how & 1, now);
		inspect_age(in, now);
	}
	inspect_free(in);
	snapshot_free(before);
	snapshot_free(after);
	return 0;
}
