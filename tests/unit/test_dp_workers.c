/*
 * What several workers, each with its own thread and its own workload, answer as
 * one. Frames are given to them by questions; there are no ports.
 */
#include "dp/workers.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "dp/ask.h"
#include "dp/detection.h"
#include "frames.h"
#include "test.h"

#define N	  3
#define FLOWS	  (N * FLOWS_MIN)
#define PEER	  "10.1.0.99"
#define OUTSIDE	  "192.0.2.7"
#define ALLOWED	  80
#define DENIED	  81
#define WORKLOADS 6u /* workload i is worker i % N's */

static const struct mac peer_mac = { { 2, 0, 0, 0, 0, 99 } };

struct bench {
	struct workers ws;
	struct snapshot *s;
	int lost_fd;
};

static struct mac own_mac(unsigned i)
{
	return (struct mac){ { 2, 0, 0, 0, 1, (uint8_t)i } };
}

static struct mac mark(unsigned i)
{
	return (struct mac){ { 0x4e, 0x65, 0x75, 0x56, 0, (uint8_t)i } };
}

static struct snapshot *make_snapshot(uint32_t version)
{
	struct policy_spec spec = { .defact = POLICY_DENY, .dir = 3 };
	struct subnet inside = { .net = ip_from_v4(0x0a000000),
				 .prefix_bits = 96 + 8 };
	struct endpoint e[WORKLOADS];
	struct policy *p;
	struct snapshot *s;
	struct err err;

	spec.rules = calloc(2, sizeof *spec.rules);
	assert_non_null(spec.rules);
	for (uint16_t port = ALLOWED; port <= 53 + ALLOWED; port += 53)
		spec.rules[spec.n_rules++] = (struct rule_spec){
			.id = port,
			.sip = ip_of("0.0.0.0"),
			.sipr = ip_of("0.0.0.0"),
			.dip = ip_of(PEER),
			.dipr = ip_of(PEER),
			.port = port == ALLOWED ? port : 53,
			.portr = port == ALLOWED ? port : 53,
			.action = POLICY_ALLOW,
		};
	p = policy_compile(&spec, &err);
	assert_non_null(p);
	for (unsigned i = 0; i < WORKLOADS; i++)
		e[i] = (struct endpoint){ .used = true,
					  .mac = own_mac(i),
					  .ucmac = mark(i),
					  .policy = p };
	s = snapshot_build(&(struct snapshot_spec){ .endpoints = e,
						    .n_endpoints = WORKLOADS,
						    .internal = &inside,
						    .n_internal = 1,
						    .version = version });
	policy_put(p);
	assert_non_null(s);
	return s;
}

static int start(void **state)
{
	struct bench *b = calloc(1, sizeof *b);
	struct pools pools = pools_default(FLOWS / N);
	struct workers_options opt = { .n = N, .pools = &pools };
	struct err err;

	assert_non_null(b);
	b->lost_fd = opt.lost_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_true(b->lost_fd >= 0);
	assert_int_equal(workers_start(&b->ws, &opt, &err), 0);
	b->s = make_snapshot(1);
	ask_adopt(&b->ws, b->s);
	*state = b;
	return 0;
}

static int stop(void **state)
{
	struct bench *b = *state;

	workers_stop(&b->ws);
	snapshot_free(b->s);
	close(b->lost_fd);
	free(b);
	return 0;
}

/* --- frames, in a worker's thread ----------------------------------------- */

struct passing {
	struct frame_spec spec;
	struct verdict verdict;
};

static void do_frame(struct worker_view *view, void *arg)
{
	struct passing *p = arg;
	uint8_t buf[FRAME_SPEC_MAX];
	size_t len = frame_make(buf, &p->spec);

	p->verdict = inspect_frame(
		view->inspect,
		(struct frame){ .bytes = bytes_of(buf, len), .wire_len = len },
		view->now);
}

/* The reason by which it goes on, or, negative, is dropped. */
static int pass(const struct bench *b, unsigned worker, struct frame_spec s)
{
	struct passing p = { .spec = s };

	worker_ask(b->ws.at[worker], do_frame, &p);
	return p.verdict.forward ? p.verdict.reason : -p.verdict.reason;
}

