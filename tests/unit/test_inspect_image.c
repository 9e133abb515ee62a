/*
 * What goes on in a successor, and what does not: parts that are missing, workloads
 * that are gone or others by now, another policy under the same number; and images
 * that nobody wrote. That nothing else differs is seen by running the other tests of
 * this folder with HAND_OVER=N (bench.h, tests/pcap/handed_over.sh).
 */
#include "detecting.h"
#include "images.h"
#include "inspect/image.h"
#include "seed.h"

#define HALF "POST /pay HTTP/1.1\r\nHost: a.test\r\nContent-Le"
#define REST "ngth: 21\r\n\r\ncard=" CARD
#define POST_HALF                                                          \
	"POST /pay HTTP/1.1\r\nHost: a.test\r\nContent-Length: 29\r\n\r\n" \
	"the first half"
#define NEXT	  "GET /b HTTP/1.1\r\nHost: a.test\r\n\r\n"
#define BIT(part) (1u << INSPECT_PART_##part)

static const struct mac other_mac = { { 2, 0, 0, 0, 0, 7 } };

static void save(const struct bench *b, struct images *i)
{
	images_count(i);
	inspect_save(b->in, &i->w);
	images_write(i);
	inspect_save(b->in, &i->w);
	images_read(i);
}

/* That part of that owner has another version. */
static void outdate(struct images *i, const char *of, const char *name)
{
	char record[2 * IMAGE_NAME_MAX] = { 0 };
	unsigned n = 0;

	memcpy(record, of, strlen(of));
	memcpy(record + IMAGE_NAME_MAX, name, strlen(name));
	for (size_t at = 0; at + sizeof record < i->len; at += 64)
		if (memcmp(i->memory + at, record, sizeof record) == 0) {
			i->memory[at + sizeof record]++;
			n++;
		}
	assert_int_equal(n, 1);
}

/* A successor of d's pipeline, by its snapshot, with lanes of its own. */
static struct inspect *successor(const struct detecting *d)
{
	struct inspect_options opt = d->b->options;
	struct inspect *in;

	opt.seed += 1000;
	in = inspect_new(&opt);
	assert_non_null(in);
	inspect_configure(in, &d->b->settings);
	if (d->set)
		inspect_adopt_signatures(in, sig_lane_new(d->set));
	if (d->sensor_set)
		assert_null(inspect_adopt_sensors(
			in, sensor_lane_new(d->sensor_set)));
	assert_null(inspect_adopt(in, d->b->s));
	return in;
}

static void end(struct inspect *in)
{
	struct sig_lane *lane;

	inspect_drop_signatures(in);
	while ((lane = inspect_give_back_signatures(in)))
		sig_lane_free(lane);
	sensor_lane_free(inspect_adopt_sensors(in, NULL));
	inspect_free(in);
}

/* d goes on with what is taken of the image. */
static struct inspect_taken take(struct detecting *d, struct images *i)
{
	struct inspect *next = successor(d);
	struct inspect_taken taken;

	assert_int_equal(inspect_load(next, &i->r, &taken), 0);
	end(d->b->in);
	d->b->in = next;
	free(i->memory);
	return taken;
}

static int begin(void **state)
{
	struct sensing_spec spec = { .own = { &cards_alert, 1 } };
	struct detecting *d;

	(void)start(state);
	d = *state;
	look_for(d, HTTP_RULE("alert", 7));
	sense(d, CARDS);
	use(d, &spec, false);
	return 0;
}

static struct session_record only_flow(const struct detecting *d)
{
	struct session_record s[2];
	uint32_t cursor = 0;

	assert_int_equal(inspect_copy_flows(d->b->in, &cursor, d->b->now, s, 2),
			 1);
	return s[0];
}

static void test_all(void **state)
{
	struct detecting *d = *state;
	struct inspect_taken t;
	struct images i;
	struct conn c = connected(d->b, true, 80);

	assert_int_equal(say(&c, true, HALF), REASON_RULE);
	save(d->b, &i);
	t = take(d, &i);
	assert_int_equal(t.missing, 0);
	assert_int_equal(t.flows, 1);
	assert_int_equal(t.flows_unheard, 0);
	assert_int_equal(only_flow(d).policy_version, 0);
	assert_int_equal(say(&c, true, REST), REASON_RULE);
	assert_int_equal(only_flow(d).policy_version, d->b->version);
	assert_int_equal(found(d).id, 30001);
	assert_int_equal(only_flow(d).application, APP_HTTP);
}

