/*
 * What a demo has made and somebody must take down: in memory, and in a file,
 * so that `weir demo splice --down` can do it after --keep or after a crash.
 *
 * Each demo has a directory of its own, /run/weir/demo-XXXXXX (mode 0700):
 * state.json, the data plane's doors and its log.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

#define DEMO_RUN_DIR  "/run/weir"
#define DEMO_DIR_MAX  64
#define DEMO_NAME_MAX 32
#define DEMO_PATH_MAX (DEMO_DIR_MAX + 32)

enum demo_role {
	DEMO_HOST,
	DEMO_CONTAINER, /* spliced, through DEMO_AGENT */
	DEMO_AGENT,
	DEMO_WEB, /* diverted in place, in DEMO_HOST */
	DEMO_ROLE__MAX
};

enum demo_layout { DEMO_SPLICED, DEMO_INPLACE, DEMO_LAYOUT__MAX };

/* A namespace we made. name "": not made (yet), or not ours (--here). */
struct demo_ns {
	char name[DEMO_NAME_MAX];
	uint64_t dev, ino; /* that one and no later one of the same name */
};

/* A process, told from a later one with the same number. pid 0: none. */
struct demo_proc {
	pid_t pid;
	uint64_t start; /* clock ticks since boot */
};

struct demo_state {
	char dir[DEMO_DIR_MAX]; /* "" = not made */
	struct demo_proc owner; /* the demo itself */
	/* its data planes; each leads its process group */
	struct demo_proc dp[DEMO_LAYOUT__MAX];
	bool kept;	       /* --keep: the owner has ended on purpose */
	bool here;	       /* DEMO_HOST is the caller's namespace */
	uint32_t host_ifindex; /* of vex-peer; 0 = not made */
	uint32_t bridge_ifindex;
	struct demo_ns ns[DEMO_ROLE__MAX];
};

/* Makes the directory and sets the owner to this process. */
int demo_state_create(struct demo_state *s, struct err *reterr);
/* Writes state.json anew, atomically. */
int demo_state_save(const struct demo_state *s, struct err *reterr);
/* Removes the directory with all files in it. No directory: 0. */
int demo_state_remove(struct demo_state *s, struct err *reterr);
/* All demos' states there are; *ret is the caller's to free(). */
int demo_state_list(struct demo_state **ret, size_t *ret_n, struct err *reterr);

/* "/run/weir/demo-abc/dp.sock" */
const char *demo_path(const struct demo_state *s, const char *file,
		      char buf[static DEMO_PATH_MAX]);

/* The process with that number as it is now. -ESRCH when there is none. */
int demo_proc_of(pid_t pid, struct demo_proc *ret);
bool demo_proc_alive(const struct demo_proc *p);
