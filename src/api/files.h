/*
 * The web UI's files. They are read once, before the first request: what is asked
 * for is a key of this table and never a path of the file system.
 */
#pragma once

#include <stddef.h>

#include "api/etag.h"
#include "base/err.h"

struct file {
	char *path; /* "assets/x.js"; owned */
	char *text; /* owned */
	size_t len;
	const char *type; /* of contents */
	char etag[ETAG_MAX];
};

struct files {
	struct file *at; /* owned, sorted by path */
	size_t n;
};

/* A folder that is not there is an empty table. -errno. */
int files_read(const char *dir, struct files *ret, struct err *reterr);
void files_done(struct files *f);
/* One file, by itself; one that is not there is all 0. */
int file_read(const char *path, struct file *ret, struct err *reterr);
/* NULL: there is none. path: without its first "/". */
const struct file *files_find(const struct files *f, const char *path);