/* Nobody remembers what was said, but who listens does go on listening. */
static void test_unheard(void **state)
{
	static const char *const lost[][2] = { { "talks", "talks" },
					       { "streams", "head" },
					       { "signatures", "head" },
					       { "trail", "open" } };
	struct detecting *d = *state;

	for (size_t k = 0; k < ARRAY_LEN(lost); k++) {
		struct conn c = connected(d->b, true, 80);
		struct inspect_taken t;
		struct images i;

		assert_int_equal(say(&c, true, HALF), REASON_RULE);
		save(d->b, &i);
		outdate(&i, lost[k][0], lost[k][1]);
		t = take(d, &i);
		assert_int_equal(t.missing, BIT(LISTENING));
		assert_int_equal(t.flows, k + 1);
		/* nobody listens to those before any more */
		assert_true(t.flows_unheard >= 1);
		assert_true(is_listened_to(d));
		assert_int_equal(say(&c, true, REST), REASON_RULE);
		assert_int_equal(say(&c, false, OK), REASON_RULE);
		assert_int_equal(say(&c, true, GET), REASON_RULE);
	}
}

/*
 * A connection that goes on, in the middle of a body or between requests, of whom its
 * listeners were lost: what it asks next is heard.
 */
static void test_heard_again(void **state)
{
	static const char *const before[] = { NEXT, POST_HALF };
	const struct sensing_spec none = { .signatures = SIGNATURES_ENFORCE };
	const struct sensing_spec cards = { .signatures = SIGNATURES_ENFORCE,
					    .own = { &cards_alert, 1 } };

	for (unsigned k = 0; k < 4; k++) {
		struct detecting *d = *state;
		struct inspect_taken t;
		struct images i;
		struct conn c;

		use(d, k & 1 ? &cards : &none, false);
		c = connected(d->b, true, 80);
		assert_int_equal(say(&c, true, before[k >> 1]), REASON_RULE);
		if (k >> 1 == 0)
			assert_int_equal(say(&c, false, OK), REASON_RULE);
		save(d->b, &i);
		outdate(&i, "dialogues", "head");
		t = take(d, &i);
		assert_int_equal(t.missing, BIT(LISTENING));
		assert_int_equal(t.flows_unheard, 1);
		assert_true(is_listened_to(d));
		if (k >> 1 == 1) {
			assert_int_equal(say(&c, true, "the\nsecond half"),
					 REASON_RULE);
			assert_int_equal(say(&c, false, OK), REASON_RULE);
		}
		assert_int_equal(say(&c, true, NEXT), REASON_RULE);
		assert_int_equal(say(&c, false, OK), REASON_RULE);
		assert_int_equal(say(&c, true, GET), REASON_RULE);
		assert_int_equal(found(d).id, 7);
		(void)stop(state);
		(void)begin(state);
	}
}

static void test_flows_lost(void **state)
{
	struct detecting *d = *state;
	struct conn c = connected(d->b, true, 80);
	struct stats_record s = { 0 };
	struct inspect_taken t;
	struct images i;

	assert_int_equal(say(&c, true, HALF), REASON_RULE);
	save(d->b, &i);
	outdate(&i, "flows", "head");
	t = take(d, &i);
	assert_int_equal(t.missing, BIT(FLOWS) | BIT(LISTENING));
	assert_int_equal(t.flows, 0);
	assert_false(is_listened_to(d));
	inspect_add_traffic(d->b->in, 0, d->b->now, &s);
	assert_int_equal(s.total.sessions_out, 1);
	assert_int_equal(s.sessions_now_out, 0);
	/* it is met in its middle */
	assert_int_equal(say(&c, true, REST), REASON_RULE);
	assert_true(only_flow(d).flags & SESSION_MIDSTREAM);
}

static void test_nothing(void **state)
{
	struct detecting *d = *state;
	struct conn c = connected(d->b, true, 80);
	struct images i;

	assert_int_equal(say(&c, true, HALF), REASON_RULE);
	save(d->b, &i);
	outdate(&i, "inspect", "head");
	assert_int_equal(take(d, &i).missing, (1u << INSPECT_PART__MAX) - 1);
	assert_int_equal(inspect_counts(d->b->in).flows.total, 0);
}

/* Another policy has the number that the one before had there. */
static void test_same_version(void **state)
{
	struct detecting *d = *state;
	struct conn c = connected(d->b, true, 80);
	struct images i;

	save(d->b, &i);
	d->b->version--;
	judge_by(d->b, false, "[]");
	assert_int_equal(take(d, &i).missing, 0);
	assert_true(say(&c, true, HALF) < 0);
	assert_true(only_flow(d).blocked);
}

