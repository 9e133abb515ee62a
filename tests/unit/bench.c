#include "bench.h"

#include <stdlib.h>

#include "inspect/image.h"
#include "inspect/passage.h"
#include "test.h"

static void ended(void *arg, const struct session_record *s)
{
	struct bench *b = arg;

	b->ended++;
	b->last_ended = *s;
}

static struct bench *make(const struct inspect_options *opt)
{
	struct bench *b = calloc(1, sizeof *b);

	assert_non_null(b);
	b->options = *opt;
	b->in = inspect_new(opt);
	assert_non_null(b->in);
	b->now = (usec_t){ USEC_PER_SEC };
	b->port = 4000;
	b->settings = inspect_settings_default();
	inspect_on_flow_end(b->in, ended, b);
	return b;
}

struct bench *bench_new(uint32_t max_flows)
{
	return make(
		&(struct inspect_options){ .max_flows = max_flows, .seed = 1 });
}

struct bench *bench_new_detecting(uint32_t max_flows)
{
	return make(&(struct inspect_options){
		.max_flows = max_flows, .seed = 1, .detection = true });
}

struct bench *bench_new_listening(uint32_t max_flows, uint32_t heard)
{
	struct pools pools = pools_default(max_flows);

	pools.n[POOL_STREAMS] = heard;
	return make(&(struct inspect_options){ .max_flows = max_flows,
					       .seed = 1,
					       .pools = &pools,
					       .detection = true });
}

void bench_free(struct bench *b)
{
	inspect_free(b->in);
	snapshot_free(b->s);
	name_set_free(b->names);
	free(b);
}

int bench_stop(void **state)
{
	bench_free(*state);
	return 0;
}

void bench_adopt(struct bench *b, struct policy *policy, bool tap,
		 const struct snapshot_spec *more)
{
	struct endpoint e = { .used = true,
			      .tap = tap,
			      .mac = real_mac,
			      .ucmac = mark,
			      .bcmac = broadcast_mark,
			      .captures = b->captures,
			      .policy = policy,
			      .sensing = b->sensing };
	struct snapshot_spec spec = more ? *more : (struct snapshot_spec){ 0 };
	struct snapshot *before = b->s;

	spec.endpoints = &e;
	spec.n_endpoints = 1;
	spec.version = ++b->version;
	b->s = snapshot_build(&spec);
	assert_non_null(b->s);
	policy_put(policy);
	assert_ptr_equal(inspect_adopt(b->in, b->s), before);
	snapshot_free(before);
}

static void take_over(struct bench *b, struct inspect *next, const void *image,
		      size_t len)
{
	struct inspect *in = b->in;
	struct inspect_taken taken;
	struct image_reader r;

	inspect_configure(next, &in->settings);
	inspect_on_flow_end(next, in->on_flow_end, in->on_flow_end_arg);
	inspect_on_match(next, in->on_match, in->on_match_arg);
	if (in->sig_lane)
		inspect_adopt_signatures(next, in->sig_lane);
	if (in->sensor_lane)
		assert_null(inspect_adopt_sensors(next, in->sensor_lane));
	assert_null(inspect_adopt(next, in->snapshot));
	assert_int_equal(image_read(&r, image, len), 0);
	assert_int_equal(inspect_load(next, &r, &taken), 0);
	assert_int_equal(taken.missing, 0);
	assert_int_equal(taken.flows_gone, 0);
	inspect_free(in);
	b->in = next;
}

void bench_hand_over(struct bench *b)
{
	struct image_writer w;
	struct inspect *next;
	void *image;

	if (!b->in->snapshot || b->in->sig_lanes > 1)
		return;
	b->options.seed++;
	next = inspect_new(&b->options);
	assert_non_null(next);
	image_write(&w, NULL, 0);
	inspect_save(b->in, &w);
	image = calloc(1, w.len);
	assert_non_null(image);
	image_write(&w, image, w.len);
	inspect_save(b->in, &w);
	assert_int_equal(image_written(&w), 0);
	take_over(b, next, image, w.len);
	free(image);
}

struct verdict bench_pass(struct bench *b, const struct frame_spec *s)
{
	size_t len = frame_make(b->buf, s);
	struct frame f = { .bytes = bytes_of(b->buf, len), .wire_len = len };
	const char *every = getenv("HAND_OVER");

	if (every && b->frames++ % strtoul(every, NULL, 10) == 0)
		bench_hand_over(b);
	b->now = usec_add(b->now, 1000);
	b->verdict = inspect_frame(b->in, f, b->now);
	return b->verdict;
}

int bench_reason(struct bench *b, struct frame_spec s)
{
	struct verdict v = bench_pass(b, &s);

	return v.forward ? v.reason : -v.reason;
}

struct frame_spec bench_frame(bool own, const char *peer, uint8_t proto,
			      uint16_t sport, uint16_t dport)
{
	return (struct frame_spec){ .src = own ? mark : peer_mac,
				    .dst = own ? peer_mac : mark,
				    .saddr = own ? OWN : peer,
				    .daddr = own ? peer : OWN,
				    .proto = proto,
				    .sport = own ? sport : dport,
				    .dport = own ? dport : sport };
}
