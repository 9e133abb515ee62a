/*
 * A node's part in a fleet, for the files of this folder.
 *
 * Threads: the owner's (fleet.c's calls), ours (orders.c), and the library's, which
 * call what link.c and watch.c hand it. `lock` is over what they share; policy_lock
 * over the version alone, which is written and read in one go.
 *
 * Up is: connected, and streams are there and listened to. What has to be done again
 * to be up (a server that went, a message that is missing) sets `again`.
 */
#pragma once

#include <nats/nats.h>
#include <pthread.h>

#include "base/clock.h"
#include "base/mailbox.h"
#include "fleet/ahead.h"
#include "fleet/fleet.h"
#include "fleet/names.h"
#include "fleet/version.h"

/* How long a server's answer is waited for, and a proposal's in all. */
#define FLEET_ANSWER_MS	 3000
#define FLEET_PROPOSE_MS 10000
#define FLEET_AGAIN_MS	 500
/* News of what is stored are waited for so long, then it is asked for. */
#define FLEET_HEAR_MS 1000
/* So often it is asked whether something was missed. */
#define FLEET_LOOK_MS 5000
/* ... and each so many times, the streams' leaders. */
#define FLEET_LOOKS_OF_LEADER 6
/* ... and so often while something is known to be missing, or no news come. */
#define FLEET_MISSED_MS 1000
/* A copy that has been behind for so long is not waited for any more. */
#define FLEET_BEHIND_MS 4000

/*
 * Who has less of a stream than was heard is believed after so long: a leader that is cut
 * off notices after 10 s, which it looks at each 10 s (raft.go of nats-server).
 */
#define FLEET_LESS_MS 30000

enum order_kind {
	ORDER_PROPOSE,
	ORDER_SEND,
	ORDER_LAST,
	ORDER_FORGET,
	ORDER_STATES,
	ORDER_LEARNED,
	ORDER_ASK,
	ORDER_ANSWER,
	ORDER_READ,
};

struct reading; /* read.c */

struct order {
	struct order *next;
	enum order_kind kind;
	enum fleet_stream stream;
	uint64_t token, base;
	char node[FLEET_NAME_MAX];
	char *reply, *bytes; /* owned */
	size_t len;
	json_t *about;		 /* owned */
	struct reading *reading; /* owned */
};

/* A subscription of the library's; its thread may still be in our function. */
struct listening {
	struct listening *next;
	struct fleet *fleet;
	natsSubscription *sub; /* NULL: there is none */
	bool over;	       /* the library does not call any more */
};

/* How far a stream is, by its leader. */
struct stream_state {
	int64_t created;
	uint64_t first, last, n;
};

/* A copy that lacks what there is behind `after`, since then. */
struct behind {
	bool is;
	uint64_t after;
	usec_t since;
};

struct fleet {
	char *name, *node; /* owned */
	unsigned replicas;
	bool has_thread;
	struct fleet_spec spec; /* its numbers only */
	natsOptions *options;
	natsConnection *nc;
	jsCtx *js;
	struct mailbox news; /* of struct fleet_news */
	pthread_t thread;

	pthread_mutex_t lock; /* over what follows, up to the next lock */
	pthread_cond_t wake;
	bool ending, connected, again, up;
	bool told_up; /* the last of FLEET_UP and FLEET_DOWN was the former */
	bool amiss; /* what was heard cannot be taken; before it is heard again */
	bool missed; /* something that was stored has not come */
	bool closed; /* the library's last word of nc, or there is none */
	natsOptions *next_options; /* owned; NULL: go on with those there are */
	/* learned.c: there is the bucket, and it may be read */
	bool learned_there, learned_reads;
	struct order *first, **last;
	unsigned n_orders;
	char *tell[FLEET_KEY__MAX]; /* packed, owned; NULL: nothing is due */
	size_t tell_len[FLEET_KEY__MAX];
	uint64_t tell_number[FLEET_KEY__MAX], last_number;
	struct listening *listening; /* all; owned */
	size_t n_heard;		     /* subjects that are listened to */
	uint64_t denials,
		learned_denials;   /* the latter: what learned.c tries */
	char denied[ERR_TEXT_MAX]; /* the last */
	char said[ERR_TEXT_MAX];   /* why it is not up, as it was told last */

	/*
	 * Over what is heard of both buckets, each message in its turn: `heard` are
	 * their last sequences. Held while it is told, so it is told in order.
	 */
	pthread_mutex_t hear_lock;
	uint64_t heard[STREAM__MAX];
	struct ahead ahead[STREAM_NODES + 1];
	/* The last one that was found by looking, until news come of it or a later; 0: none. */
	uint64_t found[STREAM_NODES + 1];
	int64_t created[STREAM__MAX]; /* of the streams; 0: not known */

	/* Of fleet_counts(): under hear_lock one may wait for who asks. */
	_Atomic uint64_t n_found, n_no_room;

	pthread_mutex_t policy_lock; /* over what follows; behind hear_lock */
	pthread_cond_t policy_heard;
	struct version version;
	json_t *about; /* of the version; owned */
	struct version_start start;
	uint64_t told; /* revision of the last FLEET_POLICY */
	/* All that is kept was heard since it was last begun with. */
	bool is_whole;
	/* What became of what has proposing_id, when it was heard. */
	char proposing_id[2 * FLEET_NAME_MAX];
	uint64_t proposed; /* its revision */
	bool is_void;	   /* ... which does not count */

