/*
 * This node's part in a fleet: one connection to NATS JetStream, which keeps what the
 * machines share, and one thread that does what takes its time. What it hears comes
 * as news; nothing of it waits for a server.
 *
 *   main loop ──policy, inventory, events, questions──▶ [orders: thread] ──▶ NATS
 *   main loop ◀──────────────── news ◀──────────────── [library's threads] ◀── NATS
 *
 * What there is, with NAME for the fleet's and X for a node's:
 *
 *   KV_NAME-policy  $KV.NAME-policy.intent       versions of the policy (version.h);
 *                                                a revision is the stream's sequence
 *   KV_NAME-nodes   $KV.NAME-nodes.inventory.X   who runs on X: packed (pack.h)
 *   -               NAME.news.>                  what both have stored, said again
 *   KV_NAME-states  $KV.NAME-states.state.X      what X has in force, how it is: packed
 *   KV_NAME-learned $KV.NAME-learned.learned.X   what X proposes: packed
 *                   $KV.NAME-learned.rejected.X  what X, an editor, turned down
 *   NAME-events     NAME.events.X                batches, with retention
 *   NAME-flows      NAME.flows.X
 *   -               NAME.ask.X                   questions to X
 *
 * A node is cut off (FLEET_DOWN) while it has no server. Then a proposal and a
 * question fail at once; what it says of itself is kept, the last of each kind, and
 * sent later. Afterwards it hears what was changed meanwhile, not what was changed
 * again: each key's last value, and of the policy the changes since its own version.
 *
 * Of KV_NAME-states and KV_NAME-learned nothing is said again: of what a thousand nodes
 * tell now and then, and after each change, nobody hears who does not ask (fleet_states(),
 * fleet_learned()). A fleet whose servers do not know the latter yet does without.
 *
 * Who may write what is the servers' matter (`weir fleet init` writes their
 * permissions). All calls from one thread.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits_fleet.h"

struct fleet;

struct fleet_spec {
	const char *name; /* the fleet's; fleet_name_is_valid(), as node */
	const char *node;
	const char *servers[FLEET_SERVERS_MAX]; /* "tls://host:4222" */
	size_t n_servers;
	const char *ca, *cert, *key; /* files; NULL: no TLS */
	unsigned replicas; /* of streams that are made; 0: as many as servers */
	unsigned events_days, flows_days; /* their retention */
	uint64_t events_bytes, flows_bytes;
};

/* 1..FLEET_NAME_MAX-1 of a-z, 0-9 and -. */
bool fleet_name_is_valid(const char *name);

/*
 * Begins to connect, and goes on until it is; the spec is copied. NULL: out of
 * memory, a file that cannot be read, a name that is none.
 */
struct fleet *fleet_new(const struct fleet_spec *spec, struct err *reterr);
void fleet_free(struct fleet *f); /* NULL is accepted */
/*
 * Connects anew, to the servers of that spec and with the files of it, read now; its
 * other members are not looked at. What is on its way is as when a server goes. -ENOENT,
 * -EINVAL: a file is missing or does not match another; nothing is changed.
 */
int fleet_connect_anew(struct fleet *f, const struct fleet_spec *spec,
		       struct err *reterr);
/* Readable while there is news. */
int fleet_fd(const struct fleet *f);

/*
 * Since fleet_new(). found: messages of the policy and of nodes that no news brought in
 * time; no_room: news that came before what they follow, and could not be kept.
 */
struct fleet_counts {
	uint64_t found, no_room;
};
struct fleet_counts fleet_counts(const struct fleet *f);

/*
 * The policy that is to follow that of revision `base`: 0, none, is no revision.
 * about: who and what, an object, borrowed. FLEET_PROPOSED tells what became of it,
 * and FLEET_POLICY brings it, as it does everybody's. -ENOTCONN: cut off; -EAGAIN.
 */
int fleet_propose(struct fleet *f, uint64_t base, const char *text,
		  const json_t *about, uint64_t token, struct err *reterr);

enum fleet_key {
	FLEET_INVENTORY,
	FLEET_STATE,
	FLEET_LEARNED,	/* LEARNED_MESSAGE_MAX */
	FLEET_REJECTED, /* likewise; needs an editor's permission */
	FLEET_KEY__MAX
};

/*
 * What is told of this node from now on; what was not sent yet of the same kind is
 * not sent any more. -ENOMEM, -E2BIG.
 */
int fleet_tell(struct fleet *f, enum fleet_key key, const char *text,
	       struct err *reterr);
