/*
 * The table of conversations: find, make, follow, age.
 *
 * A flow is keyed from the workload's point of view - (endpoint, own address
 * and port, peer's address and port, protocol, VLANs, tunnel) - so both
 * directions have the same key and one lookup finds it; who opened it is a
 * field. A flow between two guarded workloads is two flows, each judged by its
 * own side.
 * ICMP echo and its kin use the asker's id as the asker's port and
 * (request type << 8 | code) as the other's (reference 4); other ICMP messages
 * count as asked by their sender.
 *
 * Memory: one pool of fixed size, touched only when used; a hash of 32-bit
 * indexes; one FIFO list for each time-out class, because within a class the
 * least recently seen flow always expires first. So making, touching, ending
 * and ageing are O(1), and nothing is allocated after flow_table_new().
 *
 * One thread owns a table. Time is an argument.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/image.h"
#include "flow/told.h"
#include "packet/packet.h"

/* No padding: hashed and compared as bytes. */
struct flow_key {
	struct ip_addr own, peer;
	uint16_t own_port, peer_port;
	uint32_t vlans;
	uint16_t endpoint;
	uint8_t proto;
	uint8_t opener_own : 1; /* ICMP only: the workload asked; else 0 */
	uint8_t tunnel : 7;	/* enum tunnel_kind; 0: in no tunnel */
	uint32_t tunnel_id;
};
_Static_assert(sizeof(struct flow_key) == 48, "no padding");

/*
 * TCP state of one side, Linux's numbers, as the reference reports them
 * (1.9): what that side would call its own socket.
 */
enum tcp_state {
	TCP_S_NONE = 0,
	TCP_S_ESTABLISHED = 1,
	TCP_S_SYN_SENT = 2,
	TCP_S_SYN_RECV = 3,
	TCP_S_FIN_WAIT1 = 4,
	TCP_S_FIN_WAIT2 = 5,
	TCP_S_TIME_WAIT = 6,
	TCP_S_CLOSE = 7,
	TCP_S_CLOSE_WAIT = 8,
	TCP_S_LAST_ACK = 9,
	TCP_S_LISTEN = 10,
	TCP_S_CLOSING = 11,
};

/*
 * Idle time-outs, reference 4. A flow is in exactly one class. One picked up
 * mid-stream counts as opening until both sides were heard, so that lone ACKs
 * do not fill the table for 20 minutes.
 */
enum flow_class {
	FLOW_CLASS_TCP_OPENING,	    /* 20 s: not established */
	FLOW_CLASS_TCP_ESTABLISHED, /* 1200 s */
	FLOW_CLASS_TCP_HALF_CLOSED, /* 90 s: FIN of one side acknowledged */
	FLOW_CLASS_TCP_CLOSED,	    /* 15 s: both FINs, or RST */
	FLOW_CLASS_TCP_CUT,	    /* 60 s: flow_cut() */
	FLOW_CLASS_UDP,		    /* 30 s */
	FLOW_CLASS_ICMP,	    /* 5 s */
	FLOW_CLASS_OTHER,	    /* 15 s */
	FLOW_CLASS__MAX
};

/* Which side of the flow a frame comes from. */
enum flow_side { FLOW_CLIENT, FLOW_SERVER, FLOW_SIDE__MAX };

struct flow_side_state {
	uint64_t packets; /* frames as seen (a GSO frame counts once) */
	uint64_t bytes;	  /* L4 payload */
	/* TCP; theory in flow/tcp.c. */
	uint32_t isn;	     /* initial sequence number, if has_isn */
	uint32_t next_seq;   /* highest sequence sent + 1, if has_seq */
	uint32_t acked;	     /* highest acknowledgement sent, if acked_any */
	uint32_t edge;	     /* highest acknowledgement + window, likewise */
	uint32_t fin_seq;    /* sequence of its FIN, if fin_seen */
	uint8_t state;	     /* enum tcp_state */
	uint8_t wscale;	     /* from its SYN; 0 when unknown or not offered */
	bool has_wscale : 1; /* its SYN offered to scale */
	bool heard : 1;	     /* it sent something believable */
	bool syn_seen : 1;   /* isn and wscale are from its own SYN */
	bool has_isn : 1;    /* or at least told by the other's ACK */
	bool has_seq : 1;
	bool acked_any : 1;
	bool syn_acked : 1;   /* its SYN was acknowledged; or mid-stream */
	bool fin_seen : 1;    /* it sent a FIN */
	bool fin_acked : 1;   /* that was acknowledged */
	bool fin_passive : 1; /* it had acknowledged the other's FIN before */
	bool reset : 1;	      /* a RST was believed; both sides have it */
	bool narrow : 1;      /* its latest window has room for nothing */
	bool narrow_timed : 1; /* inspect/guard.c: flow.narrow_ms is since when */
	uint8_t widest; /* its window's at most; KiB, 255: that or more */