static struct frame_spec from(unsigned workload, uint16_t sport, uint16_t dport)
{
	static char own[WORKLOADS][IP_TEXT_MAX];

	(void)ip_format(ip_from_v4(0x0a010000 + workload), own[workload]);
	return (struct frame_spec){ .src = mark(workload),
				    .dst = peer_mac,
				    .saddr = own[workload],
				    .daddr = PEER,
				    .proto = PROTO_TCP,
				    .flags = TCP_SYN,
				    .sport = sport,
				    .dport = dport };
}

static void make_flows(const struct bench *b, unsigned workload, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(
			pass(b, workload % N,
			     from(workload, (uint16_t)(5000 + i), ALLOWED)),
			REASON_RULE);
}

/* --- tests ------------------------------------------------------------------- */

static void test_only_its_own(void **state)
{
	const struct bench *b = *state;
	struct inspect_counts c;

	for (unsigned i = 0; i < WORKLOADS; i++)
		for (unsigned w = 0; w < N; w++)
			assert_int_equal(pass(b, w, from(i, 5000, ALLOWED)),
					 w == i % N ? REASON_RULE
						    : -REASON_OTHER_WORKER);
	c = ask_counts(&b->ws);
	assert_int_equal(c.dropped[REASON_OTHER_WORKER], WORKLOADS * (N - 1));
	assert_int_equal(c.forwarded[REASON_RULE], WORKLOADS);
	assert_int_equal(c.flows.total, WORKLOADS);
	assert_int_equal(c.flows.limit, FLOWS);
	assert_int_equal(c.pipelines, N);
}

/* In pages of every size: all of them, once, in the same order. */
static void test_flows_in_pages(void **state)
{
	static struct flow_page whole, page;
	const struct bench *b = *state;

	/* worker 1 has none */
	make_flows(b, 0, 5);
	make_flows(b, 5, 3);
	make_flows(b, 2, 4);
	ask_flows(&b->ws, 0, FLOWS_PER_QUESTION, &whole);
	assert_int_equal(whole.n, 12);
	for (size_t i = 0; i < whole.n; i++)
		for (size_t k = 0; k < i; k++)
			assert_true(whole.records[i].id != whole.records[k].id);
	for (size_t size = 1; size <= whole.n + 1; size++) {
		size_t seen = 0;

		page.cursor = 0;
		do {
			ask_flows(&b->ws, page.cursor, size, &page);
			for (size_t i = 0; i < page.n; i++)
				assert_int_equal(page.records[i].id,
						 whole.records[seen++].id);
		} while (page.n == size);
		assert_int_equal(seen, whole.n);
	}
	ask_flows(&b->ws, UINT32_MAX, FLOWS_PER_QUESTION, &page);
	assert_int_equal(page.n, 0);
}

static void test_flows_are_ended(void **state)
{
	static struct flow_page page;
	const struct bench *b = *state;
	struct flow_pick pick = { FLOW_PICK_ID, 0 };

	for (unsigned i = 0; i < WORKLOADS; i++)
		make_flows(b, i, 2);
	ask_flows(&b->ws, 0, FLOWS_PER_QUESTION, &page);
	pick.value = page.records[2 * WORKLOADS - 1].id;
	assert_int_equal(ask_end_flows(&b->ws, pick), 1);
	ask_forget_endpoint(&b->ws, 4);
	assert_int_equal(ask_counts(&b->ws).flows.total, 2 * WORKLOADS - 3);
	/* it is not there, and nothing else goes */
	ask_forget_moved(b->ws.at[0], 1);
	assert_int_equal(ask_counts(&b->ws).flows.total, 2 * WORKLOADS - 3);
	ask_forget_moved(b->ws.at[1], 1);
	assert_int_equal(ask_counts(&b->ws).flows.total, 2 * WORKLOADS - 5);
	pick.by = FLOW_PICK_ALL;
	assert_int_equal(ask_end_flows(&b->ws, pick), 2 * WORKLOADS - 5);
}