/*
 * What all told of their states since this was asked last, each one's last: as FLEET_NODE,
 * and then FLEET_STATES. -ENOTCONN, -EAGAIN.
 */
int fleet_states(struct fleet *f, uint64_t token, struct err *reterr);
/* That node is told of no more: all its keys. Needs an editor's permission. */
int fleet_forget(struct fleet *f, const char *node, uint64_t token,
		 struct err *reterr);

/*
 * What all told of what they learned, since this was asked last: up to
 * LEARNED_AT_ONCE of it as FLEET_NODE, and then FLEET_HEARD. Needs an editor's
 * permission. -ENOTCONN, -EAGAIN.
 */
int fleet_learned(struct fleet *f, uint64_t token, struct err *reterr);

enum fleet_stream { FLEET_EVENTS, FLEET_FLOWS, FLEET_STREAM__MAX };

/*
 * FLEET_SENT tells when it is stored there, or why not. -ENOTCONN, -EAGAIN, -E2BIG: it
 * is longer than a batch may be.
 */
int fleet_send(struct fleet *f, enum fleet_stream s, const char *text,
	       uint64_t token, struct err *reterr);
/* What this node sent there last comes as FLEET_LAST; text NULL: nothing. */
int fleet_last(struct fleet *f, enum fleet_stream s, uint64_t token,
	       struct err *reterr);

/* A message of a stream; borrowed. */
struct fleet_stored {
	uint64_t seq,
		at_s;	  /* at_s: when it was stored, by its server's clock */
	const char *node; /* whose, as the servers vouch for: its subject's */
	const char *text; /* NULL: it cannot be unpacked to a batch */
	size_t len;
};

/* What is read, the last first. false: that is enough. In the fleet's thread. */
typedef bool fleet_read_fn(void *arg, const struct fleet_stored *m);

/*
 * Reads that stream from message `from` on back; 0: from the last. fn has each, until
 * FLEET_READ tells that it has had enough, that there is no more, or that a limit is
 * met (FLEET_READ_...). Nothing of it is called after FLEET_READ, or fleet_free().
 * Needs an editor's permission. -ENOTCONN, -EAGAIN.
 */
int fleet_read(struct fleet *f, enum fleet_stream s, uint64_t from,
	       fleet_read_fn *fn, void *arg, uint64_t token,
	       struct err *reterr);

/* Its answer comes as FLEET_ANSWERED. -ENOTCONN, -EAGAIN, -E2BIG. */
int fleet_ask(struct fleet *f, const char *node, const char *question,
	      uint64_t token, struct err *reterr);
/* reply: of a FLEET_ASKED. What cannot be sent is lost; who asked waits no longer. */
void fleet_answer(struct fleet *f, const char *reply, const char *text);

enum fleet_news_kind {
	FLEET_UP,   /* there is a server; what follows is how it stands */
	FLEET_DOWN, /* err: why, or what is amiss while there is one */
	/*
	 * revision, text, about, node: who wrote it. revision 0: the fleet has no
	 * policy.
	 */
	FLEET_POLICY,
	FLEET_PROPOSED, /* token; revision, or err: ESTALE, ETIMEDOUT, EACCES */
	/*
	 * node, key, text; NULL: it is told of no more; at_us: when, since 1970, by a
	 * server's clock, but of FLEET_INVENTORY by ours. Of FLEET_LEARNED and
	 * FLEET_REJECTED the text is packed still.
	 */
	FLEET_NODE,
	/*
	 * What was learned has a bucket, which has nothing of this node: it is to
	 * tell. may: to read others', too. Or err: EACCES.
	 */
	FLEET_LEARNING,
	FLEET_HEARD,	 /* token; may: there is more; err */
	FLEET_STATES,	 /* token, err */
	FLEET_SENT,	 /* token, err: E2BIG: it does not fit a message */
	FLEET_LAST,	 /* token, text, err */
	FLEET_FORGOTTEN, /* token, err */
	FLEET_ASKED,	 /* text, reply */
	FLEET_ANSWERED,	 /* token, text, or err: EHOSTUNREACH */
	/* token; revision: the message that is next, 0: none; err: EACCES, EIO */
	FLEET_READ,
};

struct fleet_news {
	enum fleet_news_kind kind;
	uint64_t token, revision, at_us;
	enum fleet_key key;
	char node[FLEET_NAME_MAX];
	char *text; /* the receiver's, as about and reply; may be NULL */
	size_t len;
	json_t *about;
	char *reply;
	bool may;
	struct err err;
};

/* false: none at the moment. */
bool fleet_next(struct fleet *f, struct fleet_news *ret);
void fleet_news_done(struct fleet_news *n);
