/*
 * When a certificate of a fleet ends. Any thread.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"

/* Of the first certificate of a PEM file. -ENOENT and the like; -EINVAL: it has none. */
int fleet_cert_end(const char *path, int64_t *ret_s, struct err *reterr);

enum fleet_cert_state {
	FLEET_CERT_HOLDS,
	FLEET_CERT_ENDS_SOON, /* in FLEET_CERT_SOON_DAYS or less */
	FLEET_CERT_ENDED,
};

/*
 * How it is at that time, and in words: "ends in 12 days, 2026-12-13", "has ended,
 * 2026-12-13".
 */
#define FLEET_CERT_WORDS_MAX 64
enum fleet_cert_state fleet_cert_words(int64_t end_s, int64_t now_s,
				       char buf[static FLEET_CERT_WORDS_MAX]);
