/*
 * What one source's thread has: where it reads, what it has told, and the words
 * to tell more. A runtime's file (docker.c, ...) is a session function that
 * runs in this thread until its runtime is lost.
 *
 * All functions but new and free: the source's own thread. Those that return
 * int return 0, or -ECANCELED when the source is to end.
 */
#pragma once

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/mailbox.h"
#include "net/netns.h"
#include "runtime/process.h"
#include "runtime/runtime.h"

struct source {
	unsigned index;
	enum runtime_kind kind;
	char *path;
	struct mailbox *box;
	int stop_fd;		 /* borrowed; readable: come to an end */
	const struct netns *own; /* borrowed; the host's namespace */
	pthread_t thread;

	void *told; /* tsearch(3) tree of struct told, by id */
	size_t n_told;
	bool listing;	/* between LIST_BEGIN and LIST_END */
	uint32_t round; /* of lists */
	bool up;
	char why_down[RUNTIME_TEXT_MAX]; /* as told; "": not told yet */
	unsigned misbehaved;		 /* times since it was up */
};

/* Tries again and again, until stop_fd is readable. */
void source_run(struct source *s);
/* Gives back what the tree holds. */
void source_forget(struct source *s);

/* Until something is to be read from fd (-1: nothing), at most ms. */
int source_wait(struct source *s, int ms);

int source_up(struct source *s);
/*
 * A list begins. The first one of a session is told as such; in later ones the
 * difference is told.
 */
int source_list_begin(struct source *s, bool first);
/*
 * Is id in the list as it was known, by a hash of what the list says (`brief`,
 * not 0), with its process alive? Else look at it.
 */
bool source_list_same(struct source *s, const char *id, uint64_t brief);
/* One that is known and was not in this list: to be looked at. */
bool source_list_missing(struct source *s, char ret[RUNTIME_ID_MAX]);
int source_list_end(struct source *s);

/*
 * It runs. Takes `about` and p->ns; adds what all sources say alike (runtime,
 * host_network, started). Silent if that is what was told last.
 */
int source_found(struct source *s, const char *id, json_t *about,
		 struct process *p, uint64_t brief);
/* It runs no more. Silent if it was not known. */
int source_gone(struct source *s, const char *id);
int source_unreadable(struct source *s, const char *id, const char *why);

/* A runtime's session: returns why it ended. Each in its own file. */
int docker_session(struct source *s, struct err *reterr);
int containerd_session(struct source *s, struct err *reterr);
int cri_session(struct source *s, struct err *reterr);
int netns_dir_session(struct source *s, struct err *reterr);
