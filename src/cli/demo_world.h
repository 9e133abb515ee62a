/*
 * A world of its own for `weir demo`: processes, network, mounts, /run. What is
 * done in it ends with it, whatever happens; nothing in it has a name outside.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define DEMO_WORLD_DIR	      "/run/demo" /* within: for what the story needs */
#define DEMO_WORLD_CGROUP_MAX 32

struct demo_world {
	/* Its number in the namespace of who called: /proc/PID/root, nsenter */
	int pid;
	char cgroup[DEMO_WORLD_CGROUP_MAX]; /* "weir-demo-77": for containers */
};

/* What `play` returns: an exit code of enum cli_exit, or that it stays up. */
#define DEMO_WORLD_KEEP 100

/*
 * Makes a world and runs play(arg) in it; returns its exit code after
 * everything in it has ended, or CLI_OK at once when it stays up. -errno if there
 * was no world. Ctrl-C (stop_catch() was called) reaches `play` as stop_wanted().
 */
int demo_world_run(int (*play)(void *arg, const struct demo_world *w),
		   void *arg, struct err *reterr);
/* Ends all that were left up; *ret_n: how many. */
int demo_world_down(unsigned *ret_n, struct err *reterr);
/* Within: processes other than the caller and the first one. */
unsigned demo_world_count_others(void);
/* Removes the world's empty control groups: what a killed runtime leaves. */
void demo_world_remove_cgroups(const char *cgroup);
bool demo_world_has_cgroups(const char *cgroup);
