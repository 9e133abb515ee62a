/*
 * Network namespaces: naming them, making and deleting named ones (the same
 * /run/netns bind mounts `ip netns` uses), and doing something inside one.
 *
 * "Inside" means: the calling thread enters, works and comes back. Sockets
 * opened inside stay there, so most work needs only one short visit (nl_open).
 */
#pragma once

#include <limits.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

#define NETNS_DIR "/run/netns"

struct netns {
	int fd;		   /* owned; -1 = not open */
	uint64_t dev, ino; /* identity: equal means the same namespace */
	char path
		[PATH_MAX]; /* as opened: "/run/netns/blue", "/proc/7/ns/net" */
};

/*
 * Opens by name ("blue" is /run/netns/blue) or by path (anything with a '/').
 * -ENOENT if there is none, -EINVAL if it is not a network namespace. Close
 * with netns_done, which accepts a zeroed or failed struct.
 */
int netns_open(const char *name_or_path, struct netns *ret, struct err *reterr);
/* The calling thread's own. */
int netns_open_self(struct netns *ret, struct err *reterr);
void netns_done(struct netns *ns);
bool netns_equal(const struct netns *a, const struct netns *b);

/* Is there a /run/netns/NAME (live or a dead leftover)? */
bool netns_name_taken(const char *name);
/*
 * Makes /run/netns/NAME with its loopback up. -EEXIST if the name is taken,
 * -EINVAL for a name that is no file name.
 */
int netns_create(const char *name, struct err *reterr);
/* Unmounts and removes /run/netns/NAME; -ENOENT if there is none. */
int netns_delete(const char *name, struct err *reterr);

/*
 * Runs fn inside ns and comes back; returns what fn returned, or -errno when
 * ns could not be entered. Not being able to come back is a crash.
 */
int netns_call(const struct netns *ns, int (*fn)(void *arg, struct err *reterr),
	       void *arg, struct err *reterr);
/* The same in a new, empty namespace that dies with what fn leaves open. */
int netns_call_scratch(int (*fn)(void *arg, struct err *reterr), void *arg,
		       struct err *reterr);

/*
 * Starts our own program argv[0] (a path) inside ns. `actions` may be NULL.
 * The caller waits for *ret_pid. Not for running other people's tools.
 */
int netns_spawn(const struct netns *ns, char *const argv[],
		const posix_spawn_file_actions_t *actions, pid_t *ret_pid,
		struct err *reterr);
