/*
 * A file of lines that is followed by others: PATH, and what it was before as
 * PATH.1 (the newest) to PATH.N.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct rotated {
	const char *path;	   /* borrowed */
	uint32_t keep;		   /* 1..EXPORT_KEEP_MAX */
	uint64_t max_bytes, max_s; /* 0: never */
	int fd;			   /* -1: not open */
	uint64_t bytes;		   /* in it */
	uint64_t begun_s;	   /* since 1970: its first line */
	uint64_t rotations;
};

/*
 * Opens PATH for more lines, 0640, or makes it. Half a line at its end, left by a
 * crash or a full disk, is taken away: it is written anew.
 */
int rotated_open(struct rotated *r, struct err *reterr);
void rotated_close(struct rotated *r);
/* Is it time for another file? Of an empty one it never is. */
bool rotated_is_due(const struct rotated *r, uint64_t now_s);
/*
 * PATH becomes PATH.1, and so on; one more than keep is removed. PATH is closed; on
 * failure it stays as it is.
 */
int rotated_turn(struct rotated *r, struct err *reterr);
/* What is open, is it still what stands at PATH? */
bool rotated_is_there(const struct rotated *r);
/*
 * Appends whole lines; what cannot be written whole is taken away again, and
 * -errno.
 */
int rotated_write(struct rotated *r, const char *lines, size_t len,
		  uint64_t now_s, struct err *reterr);
