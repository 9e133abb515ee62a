/*
 * A member of a fleet, for the files of it: member.c has the policy and what is told
 * of this node, member_states.c how the others are, member_ask.c the questions,
 * member_send.c what was recorded.
 */
#pragma once

#include "agent/member.h"
#include "fleet/fleet.h"

/* So often each says how it is; who did not for three of them is silent. */
#define MEMBER_BEAT_S 15ULL

/* A change that is on its way, or a question. */
struct waiting {
	struct waiting *next;
	uint64_t token, work;
	bool is_change, wait, of_states;
	uint64_t revision; /* of a change that is stored; 0: not yet */
};

struct asked;
struct member_reading;
struct member_learn;
struct sending;

struct member {
	struct fleet *fleet;
	struct loop_fd *loop_fd;
	bool up,
		heard; /* heard: what the fleet's policy is, or that it has none */
	uint64_t since_s;
	struct err why;	    /* not up */
	uint64_t revision;  /* of the fleet's policy; 0: none */
	uint64_t number;    /* with which it is in force here; 0: refused */
	struct err refused; /* why */
	uint64_t last_token;
	struct waiting *waiting;
	unsigned n_waiting;
	struct loop_timer inventory, state, beat, save;
	bool saved;		 /* once since the start */
	uint64_t inventory_told; /* hash of what was told last */
	char *state_told;	 /* owned; NULL: nothing yet */
	/* Which revision came into force here last, and when, since 1970. */
	uint64_t in_force_of, in_force_us;
	struct asked *asked; /* questions of others that are being answered */
	unsigned n_asked, n_reading;
	struct sending *sending;
	struct member_reading *reading; /* of streams, under way; owned */
	uint64_t keys;	    /* hash of servers and files that are used */
	int64_t cert_end_s; /* of ours, as it is used; 0: none, or not known */
	struct member_learn *learn;
};

/* Who waits for that; taken out of the list, the caller's. NULL: nobody. */
struct waiting *member_waiting_take(struct member *m, uint64_t token);
/* NULL: FLEET_WAITING_MAX, or no memory. */
struct waiting *member_waiting_add(struct agent *a, struct err *reterr);

/* --- member_keys.c: who we are to the servers -------------------------------- */

/* Texts in it are the configuration's. */
void member_spec(const struct agent *a, struct fleet_spec *ret);
/* What is in the files now is what is used. */
void member_keys_look(struct agent *a);

/* --- member_states.c: how the fleet is ---------------------------------------- */

/* FLEET_STATES. */
void member_states_read(struct agent *a, const struct fleet_news *n);
/* Who waits is told what is known. */
void member_states_down(struct agent *a);

/* --- member_ask.c ------------------------------------------------------------ */

void member_asked(struct agent *a, struct fleet_news *n);
void member_answered(struct agent *a, const struct fleet_news *n);
void member_ask_stop(struct agent *a);

/* --- member_send.c ------------------------------------------------------------- */

int member_send_start(struct agent *a, struct err *reterr);
void member_send_stop(struct agent *a);
/* There is a server again. */
void member_send_up(struct agent *a);
/* FLEET_SENT, FLEET_LAST */
void member_sent(struct agent *a, const struct fleet_news *n);
/* {"events": {...}, "flows": {...}}: how far. */
json_t *member_send_json(const struct agent *a);

/* --- member_read.c ------------------------------------------------------------- */

/* FLEET_READ */
void member_was_read(struct agent *a, const struct fleet_news *n);
/* After fleet_free(). */
void member_read_stop(struct agent *a);

/* --- member_learn.c ------------------------------------------------------------- */

int member_learn_start(struct agent *a, struct err *reterr);
void member_learn_stop(struct agent *a);
/* FLEET_LEARNING, FLEET_HEARD, FLEET_DOWN */
void member_learning(struct agent *a, const struct fleet_news *n);
void member_heard(struct agent *a, const struct fleet_news *n);
void member_learn_down(struct agent *a);
/* FLEET_NODE, of FLEET_LEARNED or FLEET_REJECTED; may take its text. */
void member_learn_node(struct agent *a, struct fleet_news *n);
/* {"reads", "told", "untold", "text"?} */
json_t *member_learn_json(const struct agent *a);
