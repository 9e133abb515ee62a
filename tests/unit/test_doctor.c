/*
 * What weir doctor reads: CNI's configuration, and /proc/PID/status. What it tries
 * is tried in tests/netns/doctor.sh.
 */
#include <string.h>

#include "doctor/checks.h"
#include "test.h"

static const struct {
	const char *name, *text, *types[3], *error;
} files[] = {
	{ "a list",
	  "{\"cniVersion\":\"1.0.0\",\"name\":\"n\",\"plugins\":[{\"type\":"
	  "\"calico\"},{\"type\":\"portmap\"},{\"type\":\"weir-cni\"}]}",
	  { "calico", "portmap", "weir-cni" },
	  NULL },
	{ "one plugin", "{\"type\":\"macvlan\"}", { "macvlan" }, NULL },
	{ "a plugin without type",
	  "{\"plugins\":[{},{\"type\":\"bridge\"}]}",
	  { "bridge" },
	  NULL },
	{ "no plugin", "{\"plugins\":[]}", { NULL }, "names no plugin" },
	{ "no object", "[]", { NULL }, "expected an object" },
	{ "no JSON", "{\n\"type\":", { NULL }, "line 2" },
	{ "empty", "", { NULL }, "line" },
};

static void test_cni_read(void **state)
{
	for (size_t k = 0; k < ARRAY_LEN(files); k++) {
		struct err err = { 0 };
		json_t *types =
			cni_read(files[k].text, strlen(files[k].text), &err);
		size_t n = 0;

		assert_row(files[k].name, !types == (files[k].error != NULL));
		if (files[k].error)
			assert_row(files[k].name,
				   strstr(err.text, files[k].error));
		for (; n < 3 && files[k].types[n]; n++)
			assert_row(files[k].name,
				   strcmp(json_string_value(
						  json_array_get(types, n)),
					  files[k].types[n]) == 0);
		assert_row(files[k].name, json_array_size(types) == n);
		json_decref(types);
	}
}

static const struct {
	const char *type;
	enum doctor_result result;
	bool todo; /* there is something to be done */
} networks[] = {
	{ "bridge", DOCTOR_GOOD, false },
	{ "calico", DOCTOR_GOOD, false },
	{ "flannel", DOCTOR_GOOD, false },
	{ "cilium-cni", DOCTOR_LIMITED, true },
	{ "macvlan", DOCTOR_LIMITED, false },
	{ "sriov", DOCTOR_LIMITED, false },
	{ "portmap", DOCTOR_GOOD, false },
};

static void test_cni_kinds(void **state)
{
	for (size_t k = 0; k < ARRAY_LEN(networks); k++) {
		const struct cni_kind *kind = cni_kind_of(networks[k].type);

		assert_row(networks[k].type, kind);
		assert_row(networks[k].type,
			   kind->result == networks[k].result);
		assert_row(networks[k].type,
			   (kind->todo != NULL) == networks[k].todo);
		/* what is not good is explained */
		assert_row(networks[k].type,
			   kind->result == DOCTOR_GOOD || kind->means);
	}
	assert_null(cni_kind_of("unknown"));
	assert_null(cni_kind_of(""));
}

static void test_status_number(void **state)
{
	static const char text[] = "Name:\tweir\nCapEff:\t000001ffffffffff\n"
				   "NoCapEff:\t1\nSeccomp:\t2\n";
	uint64_t v = 0;

	assert_true(status_number(text, "CapEff", &v));
	assert_true(v == 0x1ffffffffff);
	assert_true(status_number(text, "Seccomp", &v));
	assert_true(v == 2);
	assert_false(status_number(text, "CapBnd", &v));
	assert_false(status_number(text, "Cap", &v));
	assert_false(status_number("", "CapEff", &v));
	assert_false(status_number("CapEff:\tx\n", "CapEff", &v));
}

static void test_names(void **state)
{
	assert_string_equal(doctor_result_name(DOCTOR_GOOD), "good");
	assert_string_equal(doctor_result_name(DOCTOR_NOT_LOOKED),
			    "not looked at");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cni_read),
		cmocka_unit_test(test_cni_kinds),
		cmocka_unit_test(test_status_number),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
