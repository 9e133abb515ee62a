/*
 * One workload's rules, compiled: immutable, read by workers, made and freed
 * by the control thread.
 *
 * Rules speak of connections, not packets: sip is the client, dip and port the
 * server, `ingress` says that the workload is the server. The first rule that
 * matches decides; none: the default action.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "wire/ctrl.h"
#include "wire/reason.h"
#include "wire/words.h"

struct policy;

struct policy_spec {
	struct rule_spec *rules; /* from malloc(); each with what it owns */
	size_t n_rules;		 /* 0..POLICY_RULES_MAX */
	uint8_t defact;		 /* enum policy_action */
	uint8_t dir;		 /* POLICY_DIR_* */
	bool ipv6;		 /* IPv6 is judged; else open */
	bool reject;		 /* a default denial is answered */
	bool icmp_enforced;	 /* ctrl_enable_icmp_policy, at load time */
};

/* A connection to be judged; or its first packet. */
struct policy_query {
	struct ip_addr client, server;
	uint16_t server_port; /* ICMP: request type << 8 | code; else 0 */
	uint8_t proto;
	bool ingress;	    /* the workload is the server */
	bool peer_external; /* the peer is no internal address */
	bool icmp_enforced; /* ctrl_enable_icmp_policy */
};

struct judgement {
	uint32_t rule_id; /* 0: implicit */
	uint16_t flags;	  /* SESSION_* that follow from the judgement */
	uint8_t action;	  /* enum policy_action */
	uint8_t reason;	  /* enum reason */
	bool reject;	  /* a denial is to be answered */
	/*
	 * The denial is implicit and about an address whose policy may still
	 * be under way (reference 5.5): so many times 60 s of grace; else 0.
	 */
	uint8_t grace_retries;
};

/*
 * Takes spec->rules, also when it fails. NULL and *reterr (ENOMEM) on failure.
 * Count 1; policy_put() by the caller.
 */
struct policy *policy_compile(const struct policy_spec *spec,
			      struct err *reterr);
/* The count belongs to the control thread alone; NULL is accepted. */
struct policy *policy_get(struct policy *p);
void policy_put(struct policy *p);

/* First match over the rules, then ICMP's hidden rule, then the default. */
struct judgement policy_match(const struct policy *p,
			      const struct policy_query *q);

/* What it was made from; borrowed while the policy lives. */
const struct policy_spec *policy_spec_of(const struct policy *p);
