/*
 * The record in vex's alias, read as hostile text, and the undo stack.
 */
#include <errno.h>
#include <string.h>

#include "net/splice_record.h"
#include "net/undo.h"
#include "test.h"

static struct splice_stat sample(void)
{
	struct splice_stat s = {
		.workload = "/run/netns/with a space",
		.workload_ino = 4026532288,
		.dev = "eth0",
		.dev_ifindex = 7,
		.mac = { { 0x1a, 0x27, 0xf3, 0x87, 0x3a, 0x27 } },
		.redirector = REDIRECTOR_U32,
	};

	splice_marks(0x00b4, &s.ucmac, &s.bcmac);
	return s;
}

static void test_round_trip(void **state)
{
	struct splice_stat s = sample(), back;
	char alias[LINK_ALIAS_MAX];

	splice_record_format(&s, alias);
	assert_string_equal(alias, "weir-splice 1 u32 00b4 1a:27:f3:87:3a:27 "
				   "4026532288 7 eth0 /run/netns/with a space");
	assert_true(splice_record_parse(alias, &back));
	assert_memory_equal(&back, &s, sizeof s);
}

static void test_long_path_is_cut(void **state)
{
	struct splice_stat s = sample(), back;
	char alias[LINK_ALIAS_MAX];

	memset(s.workload, 'p', sizeof s.workload - 1);
	s.workload[sizeof s.workload - 1] = '\0';
	memcpy(s.dev, "fifteen_letters", 16);
	splice_record_format(&s, alias);
	assert_true(strlen(alias) < LINK_ALIAS_MAX);
	assert_true(splice_record_parse(alias, &back));
	assert_string_equal(back.dev, s.dev);
}

static void test_not_ours(void **state)
{
	static const char *const texts[] = {
		"",
		" ",
		"tenant 7",
		"weir-splice",
		"weir-splice port",
		"weir-splice 2 bpf 00b4 1a:27:f3:87:3a:27 1 7 eth0 /x",
		"weir-splice 1 ebpf 00b4 1a:27:f3:87:3a:27 1 7 eth0 /x",
		"weir-splice 1 bpf 100b4 1a:27:f3:87:3a:27 1 7 eth0 /x",
		"weir-splice 1 bpf -0b4 1a:27:f3:87:3a:27 1 7 eth0 /x",
		"weir-splice 1 bpf 00b4 1a:27:f3:87:3a 1 7 eth0 /x",
		"weir-splice 1 bpf 00b4 1a:27:f3:87:3a:27 x 7 eth0 /x",
		"weir-splice 1 bpf 00b4 1a:27:f3:87:3a:27 1 9999999999 e /x",
		"weir-splice 1 bpf 00b4 1a:27:f3:87:3a:27 1 7",
		"weir-splice 1 bpf 00b4 1a:27:f3:87:3a:27 1 7 eth0",
		"weir-splice 1 bpf 00b4 1a:27:f3:87:3a:27 1 7  /x",
		"weir-splice 1 bpf 00b4 1a:27:f3:87:3a:27 1 7 "
		"sixteen__letters /x",
	};
	struct splice_stat before = sample(), s = before;

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		if (splice_record_parse(texts[i], &s))
			fail_msg("taken for ours: \"%s\"", texts[i]);
		assert_memory_equal(&s, &before, sizeof s);
	}
}

static void test_vin_name(void **state)
{
	char vin[IFNAMSIZ];

	splice_vin_name("vex", vin);
	assert_string_equal(vin, "vin");
	splice_vin_name("vex4095", vin);
	assert_string_equal(vin, "vin4095");
}

/* --- undo -------------------------------------------------------------- */

static char order[8];

static int step(void *arg, struct err *reterr)
{
	const char *name = arg;

	order[strlen(order)] = name[0];
	return name[1] ? err_set(reterr, EIO, NULL, "broke %c", name[0]) : 0;
}

static void test_undo_reverse(void **state)
{
	struct undo u = { 0 };
	struct err err = { 0 };

	memset(order, 0, sizeof order);
	undo_push(&u, "first", step, "a");
	undo_push(&u, "second", step, "b!");
	undo_push(&u, "third", step, "c!");
	undo_push(&u, "fourth", step, "d");
	assert_int_equal(undo_run(&u, &err), -EIO);
	assert_string_equal(order, "dcba");
	assert_string_equal(err.text, "third: broke c");
	assert_int_equal(undo_run(&u, &err), 0);
	assert_string_equal(order, "dcba");
}

static void test_undo_commit(void **state)
{
	struct undo u = { 0 };

	memset(order, 0, sizeof order);
	undo_push(&u, "first", step, "a");
	undo_commit(&u);
	assert_int_equal(undo_run(&u, NULL), 0);
	assert_string_equal(order, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_long_path_is_cut),
		cmocka_unit_test(test_not_ours),
		cmocka_unit_test(test_vin_name),
		cmocka_unit_test(test_undo_reverse),
		cmocka_unit_test(test_undo_commit),
	};

	return cmocka_run_group_tests_name("net_splice", tests, NULL, NULL);
}
