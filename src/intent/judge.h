/*
 * What would be done about connections, by the words and the index that the
 * data plane judges by (policy/policy.h): what intent_compile() makes is parsed
 * and compiled as the data plane does it, once, and then asked often.
 */
#pragma once

#include "intent/intent.h"

#define INTENT_NOBODY SIZE_MAX

/* A connection that was, or that somebody asks about. */
struct intent_connection {
	size_t client, server; /* index in the world; INTENT_NOBODY */
	struct ip_addr client_addr, server_addr;
	uint16_t port; /* ICMP: type << 8 | code */
	uint8_t proto;
	uint32_t app;	  /* POLICY_APP_*, wire/app.h; 0: not known yet */
	const char *name; /* DNS name of an external server; NULL */
};

struct intent_verdict {
	uint8_t action;	  /* enum policy_action (wire/words.h) */
	uint32_t rule_id; /* 0: by mode */
	bool reject;	  /* a denial is answered */
	bool client_side; /* whose end decided, the stricter one */
	bool judged;	  /* false: neither end is a workload */
};

struct intent_judge;

/* Needs neither i nor world afterwards. NULL and *reterr on failure. */
struct intent_judge *intent_judge_new(const struct intent *i,
				      const struct intent_world *world,
				      uint64_t now, struct err *reterr);
void intent_judge_free(struct intent_judge *j); /* NULL is accepted */

/*
 * The stricter of both ends' judgements; at an end that is nobody's, nothing is
 * judged. Each workload counts as diverted.
 */
struct intent_verdict intent_judge_ask(const struct intent_judge *j,
				       const struct intent_connection *c);
/* One end alone; not judged where that is nobody. */
struct intent_verdict intent_judge_end(const struct intent_judge *j,
				       const struct intent_connection *c,
				       bool client_side);