	/* Our thread's; what FLEET_LEARNING has told. */
	bool learned_told_reads, learned_told_denied;
	bool sees_less;		      /* of a stream than was heard */
	bool looking;		      /* for what no news have told */
	unsigned looks, learned_skip; /* the latter: so many of the former */
	int64_t learned_told; /* of the bucket that was created then; 0: none */
	struct stream_state there[STREAM__MAX];
	struct behind behind[STREAM__MAX];
	usec_t less_since; /* it sees_less */
	uint64_t sent
		[STREAM__MAX]; /* number there of our last batch; 0: not known */
};

/* Takes what n owns; waits while there is no room for it. Any thread. */
void fleet_news_put(struct fleet *f, struct fleet_news *n);

/* --- link.c: the connection ------------------------------------------------ */

int link_open(struct fleet *f, const struct fleet_spec *spec,
	      struct err *reterr);
/* Later: with those servers and files. Any thread. */
int link_change(struct fleet *f, const struct fleet_spec *spec,
		struct err *reterr);
/*
 * Anew: with what link_change() was told; or after the library has given the connection
 * up: it does, when a server goes while it connects, although it is told to go on. Our
 * thread.
 */
int link_reopen(struct fleet *f, struct err *reterr);
/* When it returns the library calls nothing any more. */
void link_close(struct fleet *f);
/* Everything is to be listened to anew. Any thread. */
void link_again(struct fleet *f);
/* The same in a while, when a FLEET_DOWN has told what is amiss: until then it is not up. */
void link_amiss(struct fleet *f);
/* Something was stored that did not come: it is to be asked for. Any thread. */
void link_missed(struct fleet *f);
/* How often something was not permitted; the text of the last goes to buf. */
uint64_t link_denials(struct fleet *f, char *buf, size_t size);

/* --- streams.c ---------------------------------------------------------------- */

/* Makes those that are missing, as far as it may; but STREAM_LEARNED. Our thread. */
int streams_find(struct fleet *f, struct stream_state ret[static STREAM__MAX],
		 struct err *reterr);

/* One; makes: if it is missing, else that is -ENOENT. Our thread. */
int streams_find_one(struct fleet *f, enum stream s, bool makes,
		     struct stream_state *ret, struct err *reterr);

/* --- learned.c: what was learned, all by our thread ---------------------------- */

/* Is the bucket there? To be asked when it is up; and then, until it is, now and then. */
void learned_find(struct fleet *f);
void learned_find_again(struct fleet *f);
/* An order's: reads on, and tells. */
void learned_read(struct fleet *f, const struct order *o);
/* Is that of a denial that keeps nothing but this from working? Any thread. */
bool learned_is_denied(const struct fleet *f, const char *text);

/* --- watch.c: what is heard ------------------------------------------------------ */

/* Listens, and catches up from what is known on. Our thread. */
int watch_begin(struct fleet *f, struct err *reterr);
/*
 * Asks for what is not known of both buckets; missed: as news have told of it; of_leader: how
 * far they are, too. 1: something is known to be missing still, or no news come; -ESTALE: one
 * was made anew. Our thread.
 */
int watch_look(struct fleet *f, bool missed, bool of_leader,
	       struct err *reterr);
/* It is stored there up to seq: asks for what is not known. Our thread. */
int watch_stored(struct fleet *f, enum stream s, uint64_t seq,
		 struct err *reterr);
/* A header of it that is a number; 0: there is none. */
uint64_t watch_number_of(natsMsg *m, const char *header);
/* Of a message of a stream: when it was stored, us since 1970; 0: not known. */
uint64_t watch_time_of(natsMsg *m);
/* One more of STREAM_STATES: 1; 0: there is none. Our thread. */
int watch_state(struct fleet *f, struct err *reterr);
/* One more of STREAM_LEARNED: 1; 0: there is none. Our thread. */
int watch_learned(struct fleet *f, struct err *reterr);
/* From the beginning of the bucket, if it is another, or anyway. */
void watch_learned_from(struct fleet *f, const struct stream_state *now,
			bool anyway);
/* The library's, for news of the buckets; closure: a struct listening. Takes m. */
void watch_on_news(natsConnection *nc, natsSubscription *sub, natsMsg *m,
		   void *closure);

/* --- listen.c: what is listened to; all by our thread ------------------------------ */

/* All that is not listened to yet. */
int listen_begin(struct fleet *f, struct err *reterr);
/* All of it anew; of what is said at that moment news may be missed. */
int listen_anew(struct fleet *f, struct err *reterr);
/* The library is told; it may still be in our functions. */
void listen_no_more(struct fleet *f);
/* The connection is closed, or no more is listened to: waits until they are out of them. */
void listen_end(struct fleet *f);

/* --- orders.c: our thread ---------------------------------------------------------- */

/* Takes o. -ENOTCONN, -EAGAIN; also if `always`, when it is cut off. */
int order_put(struct fleet *f, struct order *o, struct err *reterr);
void order_free(struct order *o);
void *orders_run(void *fleet);
/* Takes o, which is not done yet, to the end of what is ordered. */
void order_again(struct fleet *f, struct order *o);
/* Waits so long, or until something happens; false: it is to end. */
bool fleet_pause(struct fleet *f, unsigned ms);
/* That time from now, for pthread_cond_timedwait(). */
struct timespec fleet_in_ms(unsigned ms);

/* --- propose.c ------------------------------------------------------------------------ */

void fleet_do_propose(struct fleet *f, const struct order *o);

/* --- read.c --------------------------------------------------------------------------- */

/* Some messages more; true: it is to be called again. */
bool fleet_do_read(struct fleet *f, struct order *o);
/* Cut off: what was ordered to be read is not. */
void fleet_fail_reads(struct fleet *f, const struct err *why);
