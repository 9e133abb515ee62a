/*
 * The log of findings against a naive model: of each key the times at which it
 * was found. Each record stands for the oldest of them that no record stood for,
 * says when the first and the last was, and none is lost uncounted. When a
 * record is due is tested in test_detect_threat.c: it is the same log.
 */
#include "detect/finding.h"

#include <string.h>

#include "image_of.h"
#include "proto/fields.h"
#include "seed.h"
#include "test.h"

#define IDS	   3
#define ENDPOINTS  3
#define KEYS	   (IDS * ENDPOINTS * FINDING_KIND__MAX * 2)
#define TIMES_MAX  4000
#define OPERATIONS 60000

struct model {
	struct finding_log *log;
	uint64_t random;
	usec_t now;
	uint64_t noted, drained;
	struct {
		uint64_t times[TIMES_MAX];
		size_t from, n;
	} keys[KEYS];
};

static size_t key_of(uint32_t id, uint16_t endpoint, uint8_t kind, bool ingress)
{
	return ((id * ENDPOINTS + endpoint) * FINDING_KIND__MAX + kind) * 2 +
	       ingress;
}

static void op_note(struct model *m)
{
	struct finding_event e = {
		.kind = (uint8_t)seed_draw(&m->random, FINDING_KIND__MAX),
		.id = seed_draw(&m->random, IDS),
		.endpoint = (uint16_t)seed_draw(&m->random, ENDPOINTS),
		.name = "n",
		.classtype = "",
	};
	size_t k;

	if (seed_draw(&m->random, 2))
		e.flags = THREAT_SESSION_INGRESS;
	k = key_of(e.id, e.endpoint, e.kind, e.flags != 0);
	if (m->keys[k].n == TIMES_MAX)
		return;
	finding_note(m->log, &e, m->now);
	m->keys[k].times[m->keys[k].n++] = m->now.us;
	m->noted++;
}

static void check_record(struct model *m, const struct finding_record *r)
{
	size_t k = key_of(r->id, r->endpoint, r->kind, r->flags != 0);
	size_t from = m->keys[k].from;

	assert_true(r->count > 0);
	assert_true(from + r->count <= m->keys[k].n);
	assert_int_equal(r->first_us, m->keys[k].times[from]);
	assert_int_equal(r->last_us, m->keys[k].times[from + r->count - 1]);
	m->keys[k].from += r->count;
	m->drained += r->count;
}

static size_t op_drain(struct model *m, size_t max)
{
	static struct finding_record out[FINDING_RECORDS_MAX];
	size_t n = finding_drain(m->log, out, max);

	for (size_t i = 0; i < n; i++)
		check_record(m, &out[i]);
	return n;
}

static void save(const void *log, struct image_writer *w)
{
	finding_log_save(log, w);
}

static void op_hand_over(struct model *m)
{
	struct test_image i = test_image_of(save, m->log);
	struct finding_log *next =
		finding_log_new(KEYS, seed_draw(&m->random, UINT32_MAX));

	assert_non_null(next);
	assert_true(finding_log_load(next, &i.reader));
	test_image_free(&i);
	finding_log_free(m->log);
	m->log = next;
}

static void operate(struct model *m)
{
	struct tally_stats s = finding_stats(m->log);
	uint32_t what = seed_draw(&m->random, 1000);

	if (what < 4)
		op_hand_over(m);
	else if (what < 500)
		op_note(m);
	else if (what < 700)
		finding_age(m->log, m->now);
	else if (what < 705 && s.records + s.slots <= s.records_limit)
		finding_forget_endpoint(
			m->log, (uint16_t)seed_draw(&m->random, ENDPOINTS),
			m->now);
	else if (what < 707) /* so it fills at times */
		(void)op_drain(m, seed_draw(&m->random, FINDING_RECORDS_MAX));
	else
		m->now =
			usec_add(m->now, seed_draw(&m->random, 8)
						 ? seed_draw(&m->random, 600000)
						 : 6 * USEC_PER_SEC);
}

static void test_model(void **state)
{
	static struct model m;
	struct tally_stats s;

	m = (struct model){ .random = seed_choose() | 1,
			    .now = { USEC_PER_SEC } };
	m.log = finding_log_new(KEYS, m.random);
	assert_non_null(m.log);
	for (int i = 0; i < OPERATIONS; i++)
		operate(&m);
	assert_true(finding_stats(m.log).ring_full > 0);
	while (op_drain(&m, FINDING_RECORDS_MAX))
		;
	/* what was still counted comes when it has been quiet for long */
	m.now = usec_add(m.now, 20 * USEC_PER_SEC);
	finding_age(m.log, m.now);
	while (op_drain(&m, FINDING_RECORDS_MAX))
		;
	s = finding_stats(m.log);
	assert_int_equal(s.noted, m.noted);
	assert_int_equal(m.drained, m.noted);
	assert_int_equal(s.lost, 0);
	assert_int_equal(s.evicted, 0);
	finding_log_free(m.log);
	finding_log_free(NULL);
}

