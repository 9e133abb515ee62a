/* What Redis' commands do, and where the name is of what they do it to. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum redis_class {
	REDIS_OTHER, /* transactions, and what is not in the table */
	REDIS_READ,
	REDIS_WRITE,
	REDIS_ADMIN, /* of the server, or of all data: FLUSHALL, CONFIG */
	REDIS_PUBSUB,
	REDIS_SCRIPT,
	REDIS_CONNECTION,
	REDIS_CLASS__MAX
};

/* The key stands behind the word STREAMS. */
#define REDIS_STREAMS 255
/* Longer names there are none. */
#define REDIS_NAME_MAX 24

struct redis_command {
	char name[REDIS_NAME_MAX];
	uint8_t class; /* enum redis_class */
	/* Which argument the first key is (of PUBSUB: channel), 0: none. */
	uint8_t key;
	bool counted; /* the one before says how many keys there are */
};

/* name: upper case, len bytes. NULL: it is not known. Static storage. */
const struct redis_command *redis_command(const char *name, size_t len);
/* A number for it, to be kept; NULL has 0. */
uint16_t redis_command_place(const struct redis_command *c);
const struct redis_command *redis_command_at(uint16_t place);
/* "read"; static storage. */
const char *redis_class_name(enum redis_class c);