	struct mac mac; /* as last seen */
};

/* What the pipeline decided; flow stores it, inspect writes it. */
struct flow_verdict {
	uint32_t snapshot_version; /* judged under this; 0 = not judged */
	uint32_t rule_id;	   /* 0 = implicit */
	uint8_t action;		   /* enum policy_action */
	uint8_t reason;		   /* enum reason */
	uint16_t flags;		   /* enum policy_flag */
	bool blocked;		   /* denied after it was made: drop all */
	bool by_request; /* what it asks next may be judged otherwise */
	uint16_t name;	 /* by which a rule knew the peer; 0: by its address */
};

/* Is it known which application it is? */
enum flow_app_state {
	FLOW_APP_OPEN,	/* not yet, or it may become another */
	FLOW_APP_KNOWN, /* for certain */
	FLOW_APP_NEVER, /* it is not to be found out */
};

/*
 * A SYN that an existing flow makes unbelievable. If its receiver agrees to it
 * all the same, then that one has lost the flow, and we follow.
 */
struct flow_challenge {
	uint32_t isn, next_seq;
	uint8_t wscale;
	bool has_wscale;
	bool pending;
	uint8_t side; /* enum flow_side of its sender */
};

/* What was asked last, and how often in a row the answer was another. */
struct flow_echo {
	uint32_t asked; /* a hash of its payload */
	uint16_t seq;
	uint8_t differed;
	bool pending; /* it was not answered yet */
};

struct flow {
	struct flow_key key;
	/* The table's own. */
	uint32_t hash, next_in_bucket, older, newer;

	uint32_t id; /* a counter (flow_table_number()); repeats after 2^32 */
	bool client_is_own : 1; /* the workload opened it (egress flow) */
	bool midstream : 1;	/* picked up without having seen its start */
	bool tap : 1;		/* made while its workload was tapped */
	bool split : 1;	      /* the server sent a SYN to the SYN; flow/tcp.c */
	bool split_noted : 1; /* inspect/guard.c: that was told */
	bool silent : 1;   /* established, the client is waited for: flow.c */
	bool waited : 1;   /* flow_next_silent() has told of it */
	bool cut : 1;	   /* by flow_cut() */
	bool unheard : 1;  /* inspect/payload.c: there was no place for it */
	uint8_t class : 4; /* enum flow_class */
	uint8_t app_state : 2;	      /* enum flow_app_state */
	bool in_session : 1;	      /* inspect/session.c has begun with it */
	uint8_t icmp_type, icmp_code; /* of the request */
	uint32_t cached; /* inspect/cache.c: its slot + 1; zero in a new one */
	union {
		uint32_t silent_ms; /* when `silent` began, modulo 2^32 */
		uint32_t narrow_ms; /* inspect/guard.c, while neither is */
		uint32_t cut_id; /* `cut`: threat, signature, sensor it was */
	};
	usec_t first_seen, last_seen;
	struct flow_side_state side[FLOW_SIDE__MAX];
	union {
		struct flow_challenge challenge; /* TCP */
		struct flow_echo echo;		 /* ICMP; inspect/guard.c */
	};
	struct flow_verdict verdict;
	/* inspect/payload.c: ids of wire/app.h; zero in a new flow. */
	uint16_t app;	  /* base protocol, or a product's own; 0: unknown */
	uint16_t product; /* more closely what it is; 0: app says all */
	/* What others keep with it; zero in a new flow. */
	struct flow_told told; /* inspect/report.c */
	uint32_t meter_ticket; /* detect/meter.h */
	uint16_t threat;       /* the worst met, an id of detect/threat.h */
	uint8_t severity;      /* its */
	uint8_t cut_why; /* enum reason: what flow_cut() was for; 0: policy */
	uint32_t talk;	 /* inspect/payload.c: what it says */
	uint32_t name_birth; /* inspect/names.c: of verdict.name */
};
/* A million of them are to fit in 600 MB with all that belongs to them. */
_Static_assert(sizeof(struct flow) <= 256, "flows are many");

