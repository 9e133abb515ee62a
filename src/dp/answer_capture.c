#include "dp/answer_capture.h"

#include "base/addr.h"
#include "dp/answer.h"
#include "dp/answer_told.h"

static void add_mac(json_t *o, const char *name, struct mac m)
{
	char text[MAC_TEXT_MAX];

	answer_text(o, name, mac_is_zero(m) ? "" : mac_format(m, text));
}

void answer_capture(json_t *result, const struct control *ctl,
		    const struct capture_spec *spec)
{
	const struct snapshot *s = config_current(ctl->config);
	const struct endpoint *e = snapshot_endpoint(
		s, snapshot_find_mac(s, spec->workload, MAC_REAL));

	if (!e)
		return;
	add_mac(result, "mac", e->mac);
	add_mac(result, "ucmac", e->ucmac);
	add_mac(result, "bcmac", e->bcmac);
	answer_uint(result, "snaplen", spec->snaplen);
	answer_uint(result, "ring_bytes", CAPTURE_RING_BYTES);
	answer_uint(result, "unix_us_at_zero", answer_clock_zero());
}

void answer_captures(json_t *result, const struct control *ctl)
{
	json_t *o = answer_group(result, "captures"), *list = json_array();
	uint64_t n = 0;

	for (unsigned i = 0; i < CAPTURES_MAX; i++) {
		const struct live_capture *c = &ctl->captures.at[i];
		struct capture_counts counts;
		json_t *one;

		if (!c->ring)
			continue;
		n++;
		one = json_object();
		counts = capture_writer_counts(c->ring);
		add_mac(one, "workload", c->mac);
		answer_uint(one, "frames", counts.frames);
		answer_uint(one, "lost", counts.lost);
		(void)json_array_append_new(list, one);
	}
	answer_uint(o, "in_use", n);
	answer_uint(o, "limit", CAPTURES_MAX);
	(void)json_object_set_new(o, "now", list);
}
