/*
 * Programs that `weir` starts: ours, by where they were built or installed with
 * it, and those of a container runtime.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "net/netns.h"

/*
 * Ours: what the environment says by `variable`; else beside us, in the build
 * tree's `folder`, installed; else `name`, to be found by PATH.
 */
void program_ours(const char *variable, const char *folder, const char *name,
		  char ret[static PATH_MAX]);
/* This one. */
void program_self(char ret[static PATH_MAX]);
/* Somebody else's: is there one of that name in PATH? Where. */
bool program_find(const char *name, char ret[static PATH_MAX]);
/* Does it run without libraries, as it must alone in a container? */
bool program_is_static(const char *path);

struct program {
	pid_t pid; /* 0: none */
	int out;   /* what it says, if it was piped; -1 */
};

#define PROGRAM_ARGS_MAX 32

/*
 * Starts argv (ends with NULL; found by PATH) in a session of its own, in `ns` if
 * not NULL, with nothing to read. Both of its outputs go to the file `log`, to
 * be appended, or, log NULL, to a pipe.
 */
int program_start(struct program *p, const struct netns *ns,
		  const char *const argv[], const char *log,
		  struct err *reterr);
/*
 * Reads on until it has ended; *ret_text is the caller's, at most so much as
 * PROGRAM_TEXT_MAX. *ret_status: its exit status, 128 + signal. -ETIMEDOUT when
 * it was killed after ms, -EINTR when it was because of Ctrl-C.
 */
int program_collect(struct program *p, int ms, char **ret_text, int *ret_status,
		    struct err *reterr);
bool program_runs(struct program *p);
/*
 * Sends sig, after ms SIGKILL, and waits; its status as above, -1 if there was
 * none.
 */
int program_end(struct program *p, int sig, int ms);
/* The last line of a log, or "". */
void program_last_words(const char *path, char *buf, size_t size);