static void test_blocks_newest_first(void **state)
{
	const struct bench *b = *state;
	struct block_list *list;

	for (unsigned i = 0; i < 4 * WORKLOADS; i++)
		assert_int_equal(
			pass(b, i % N,
			     from(i % WORKLOADS, 5000, (uint16_t)(DENIED + i))),
			-REASON_DEFAULT);
	list = ask_blocks(&b->ws);
	assert_non_null(list);
	assert_int_equal(list->n, 4 * WORKLOADS);
	for (size_t i = 1; i < list->n; i++)
		assert_true(list->records[i - 1].last_us >=
			    list->records[i].last_us);
	free(list);
}

/* One a source of SYNs: more than a page of each worker. */
#define SOURCES (4 * METERS_PER_MSG)

static void test_meters_in_pages(void **state)
{
	static struct meter_page page;
	const struct bench *b = *state;
	size_t n = 0, of[WORKLOADS] = { 0 };

	for (unsigned i = 0; i < SOURCES; i++) {
		struct frame_spec s = from(i % WORKLOADS, 5000, ALLOWED);
		char peer[IP_TEXT_MAX];

		s.dst = s.src;
		s.src = peer_mac;
		s.daddr = s.saddr;
		s.saddr = ip_format(ip_from_v4(0x0a020000 + i), peer);
		assert_int_equal(pass(b, i % N, s), -REASON_DEFAULT);
	}
	page.cursor = 0;
	do {
		ask_meters(&b->ws, &page);
		for (size_t i = 0; i < page.n; i++)
			of[page.records[i].endpoint]++;
		n += page.n;
	} while (page.n == METERS_PER_MSG);
	assert_int_equal(n, SOURCES);
	for (unsigned i = 0; i < WORKLOADS; i++)
		assert_int_equal(of[i], SOURCES / WORKLOADS);
}

static void test_traffic_is_added(void **state)
{
	const uint16_t both[] = { 0, 1 }, one[] = { 1 };
	const struct bench *b = *state;

	make_flows(b, 0, 3);
	make_flows(b, 1, 4);
	make_flows(b, 2, 5);
	assert_int_equal(ask_traffic(&b->ws, both, 2).total.packets_out, 7);
	assert_int_equal(ask_traffic(&b->ws, one, 1).total.packets_out, 4);
	assert_int_equal(ask_device_traffic(&b->ws).total.packets_out, 12);
}

#define QNAME	 "\3www\4shop\4test\0"
#define QUESTION "\0\7\1\0\0\1\0\0\0\0\0\0" QNAME "\0\1\0\1"
#define ANSWER                                                  \
	"\0\7\x81\x80\0\1\0\1\0\0\0\0" QNAME "\0\1\0\1\xc0\x0c" \
	"\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\7"

static void look_up(const struct bench *b, unsigned workload)
{
	struct frame_spec ask = from(workload, 6000, 53), answer = ask;

	ask.proto = answer.proto = PROTO_UDP;
	ask.payload = (const uint8_t *)QUESTION;
	ask.payload_len = sizeof QUESTION - 1;
	answer.src = ask.dst;
	answer.dst = ask.src;
	answer.saddr = ask.daddr;
	answer.daddr = ask.saddr;
	answer.sport = ask.dport;
	answer.dport = ask.sport;
	answer.payload = (const uint8_t *)ANSWER;
	answer.payload_len = sizeof ANSWER - 1;
	assert_int_equal(pass(b, workload % N, ask), REASON_RULE);
	assert_int_equal(pass(b, workload % N, answer), REASON_RULE);
}

/* Two workers have it; only when neither does is it nobody's. */
static void test_names_of_addresses(void **state)
{
	static struct ip_name_page page;
	const struct bench *b = *state;

	assert_false(ask_has_ip_name(&b->ws, ip_of(OUTSIDE)));
	look_up(b, 1);
	look_up(b, 2);
	assert_true(ask_has_ip_name(&b->ws, ip_of(OUTSIDE)));
	ask_ip_names(&b->ws, &page);
	assert_int_equal(page.n, 2);
	for (size_t i = 0; i < page.n; i++) {
		assert_true(ip_equal(page.records[i].ip, ip_of(OUTSIDE)));
		assert_string_equal(page.records[i].name, "www.shop.test");
	}
	ask_ip_names(&b->ws, &page);
	assert_int_equal(page.n, 0);
	assert_true(ask_has_ip_name(&b->ws, ip_of(OUTSIDE)));
}