/* The index is another workload's: nothing of the one before is its. */
static void test_other_workload(void **state)
{
	static struct block_record blocks[BLOCKS_MAX];
	struct detecting *d = *state;
	struct stats_record s = { 0 };
	struct endpoint e = { .used = true, .mac = other_mac, .ucmac = mark };
	struct snapshot *other = snapshot_build(&(struct snapshot_spec){
		.endpoints = &e, .n_endpoints = 1, .version = 9 });
	struct snapshot *before = d->b->s;
	struct connection_record r[4];
	struct inspect_taken t;
	struct images i;

	assert_non_null(other);
	(void)connected(d->b, true, 80);
	save(d->b, &i);
	d->b->s = other;
	t = take(d, &i);
	snapshot_free(before);
	assert_int_equal(t.missing, 0);
	assert_int_equal(t.flows_gone, 1);
	assert_int_equal(t.flows, 0);
	assert_int_equal(d->b->ended, 0); /* nobody had asked to be told */
	inspect_add_traffic(d->b->in, 0, d->b->now, &s);
	assert_int_equal(s.total.sessions_out, 0);
	assert_int_equal(inspect_copy_blocks(d->b->in, blocks), 0);
	/* and is told of as its */
	assert_int_equal(inspect_drain_connections(d->b->in, r, 4), 1);
	assert_true(mac_equal(r[0].ep_mac, real_mac));
}

static void test_kill(void **state)
{
	struct detecting *d = *state;
	struct conn c = connected(d->b, true, 80);
	uint32_t id = only_flow(d).id;
	struct kills k = { .ids = &id, .n = 1 };
	const struct own_frame *frames;
	struct images i;

	while (inspect_kill(d->b->in, &k))
		;
	assert_int_equal(k.killed, 1);
	save(d->b, &i);
	assert_int_equal(take(d, &i).missing, 0);
	(void)inspect_age(d->b->in, d->b->now);
	assert_int_equal(inspect_own_frames(d->b->in, &frames), 2);
	assert_int_equal(say(&c, true, HALF), -REASON_KILLED);
}

/* --- images that nobody wrote ---------------------------------------------------- */

/* All that can be asked of it, and what its connections go on to say. */
static void use_all(struct detecting *d, struct inspect *in, struct conn *conns,
		    size_t n)
{
	static struct block_record blocks[BLOCKS_MAX];
	static struct finding_record findings[4];
	static struct threat_record threats[4];
	static struct trail_record trail[4];
	struct connection_record reports[4];
	struct ip_name_record names[4];
	struct port_record ports[4];
	struct meter_record meters[4];
	struct session_record flows[8];
	struct inspect *own = d->b->in;
	struct fqdn_record fqdn;
	uint64_t at = 0;
	uint32_t cursor = 0;

	d->b->in = in;
	for (size_t k = 0; k < n; k++) {
		(void)say(&conns[k], true, k % 2 ? REST : NEXT);
		(void)say(&conns[k], false, OK);
	}
	(void)connected(d->b, true, 80);
	(void)inspect_age(in, d->b->now);
	(void)inspect_copy_flows(in, &cursor, d->b->now, flows, 8);
	(void)inspect_copy_blocks(in, blocks);
	(void)inspect_copy_meters(in, &at, d->b->now, meters, 4);
	(void)inspect_drain_connections(in, reports, 4);
	(void)inspect_drain_findings(in, findings, 4);
	(void)inspect_drain_threats(in, threats, 4);
	(void)inspect_drain_trail(in, trail, 4);
	(void)inspect_drain_ports(in, ports, 4);
	(void)inspect_drain_ip_names(in, names, 4);
	(void)inspect_drain_fqdn(in, &fqdn);
	cursor = 0;
	while (inspect_end_flows(in, (struct flow_pick){ .by = FLOW_PICK_ALL },
				 &cursor, &(uint32_t){ 0 }))
		;
	inspect_endpoint_leaves(in, 0, real_mac);
	inspect_forget_endpoint(in, 0);
	d->b->in = own;
}

#define HOSTILE 40
#define CONNS	6

static void test_hostile(void **state)
{
	uint64_t random = seed_choose() | 1;
	struct detecting *d = *state;
	struct conn conns[CONNS];
	struct trail_record none;
	unsigned taken_whole = 0;
	struct images i;

	(void)inspect_drain_trail(d->b->in, &none, 1);
	for (size_t k = 0; k < CONNS; k++) {
		conns[k] = connected(d->b, k % 3 != 0, 80);
		(void)say(&conns[k], true, k % 2 ? HALF : GET);
	}
	save(d->b, &i);
	for (unsigned n = 0; n < HOSTILE; n++) {
		struct images_spoilt s = images_spoil(&i, &random);
		struct inspect *in = successor(d);
		struct inspect_taken taken;
		struct image_reader r;
		struct conn again[CONNS];

		memcpy(again, conns, sizeof again);
		if (image_read(&r, i.memory, i.len) == 0) {
			assert_int_equal(inspect_load(in, &r, &taken), 0);
			taken_whole += taken.missing == 0;
			use_all(d, in, again, CONNS);
		}
		end(in);
		images_turn(&i, &s);
	}
	print_message("# %u of %u taken whole\n", taken_whole, HOSTILE);
	free(i.memory);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_all),
		TEST(test_unheard),
		TEST(test_heard_again),
		TEST(test_flows_lost),
		TEST(test_nothing),
		TEST(test_same_version),
		TEST(test_other_workload),
		TEST(test_kill),
		TEST(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
