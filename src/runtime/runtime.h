/*
 * Who runs here. Each source - a Docker or Podman socket, a containerd, a
 * folder of network namespaces - is a thread of its own that lists, follows
 * events, and begins anew when its runtime hung, restarted, or was not there:
 * none of that reaches the caller but as news. What they see goes through one
 * mailbox, which a main loop polls.
 *
 *   source thread ──┐
 *   source thread ──┼─▶ news (bounded, in order of each source) ─▶ runtimes_next()
 *   source thread ──┘
 *
 * A source that comes (back) lists all that it has between NEWS_LIST_BEGIN and
 * NEWS_LIST_END; what was known of it and is not in the list is gone. A listing
 * that breaks off ends with NEWS_DOWN instead, and says of nothing that it is
 * gone. When the mailbox is full, the source waits: nothing is lost, and a
 * listing may repeat what is known; outside of one nothing is told twice.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/limits.h"
#include "net/netns.h"

enum runtime_kind {
	RUNTIME_DOCKER, /* Docker Engine API on a unix socket */
	RUNTIME_PODMAN, /* the same API as Podman speaks it */
	RUNTIME_CONTAINERD,
	RUNTIME_CRI, /* Kubernetes' runtime interface, where there is no other */
	RUNTIME_NETNS, /* named network namespaces: a folder such as /run/netns */
	RUNTIME_KIND__MAX
};

/* "docker", "podman", ...; by name: -EINVAL says which there are. */
const char *runtime_kind_name(enum runtime_kind k);
int runtime_kind_parse(const char *name, enum runtime_kind *ret,
		       struct err *reterr);

struct runtime_spec {
	enum runtime_kind kind;
	const char *path; /* of the socket or folder; copied */
};

enum news_kind {
	NEWS_UP,	 /* the source answers */
	NEWS_DOWN,	 /* it does not; text says why */
	NEWS_LIST_BEGIN, /* ... */
	NEWS_LIST_END,
	NEWS_FOUND, /* a container runs, or what is known of it changed */
	NEWS_GONE,  /* it has ended; only id is filled in */
	/*
	 * It may run, but what its runtime says of it cannot be understood, or
	 * its process is not to be seen from here: id, and text says why. What
	 * was found of it before may still be so. Found or gone when that
	 * changes; to be taken as in the list, if it comes in one.
	 */
	NEWS_UNREADABLE,
	NEWS_KIND__MAX
};

/*
 * What a source tells. `about` is an object that is never changed again, with
 * those members that the source knows:
 *
 *   "name"       "web-1"; of a pod's container the container's own name
 *   "image"      "nginx:1.25"
 *   "labels"     {"com.docker.compose.service": "web", ...}, texts only
 *   "namespace"  Kubernetes namespace, or the compose project
 *   "service"    what it is one of: compose service, else the Kubernetes
 *                workload (deployment ...), else its own name; never missing
 *   "pod"        name of the pod
 *   "ports"      ["tcp/80", "udp/53"]: what it says it listens on
 *   "runtime"    "docker", ...
 *   "containerd_namespace"  "moby" (what Docker itself runs there), "k8s.io"
 *   "state"      "running", "paused"
 *   "started"    seconds since 1970
 *   "host_network" true: it has no network namespace of its own
 */
struct runtime_news {
	enum news_kind kind;
	unsigned source; /* index into the specs */
	/*
	 * The runtime's own: 64 hex digits; containerd's "NAMESPACE/ID"; the
	 * name of a network namespace.
	 */
	char id[RUNTIME_ID_MAX];
	json_t *about; /* FOUND: owned by the receiver; else NULL */
	/*
	 * FOUND: its network namespace, open; the receiver's to netns_done().
	 * fd -1: it has none of its own (host network).
	 */
	struct netns ns;
	pid_t pid; /* FOUND: a process in it; 0: none is known */
	char text[RUNTIME_TEXT_MAX]; /* DOWN, UNREADABLE */
};

struct runtimes;

/*
 * Starts the sources. n: 0..RUNTIMES_MAX. A socket that is not there is no
 * error: its source is down until it is. NULL and *reterr: out of memory,
 * threads or descriptors.
 */
struct runtimes *runtimes_new(const struct runtime_spec *specs, size_t n,
			      struct err *reterr);
/* Ends all within a second, whatever the runtimes do. NULL is accepted. */
void runtimes_free(struct runtimes *r);
/* Becomes readable when there is news; not to be read. */
int runtimes_fd(const struct runtimes *r);
/* false: none at the moment. One thread, the one that polls. */
bool runtimes_next(struct runtimes *r, struct runtime_news *ret);
/* Gives back what is owned. */
void runtime_news_done(struct runtime_news *news);
