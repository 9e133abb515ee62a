/*
 * Files that are all written, or none: first in memory, then in a folder with
 * another name, then by rename.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/limits_fleet_init.h"

struct fleet_file {
	char path[FLEET_PATH_MAX]; /* below the folder: FILE or FOLDER/FILE */
	char *text;		   /* owned; wiped, there are keys among them */
	mode_t mode;
};

/* All 0 is the empty one. */
struct fleet_files {
	struct fleet_file *at; /* owned */
	size_t n, size;
};

/*
 * Adds one; takes the text, also when it fails. NULL, as of who had no memory, is
 * -ENOMEM.
 */
int fleet_files_add(struct fleet_files *f, mode_t mode, char *text,
		    struct err *reterr, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
void fleet_files_done(struct fleet_files *f);

/*
 * Makes `dir` (mode 0700) of them, which is not there yet, or is empty. -EEXIST: it
 * has something in it; -errno else. After an error there is nothing of them.
 */
int fleet_files_make(const struct fleet_files *f, const char *dir,
		     struct err *reterr);
/*
 * Puts them into `dir`, in their order: a FILE of the list, or FOLDER/FILE of a
 * folder that is there, in place of the one before; a FOLDER that is not there
 * comes as a whole. Who stops in between leaves each of them as it was or as it
 * is to be.
 */
int fleet_files_put(const struct fleet_files *f, const char *dir,
		    struct err *reterr);
/*
 * The files of that list, which NULL ends, in dir/BEFORE-NAME, and it, unless there is
 * something else in it. What is not there is none.
 */
void fleet_files_remove(const char *dir, const char *before, const char *name,
			const char *const *files);
/* Keeps others that change `dir` away until the descriptor is closed. -errno. */
int fleet_files_lock(const char *dir, struct err *reterr);