struct flow_counts {
	uint32_t total, tcp, udp, icmp, other;
	uint32_t limit;
	uint64_t made, made_tcp, made_udp, made_icmp, made_other;
	uint64_t expired;
	uint64_t refused_full; /* not made because the table was full */
};

struct flow_table;

/*
 * limit: FLOWS_MIN..FLOWS_MAX flows. seed: random, keeps an outsider from
 * choosing colliding keys. NULL: out of memory. Owned by the caller.
 */
struct flow_table *flow_table_new(uint32_t limit, uint64_t seed);
/* What it takes when all of it is used. */
size_t flow_table_bytes(uint32_t limit);
void flow_table_free(struct flow_table *t);
/*
 * Before the first flow: ids are `first` (1..step), first + step and so on, so
 * that `step` tables have none in common. Without, first and step are 1.
 */
void flow_table_number(struct flow_table *t, uint32_t first, uint32_t step);

/*
 * The key of packet p (PACKET_OK, no fragment) that goes
 * to (ingress) or from the workload `endpoint`.
 */
struct flow_key flow_key_of(const struct packet *p, uint16_t endpoint,
			    bool ingress);
/*
 * The key of the flow that p's ICMP quote (has_quote) speaks of. p goes to
 * (ingress) or from the workload; a quoted packet travelled the other way.
 */
struct flow_key flow_key_of_quote(const struct packet *p, uint16_t endpoint,
				  bool ingress);

/* NULL: no such flow. Does not touch. Borrowed until it expires or is ended. */
struct flow *flow_find(struct flow_table *t, const struct flow_key *key);

/*
 * How a new flow for p would be oriented: true when the workload is the
 * client. TCP with SYN by its ACK, without by the lower port, which is the
 * server's; UDP by the servers' ports 53, 67 and 5353 (reference 4); ICMP
 * requests and replies by what they are; otherwise the sender is the client.
 * *ret_midstream (may be NULL) is set for TCP without SYN, else cleared.
 */
bool flow_opener_is_own(const struct packet *p, bool ingress,
			bool *ret_midstream);

/*
 * Does p tell by itself who opened? Not TCP without SYN, nor UDP but for the
 * servers' ports; of these flow_opener_is_own() guesses, and who knows better
 * may say so.
 */
bool flow_opener_is_told(const struct packet *p);

/*
 * A new flow for p, which is its first packet; p is not yet followed (call
 * flow_follow next). A full table first ends what has expired; NULL: still
 * full (counted). The key must not be in the table.
 */
struct flow *flow_make(struct flow_table *t, const struct flow_key *key,
		       const struct packet *p, bool client_is_own,
		       bool midstream, usec_t now);

/* What a packet was in its flow's life. */
enum flow_step {
	FLOW_STEP_OK,	      /* belongs to the flow; state moved on */
	FLOW_STEP_RETRANSMIT, /* nothing new in it: all was acknowledged */
	/* TCP: no receiver would believe it. Counted, but state and time-out
	 * are as if it had never come. */
	FLOW_STEP_OUT_OF_WINDOW,
	/* A new connection took the flow over: all is as after flow_make()
	 * and flow_follow(), under a new id. The sides may have changed
	 * places: ask flow_sender() again. */
	FLOW_STEP_REOPENED,
	FLOW_STEP__MAX
};

/*
 * Moves the flow's state on by p, counts it, touches its time-out. A RST is
 * believed only inside the window (RFC 5961 3.2). `side` tells who sent p.
 */
enum flow_step flow_follow(struct flow_table *t, struct flow *f,
			   const struct packet *p, enum flow_side side,
			   usec_t now);

