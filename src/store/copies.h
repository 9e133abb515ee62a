/*
 * Plain copies of documents, DIR/documents/NAME.json:
 *
 *   {"name": "intent", "revision": 12, "saved": 1764412800, "about": {...},
 *   "document": {...}}
 *
 * One is written beside the old one, synced, and takes its name at once: there
 * is always one, and it is whole.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct copy {
	uint64_t revision, saved_s;
	char *about, *body; /* owned; NULL: not asked for; about: or none */
};

/* A revision as it is written, borrowed. */
struct revision {
	uint64_t number, saved_s;
	const char *about; /* an object as text; NULL: none */
	const char *body;  /* NULL: it was deleted, and has no copy */
};

/* a-z, 0-9 and -, not empty, below STORE_DOC_NAME_MAX. */
bool copy_name_is_good(const char *name);
/*
 * 0, -ENOENT, -EBADMSG for what is not whole, or -errno. body: wants it and
 * what is told about it; copy_done() frees both.
 */
int copy_read(int dir, const char *name, bool body, struct copy *ret);
void copy_done(struct copy *c);
/*
 * copy_prepare() writes and syncs the new one beside the old one (-ENOSPC ...),
 * copy_commit() puts it in its place, for good when it returns 0.
 */
int copy_prepare(int dir, const char *name, const struct revision *r);
int copy_commit(int dir, const char *name);
void copy_forget_prepared(int dir, const char *name);
/* For good when it returns 0; also when there was none. */
int copy_delete(int dir, const char *name);
/* Names of all copies there are, as an array of texts; NULL and errno. */
json_t *copy_names(int dir);