/* Slots and ring full: then they are lost, and counted. */
static void test_full(void **state)
{
	struct finding_log *l = finding_log_new(1, 1);
	static struct finding_record out[FINDING_RECORDS_MAX];
	uint32_t n = FINDING_RECORDS_MAX + 10;
	struct tally_stats s;

	assert_non_null(l);
	for (uint32_t i = 0; i < n; i++) {
		struct finding_event e = { .id = i,
					   .name = "n",
					   .classtype = "" };

		finding_note(l, &e, (usec_t){ USEC_PER_SEC });
	}
	assert_int_equal(finding_drain(l, out, FINDING_RECORDS_MAX),
			 FINDING_RECORDS_MAX);
	s = finding_stats(l);
	assert_int_equal(s.noted, n);
	assert_int_equal(s.logged, FINDING_RECORDS_MAX);
	assert_int_equal(s.lost, 9); /* one has the slot */
	assert_int_equal(s.slots, 1);
	finding_log_free(l);
}

static void test_record(void **state)
{
	static const char body[] = "n=4111111111111111&to=Ann";
	struct finding_log *l = finding_log_new(4, 1);
	struct finding_event e = {
		.kind = FINDING_DLP,
		.id = 20001,
		.rev = 3,
		.severity = 5,
		.action = DPI_DROP,
		.flags = THREAT_SESSION_INGRESS | FINDING_COMPAT,
		.name = "card\nnumbers",
		.classtype = "policy-violation",
		.endpoint = 7,
		.ep_mac = { { 2, 0, 0, 0, 0, 1 } },
		.proto = 6,
		.side = 0,
		.application = 1001,
		.client = ip_from_v4(0x0a000001),
		.server = ip_from_v4(0x0a000002),
		.client_port = 40000,
		.server_port = 80,
		.flow_id = 99,
		.policy_id = 10023,
		.request = bytes_of("POST shop/pay", 13),
		.buffer = FIELD_HTTP_REQUEST_BODY,
		.spot = { .at = 102,
			  .len = 16,
			  .around = bytes_of(body, sizeof body - 1),
			  .around_at = 100,
			  .is_secret = true,
			  .secret = secret_kind_find("card_number") },
	};
	struct finding_record r;

	finding_note(l, &e, (usec_t){ 5 });
	assert_int_equal(finding_drain(l, &r, 1), 1);
	assert_int_equal(r.kind, FINDING_DLP);
	assert_int_equal(r.id, 20001);
	assert_int_equal(r.rev, 3);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.severity, 5);
	assert_int_equal(r.action, DPI_DROP);
	assert_int_equal(r.flags, THREAT_SESSION_INGRESS | FINDING_COMPAT);
	assert_string_equal(r.name, "card.numbers");
	assert_string_equal(r.classtype, "policy-violation");
	assert_int_equal(r.endpoint, 7);
	assert_true(mac_equal(r.ep_mac, e.ep_mac));
	assert_true(ip_equal(r.client, e.client));
	assert_true(ip_equal(r.server, e.server));
	assert_int_equal(r.client_port, 40000);
	assert_int_equal(r.server_port, 80);
	assert_int_equal(r.proto, 6);
	assert_int_equal(r.application, 1001);
	assert_int_equal(r.flow_id, 99);
	assert_int_equal(r.policy_id, 10023);
	assert_int_equal(r.buffer, FIELD_HTTP_REQUEST_BODY);
	assert_int_equal(r.at, 102);
	assert_int_equal(r.len, 16);
	assert_int_equal(r.first_us, 5);
	assert_int_equal(r.last_us, 5);
	assert_string_equal(r.request, "POST shop/pay");
	assert_string_equal(r.evidence, "n=«************1111»&to=Ann");
	assert_int_equal(r.raw_at, 100);
	assert_int_equal(r.raw_len, sizeof body - 1);
	assert_memory_equal(r.raw, body, sizeof body - 1);
	finding_log_free(l);
}

static void load_hostile(void *arg, const struct image_reader *r)
{
	static struct finding_record out[FINDING_RECORDS_MAX];
	struct finding_log *l = finding_log_new(KEYS, 2);
	uint64_t *random = arg;
	size_t n;

	if (!finding_log_load(l, r))
		assert_int_equal(finding_stats(l).slots, 0);
	for (uint64_t i = 0; i < 20; i++) {
		struct finding_event e = {
			.id = seed_draw(random, IDS),
			.endpoint = (uint16_t)seed_draw(random, ENDPOINTS),
			.name = "n",
			.classtype = "",
		};

		finding_note(l, &e, (usec_t){ 5 + i * USEC_PER_SEC });
		finding_age(l, (usec_t){ 5 + i * USEC_PER_SEC });
	}
	n = finding_drain(l, out, FINDING_RECORDS_MAX);
	for (size_t i = 0; i < n; i++)
		assert_true(finding_is_sound(&out[i]));
	finding_log_free(l);
}

static void test_hostile(void **state)
{
	struct finding_log *l = finding_log_new(KEYS, 1);
	uint64_t random = seed_choose() | 1;
	struct test_image i;

	for (uint16_t n = 0; n < 6; n++) {
		struct finding_event e = { .id = n / 2,
					   .endpoint = n % 3,
					   .name = "n",
					   .classtype = "" };

		finding_note(l, &e, (usec_t){ 5 });
		finding_note(l, &e, (usec_t){ 6 });
	}
	i = test_image_of(save, l);
	test_image_hostile(&i, 4000, &random, load_hostile, &random);
	test_image_free(&i);
	finding_log_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