static inline uint16_t flow_ethertype(const struct flow *f)
{
	return ip_is_v4(f->key.own) ? ETHERTYPE_IP4 : ETHERTYPE_IP6;
}

/* What one side has sent that was carried without being shown here. */
struct flow_carried {
	uint64_t packets, bytes; /* as in flow_side_state; since last told */
	uint32_t seq;		 /* TCP: highest sent + 1 */
	uint32_t ack, window;	 /* TCP: of its last segment, not scaled */
};

/*
 * f goes on as if it had been followed: counted, touched, and TCP's numbers move
 * on. What was not shown is believed, window or not.
 */
void flow_carried(struct flow_table *t, struct flow *f,
		  const struct flow_carried by_side[static FLOW_SIDE__MAX],
		  usec_t last_seen);

/* Who sent a packet that goes to (ingress) or from the workload of f. */
static inline enum flow_side flow_sender(const struct flow *f, bool ingress)
{
	return f->client_is_own == ingress ? FLOW_SERVER : FLOW_CLIENT;
}

/*
 * Tells of every flow just before it ends, in whatever way. fn must not touch
 * the table. NULL: nobody.
 */
void flow_table_on_end(struct flow_table *t,
		       void (*fn)(void *arg, struct flow *f), void *arg);

/* Ends one flow now. f is gone afterwards. */
void flow_end(struct flow_table *t, struct flow *f);

/* Which flows a sweep ends: all, or those with that id, of that endpoint. */
struct flow_pick {
	enum { FLOW_PICK_ALL, FLOW_PICK_ID, FLOW_PICK_ENDPOINT } by;
	uint32_t value;
};

/*
 * Ends the picked ones of the next FLOWS_PER_SWEEP places of the table from
 * *cursor (0 at first) on, and adds their number to *ended. Returns true while
 * there are more places. What is made behind the cursor is not met.
 */
bool flow_sweep(struct flow_table *t, struct flow_pick pick, uint32_t *cursor,
		uint32_t *ended);

/*
 * Ends at most `most` flows that are idle for as long as their class allows.
 * Call it between batches; returns how many.
 */
uint32_t flow_expire(struct flow_table *t, usec_t now, uint32_t most);

/*
 * The next TCP flow whose start was seen, that has been established for
 * FLOW_SILENT_S, and whose client has sent no byte since (nor begun to close);
 * told of once. NULL: none is due. Call it between batches until then.
 */
struct flow *flow_next_silent(struct flow_table *t, usec_t now);

/*
 * A TCP flow is over as if both ends had been reset, which is the caller's
 * business, as is to let nothing of it pass while it stays (f->cut). A SYN opens
 * another connection in its place.
 */
void flow_cut(struct flow_table *t, struct flow *f, usec_t now);

/* Seconds f has still to live when nothing more comes, rounded up. */
uint32_t flow_life_s(const struct flow *f, usec_t now);

/* What lies at that place: a cursor that flow_next() has left. */
struct flow *flow_at(struct flow_table *t, uint32_t place);
/*
 * Walks the table: *cursor starts at 0; returns the next flow at or after it
 * and moves it on, NULL at the end. Safe against flows that come and go
 * between two calls (they may or may not be met, none is met twice).
 */
struct flow *flow_next(struct flow_table *t, uint32_t *cursor);

struct flow_counts flow_counts(const struct flow_table *t);

/* Places that have been used; memory of so many is there from now on. */
uint32_t flow_table_used(const struct flow_table *t);
void flow_table_touch(struct flow_table *t, uint32_t n);
/* All flows, for another process that goes on with them (base/image.h). */
void flow_table_save(const struct flow_table *t, struct image_writer *w);
/*
 * Into one that had no flow yet, with the same limit and numbering: all are at
 * their places and in their order, and ids and counts go on. What others keep
 * with a flow is theirs to check. false: they are not there, or cannot be these;
 * *t is as it was.
 */
bool flow_table_load(struct flow_table *t, const struct image_reader *r);

/* "tcp-established", ...; seconds of a class. */
const char *flow_class_name(enum flow_class c);
uint32_t flow_class_timeout_s(enum flow_class c);
/* "ESTABLISHED", ...; "?" for a number outside the enum. */
const char *tcp_state_name(uint8_t state);
