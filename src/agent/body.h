/*
 * What a data plane is told whole: all rules of signatures, or all sensors and
 * who has them. Immutable, and counted, since it may be 30 MB and two data planes
 * want it. Any thread.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

struct body {
	atomic_uint users;
	/*
	 * Made of what it says, 1..POLICY_VERSION_MAX: a data plane that tells
	 * the same has the same, whoever told it.
	 */
	uint64_t version;
	char *text; /* "{"force":true,"version":N,...}" */
};

/* text: an object, taken. NULL: out of memory; it is freed then, too. */
struct body *body_new(char *text);
struct body *body_get(struct body *b); /* NULL is accepted, as below */
void body_put(struct body *b);
