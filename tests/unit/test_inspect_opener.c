/*
 * Who is taken for the client where a connection's beginning was not seen: by
 * the ports that workloads listen on, by their order where these do not tell.
 */
#include "inspect/inspect.h"

#include <stdlib.h>

#include "frames.h"
#include "test.h"

#define OWN  "10.1.0.5"
#define PEER "10.1.0.6"

static const struct mac mark = { { 0x4e, 0x65, 0x75, 0x56, 0, 1 } };
static const struct mac peer_mark = { { 0x4e, 0x65, 0x75, 0x56, 0, 2 } };
static const struct mac real_mac = { { 2, 0, 0, 0, 0, 1 } };
static const struct mac peer_mac = { { 2, 0, 0, 0, 0, 2 } };
static const struct mac stranger = { { 2, 0, 0, 0, 0, 3 } };

/* What both workloads listen on. */
static const struct app_port own_ports[] = { { .proto = 6, .port = 9000 },
					     { .proto = 17, .port = 9001 },
					     { .proto = 6, .port = 7 } };
static const struct app_port peer_ports[] = { { .proto = 6, .port = 9100 },
					      { .proto = 17, .port = 9101 } };

#define A  TCP_ACK
#define S  TCP_SYN
#define SA (TCP_SYN | TCP_ACK)

static const struct {
	const char *name;
	uint8_t proto;
	bool from_own, by_stranger;
	uint16_t own_port, peer_port;
	uint8_t flags;
	bool want_ingress;
} rows[] = {
	{ "own port", 6, true, false, 9000, 5000, A, true },
	{ "own port, it comes in", 6, false, false, 9000, 5000, A, true },
	{ "own port, the lower one", 6, false, false, 7, 5000, A, true },
	{ "peer's port", 6, true, false, 5000, 9100, A, false },
	{ "peer's port, it comes in", 6, false, false, 5000, 9100, A, false },
	{ "peer's port, but not its MAC", 6, false, true, 5000, 9100, A, true },
	{ "own port, of a stranger", 6, false, true, 9000, 5000, A, true },
	{ "both: the lower one", 6, true, false, 9000, 9100, A, true },
	{ "both: the lower one, in", 6, false, false, 9000, 9100, A, true },
	{ "neither: the lower one", 6, true, false, 5001, 5000, A, false },
	{ "another protocol's", 6, true, false, 9001, 5000, A, false },
	{ "a SYN tells", 6, true, false, 9000, 5000, S, false },
	{ "a SYN tells, in", 6, false, false, 5000, 9100, S, true },
	{ "a SYN+ACK tells", 6, true, false, 5000, 9100, SA, true },
	/* who speaks first asks, from whatever port */
	{ "UDP, own port", 17, true, false, 9001, 5000, 0, false },
	{ "UDP, own port, in", 17, false, false, 9001, 5000, 0, true },
	{ "UDP, peer's port", 17, false, false, 5000, 9101, 0, false },
	{ "UDP, neither: the sender", 17, true, false, 9000, 5000, 0, false },
	{ "UDP, neither: the sender, in", 17, false, false, 9, 9, 0, true },
	{ "UDP, a server's port tells", 17, true, false, 9001, 53, 0, false },
};

static struct snapshot *two_workloads(void)
{
	struct endpoint e[2] = {
		{ .used = true, .mac = real_mac, .ucmac = mark },
		{ .used = true, .mac = peer_mac, .ucmac = peer_mark },
	};
	struct snapshot *s;

	e[0].listens = port_set_new(own_ports, ARRAY_LEN(own_ports));
	e[1].listens = port_set_new(peer_ports, ARRAY_LEN(peer_ports));
	s = snapshot_build(&(struct snapshot_spec){
		.endpoints = e, .n_endpoints = 2, .version = 1 });
	port_set_put(e[0].listens);
	port_set_put(e[1].listens);
	assert_non_null(s);
	return s;
}

static void pass(struct inspect *in, size_t row)
{
	bool own = rows[row].from_own;
	struct mac peer = rows[row].by_stranger ? stranger : peer_mac;
	static uint8_t buf[FRAME_SPEC_MAX];
	struct frame_spec s = {
		.src = own ? mark : peer,
		.dst = own ? peer : mark,
		.saddr = own ? OWN : PEER,
		.daddr = own ? PEER : OWN,
		.proto = rows[row].proto,
		.sport = own ? rows[row].own_port : rows[row].peer_port,
		.dport = own ? rows[row].peer_port : rows[row].own_port,
		.flags = rows[row].flags,
		.seq = 100,
		.ack = 500,
	};
	struct frame f = { .wire_len = frame_make(buf, &s) };

	f.bytes = bytes_of(buf, f.wire_len);
	assert_row(rows[row].name,
		   inspect_frame(in, f, (usec_t){ row + 1 }).forward);
}

/* Is the flow that the row's frame begins one that came in? */
static bool is_ingress(const struct snapshot *s, size_t row)
{
	struct inspect_options opt = { .max_flows = FLOWS_MIN, .seed = 1 };
	struct inspect *in = inspect_new(&opt);
	struct session_record r = { 0 };
	uint32_t cursor = 0;
	size_t n;

	assert_non_null(in);
	(void)inspect_adopt(in, s);
	pass(in, row);
	n = inspect_copy_flows(in, &cursor, (usec_t){ 99 }, &r, 1);
	inspect_free(in);
	assert_int_equal(n, 1);
	return r.flags & SESSION_INGRESS;
}

static void test_openers(void **state)
{
	struct snapshot *s = two_workloads();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_row(rows[i].name,
			   is_ingress(s, i) == rows[i].want_ingress);
	snapshot_free(s);
}

/* A worker judges by the set as long as any snapshot has it. */
static void test_set_outlives(void **state)
{
	struct snapshot *old = two_workloads();
	struct snapshot_spec spec = snapshot_spec_of(old);
	struct snapshot *next = snapshot_build(&spec);
	const struct endpoint *e;

	assert_non_null(next);
	snapshot_free(old);
	e = snapshot_endpoint(next, 0);
	assert_true(port_set_has(e->listens, 6, 9000));
	assert_false(port_set_has(e->listens, 17, 9000));
	snapshot_free(next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_openers),
		cmocka_unit_test(test_set_outlives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
