/*
 * Fingerprints of TLS hellos, as they are published: JA3 and JA3S (MD5 of the
 * numbers in a hello), JA4 (FoxIO: counts, and SHA-256 of sorted numbers, cut).
 * Reserved values (RFC 8701) never count.
 *
 * The hashes are libnettle's: its contexts lie on the stack, nothing is
 * allocated, and it has AES-GCM for QUIC as well.
 *
 * Pure; any thread.
 */
#pragma once

#include <stdbool.h>

#include "proto/tls_hello.h"

/* The longest with its NUL. */
#define JA_TEXT_MAX 37

/* false: more numbers than JA_VALUES_MAX; the others must not be called. */
bool ja_can(const struct tls_hello *h);
/* Each writes to ret, and returns it. */
const char *ja3(const struct tls_hello *h, char ret[static JA_TEXT_MAX]);
const char *ja3s(const struct tls_hello *h, char ret[static JA_TEXT_MAX]);
const char *ja4(const struct tls_hello *h, char transport,
		char ret[static JA_TEXT_MAX]);
