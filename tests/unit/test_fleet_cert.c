/*
 * When a certificate ends: in words, and of files that are none.
 */
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/limits_fleet.h"
#include "fleet/cert.h"

#define DAY 86400

static void test_words(void **state)
{
	static const int64_t now = 1767225600; /* 2026-01-01 */
	static const struct {
		int64_t end;
		enum fleet_cert_state state;
		const char *words;
	} rows[] = {
		{ now + 365 * DAY, FLEET_CERT_HOLDS,
		  "ends in 365 days, 2027-01-01" },
		{ now + 30 * DAY, FLEET_CERT_HOLDS,
		  "ends in 30 days, 2026-01-31" },
		{ now + 30 * DAY - 1, FLEET_CERT_ENDS_SOON,
		  "ends in 29 days, 2026-01-30" },
		{ now + DAY, FLEET_CERT_ENDS_SOON,
		  "ends in 1 day, 2026-01-02" },
		{ now + 1, FLEET_CERT_ENDS_SOON, "ends in 0 days, 2026-01-01" },
		{ now, FLEET_CERT_ENDED, "has ended, 2026-01-01" },
		{ now - DAY, FLEET_CERT_ENDED, "has ended, 2025-12-31" },
		{ 0, FLEET_CERT_ENDED, "has ended, 1970-01-01" },
		{ 253402300799, FLEET_CERT_HOLDS,
		  "ends in 2912442 days, 9999-12-31" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char words[FLEET_CERT_WORDS_MAX];

		assert_int_equal(fleet_cert_words(rows[i].end, now, words),
				 rows[i].state);
		assert_string_equal(words, rows[i].words);
	}
}

static int end_of(const char *text, int64_t *ret)
{
	char path[] = "/tmp/test-fleet-cert-XXXXXX";
	int fd = mkstemp(path), rc;
	struct err err = { 0 };
	FILE *f;

	assert_true(fd >= 0);
	f = fdopen(fd, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	rc = fleet_cert_end(path, ret, &err);
	(void)unlink(path);
	if (rc < 0)
		assert_int_equal(err.code, -rc);
	return rc;
}

/* Self-signed, on P-256, until 2036-01-01. */
static const char good[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIIBBTCBrAIBATAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDAR0ZXN0MB4XDTI2MDEw\n"
	"MTAwMDAwMFoXDTM2MDEwMTAwMDAwMFowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqG\n"
	"SM49AgEGCCqGSM49AwEHA0IABAtQ6btI3ypO/x7BLthycm6OSKiMA7Pbghd3Hksa\n"
	"rQ0bEt0ULVpi5qrKCQFlkpkrU2E7pyi8uJYGGx2Ux3KX84AwCgYIKoZIzj0EAwID\n"
	"SAAwRQIhAP7j35LMs/o1m35FRP7RUmc0E16K6Yl8oo0yE0ZF8CE8AiB89z+ePblH\n"
	"bJsNBR2eEXBPYHQLNtKHCgO3dVkHErP2mQ==\n"
	"-----END CERTIFICATE-----\n";

static void test_files(void **state)
{
	static const char *const bad[] = {
		"",
		"no certificate",
		"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END "
		"CERTIFICATE-----\n",
	};
	struct err err = { 0 };
	int64_t end = 7;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(end_of(bad[i], &end), -EINVAL);
	assert_int_equal(fleet_cert_end("/nonexistent", &end, &err), -ENOENT);
	assert_int_equal(fleet_cert_end("/dev/zero", &end, &err), -E2BIG);
	assert_int_equal(end, 7);
	assert_int_equal(end_of(good, &end), 0);
	assert_int_equal(end, 2082758400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