/* --- sets of signatures -------------------------------------------------------- */

static char *copy(const char *text)
{
	char *s = strdup(text);

	assert_non_null(s);
	return s;
}

/* The next set is in force. */
static void order_set(struct detection *d, uint64_t version)
{
	struct ctrl_msg m = { .kind = CTRL_WEIR_RULES };
	struct rules_message *r = &m.rules;
	struct err err;

	r->version = version;
	r->files = calloc(1, sizeof *r->files);
	assert_non_null(r->files);
	r->files[0].name = copy("t.rules");
	r->files[0].text = copy("alert tcp any any -> any any "
				"(content:\"x\"; sid:1;)");
	r->n_files = 1;
	assert_int_equal(detection_rules(d, &m, &err), 0);
	/* only sensors are in it */
	assert_int_equal(detection_settle(d, NULL, &err), 0);
	assert_int_equal(detection_state(d, BUILT_RULES).in_force, version);
}

static void do_count_dropped(struct worker_view *view, void *arg)
{
	uint64_t *n = arg;

	*n = inspect_counts(view->inspect).signatures.sets_dropped;
}

static uint64_t dropped_by(const struct bench *b, unsigned worker)
{
	uint64_t n = 0;

	worker_ask(b->ws.at[worker], do_count_dropped, &n);
	return n;
}

/*
 * Each connection holds on to the set it began with, and no worker to more than
 * two: all together have as many as there may be. The next set takes the place of
 * the oldest, whose connection is not looked through any more; no other one's is.
 */
static void test_oldest_set_is_dropped(void **state)
{
	const struct bench *b = *state;
	struct err err;
	struct detection *d = detection_start(&b->ws, NULL, &err);
	uint64_t version = 0;

	assert_non_null(d);
	while (version < SIG_SETS_MAX) {
		order_set(d, version + 1);
		make_flows(b, (unsigned)version % 2, 1 + (unsigned)version / 2);
		version++;
		assert_int_equal(detection_sets(d), version);
	}
	assert_int_equal(ask_counts(&b->ws).signatures.sets_dropped, 0);
	order_set(d, ++version);
	assert_int_equal(detection_sets(d), SIG_SETS_MAX);
	assert_int_equal(dropped_by(b, 0), 1);
	assert_int_equal(dropped_by(b, 1), 0);
	/* room is made first, though nobody holds on to the one before, either */
	order_set(d, ++version);
	assert_int_equal(detection_sets(d), SIG_SETS_MAX - 1);
	assert_int_equal(dropped_by(b, 0), 1);
	assert_int_equal(dropped_by(b, 1), 1);
	detection_stop(d);
}

/* As old as the one that was heard of longest ago. */
static void test_pulse(void **state)
{
	struct pulse p = { .n = 3 };

	pulse_beat(&p, 0, (usec_t){ 30 });
	pulse_beat(&p, 1, (usec_t){ 20 });
	assert_int_equal(pulse_oldest(&p).us, 0);
	pulse_beat(&p, 2, (usec_t){ 40 });
	assert_int_equal(pulse_oldest(&p).us, 20);
	pulse_beat(&p, 1, (usec_t){ 50 });
	assert_int_equal(pulse_oldest(&p).us, 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_only_its_own, start, stop),
		cmocka_unit_test_setup_teardown(test_flows_in_pages, start,
						stop),
		cmocka_unit_test_setup_teardown(test_flows_are_ended, start,
						stop),
		cmocka_unit_test_setup_teardown(test_blocks_newest_first, start,
						stop),
		cmocka_unit_test_setup_teardown(test_meters_in_pages, start,
						stop),
		cmocka_unit_test_setup_teardown(test_traffic_is_added, start,
						stop),
		cmocka_unit_test_setup_teardown(test_names_of_addresses, start,
						stop),
		cmocka_unit_test_setup_teardown(test_oldest_set_is_dropped,
						start, stop),
		cmocka_unit_test(test_pulse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
