/*
 * The agent: what its parts share. Made by main.c; each part is filled in and
 * ended by its own file.
 *
 *   runtimes ──news──▶ inventory ──▶ registry ◀── guard (host's devices)
 *                                      │ changes
 *                                      ▼
 *   door (commands) ──intent──▶ policy: compile ──want──▶ plane ──▶ weir-dp
 *                                      │ in force            │ connections, threats
 *                                      ▼                     ▼
 *                                   guard: modes          record ──▶ store
 *
 * All of it is one thread, but for the sources of runtimes and the plane, which
 * are spoken with by messages, and work that takes long (aside.h).
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/config.h"
#include "agent/loop.h"
#include "agent/plane.h"
#include "agent/workload.h"
#include "base/log.h"
#include "intent/intent.h"
#include "net/nl.h"
#include "runtime/runtime.h"
#include "store/store.h"

struct aside;
struct captures;
struct door;
struct hits;
struct kubernetes;
struct learn;
struct map;
struct member;
struct peers;
struct proposals;
struct record;
struct responses;
struct rules;
struct settings;
struct splicer;
struct throughput;
struct cursors;
struct trail_kept;
struct world;

/* What a runtime's source is doing, for `weir status`. */
struct source_state {
	bool up;
	bool listed; /* a whole listing has come since it is up */
	uint64_t since_s;
	char text[RUNTIME_TEXT_MAX]; /* why it is down */
	json_t *unreadable;	 /* id -> why: containers that may run unseen */
	json_t *unreadable_told; /* those before the list that is under way */
};

/* There is one; its members are in the order of its parts. */
struct agent { /* NOLINT(clang-analyzer-optin.performance.Padding) */
	struct config config;
	const char *config_path;
	bool config_must; /* it was named */
	bool is_reloading, reload_once_more;
	struct loop *loop;
	struct registry registry;
	uint64_t started_s; /* since 1970 */
	bool releasing;	    /* `weir release --all`: divert nothing more */

	struct kubernetes *kubernetes; /* NULL: no API server is watched */
	struct runtimes *runtimes;     /* NULL: not started yet */
	struct loop_fd *runtimes_fd;
	struct source_state sources[RUNTIMES_MAX];
	struct loop_timer rescan; /* workloads that are stale */
	struct log_limit unreadable_log;

	struct netwatch *host_watch;
	struct loop_fd *host_watch_fd;
	struct nl *host_nl;			   /* in our own namespace */
	struct ip_addr node_addrs[NODE_ADDRS_MAX]; /* this host's */
	size_t n_node_addrs;
	bool node_addrs_stale;
	struct loop_timer guard_again;
	struct loop_timer taps_again; /* taps that are listened to again */
	struct log_limit taps_log;
	struct loop_timer sweep; /* what ports that went have left */
	struct loop_timer parked_ends;
	uint32_t vth; /* ifindex; 0: there is none */

	struct intent *intent;	  /* in force, or on its way */
	bool intent_protects;	  /* something in it is in mode protect */
	bool intent_denies;	  /* some rule denies something */
	uint64_t intent_revision; /* of the store's document */
	struct loop_timer compile, expiry, trim;
	bool change_waits;	   /* of a workload, to be compiled */
	usec_t change_compiled_at; /* when the last such was */
	uint64_t want_number;	   /* last that was sent */
	struct body *detection;	   /* sensors, and who has them, likewise */
	uint64_t in_force_number;  /* last that came into force everywhere */
	uint64_t in_force_version; /* of its policy */
	uint64_t last_version;
	bool policy_refused;
	struct err policy_err; /* why, while policy_refused */

	struct splicer *splicer;    /* NULL: nothing needed it yet */
	struct plane *splice_plane; /* in its namespace; NULL likewise */
	struct loop_fd *splice_plane_fd;
	bool splice_plane_up;
	uint64_t splice_in_force; /* as host_in_force */
	char crash_dir[PATH_MAX]; /* for reports of data planes that died */
	char splice_door[PATH_MAX];

	struct plane *plane;
	struct loop_fd *plane_fd;
	uint64_t host_in_force; /* last that came into force there */
	bool plane_up;
	uint64_t plane_since_s, plane_starts;
	struct err plane_err; /* why it is down */
	json_t *plane_version;

	struct aside *asides; /* under way */
	struct study *studies;
	uint64_t studies_given_up; /* nobody waited for them any more */
	struct store *store;
	json_t *kept;	   /* kept.h */
	bool kept_changed; /* and not written yet */
	struct loop_timer kept_look;
	struct record *record;
	struct trail_kept *trail;
	struct learn *learn;
	struct proposals *proposals;
	struct map *map;
	struct throughput *throughput;
	struct cursors *cursors;
	struct hits *hits;
	struct rules *rules; /* signatures */
	struct captures *captures;
	struct responses *responses;
	struct settings *settings;
	struct member *member; /* NULL: of no fleet */
	struct peers *peers;   /* likewise */
	struct world *world;   /* NULL: not asked for yet */
	struct door *door;
};
