/*
 * One workload's rules, compiled: immutable, read by workers, made and freed
 * by the control thread.
 *
 * Rules speak of connections, not packets: sip is the client, dip and port the
 * server, `ingress` says that the workload is the server. The first rule that
 * matches decides; none: the default action.
 *
 * Names of hosts are numbered 1..policy_n_names() within one policy; the
 * snapshot translates to them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "policy/sets.h"
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
	/* Judged by its rules alone, whoever speaks; see snapshot_judge() */
	bool whole;
	struct rules_hash hash; /* of all above; all 0: not known */
	/* For "set:NAME" in rules; borrowed for the call. NULL: there are none */
	const struct addr_sets *sets;
};

/* A connection to be judged; or its first packet. */
struct policy_query {
	struct ip_addr client, server;
	uint16_t server_port; /* ICMP: request type << 8 | code; else 0 */
	uint8_t proto;
	bool ingress;	    /* the workload is the server */
	bool peer_external; /* the peer is no internal address */
	bool icmp_enforced; /* ctrl_enable_icmp_policy */
	bool unanswered;    /* which may yet tell what kind it is of */
	unsigned n_names;   /* 0..NAMES_PER_ADDR_MAX + 1, of names */
	/*
	 * The application, else its base protocol, else
	 * POLICY_APP_UNIDENTIFIED when there is nothing more to be found out;
	 * POLICY_APP_UNKNOWN_YET (0) until then.
	 */
	uint32_t app;
	/*
	 * What the client called the server (Host, SNI), as it stands there;
	 * "" when it named none or what it said is no text. NULL: not known
	 * yet. Borrowed for the call.
	 */
	const char *vhost;
	/*
	 * What the client asks; request_none: nothing that rules could name,
	 * now or later. NULL: not known yet. Borrowed for the call.
	 */
	const struct request *request;
	/* By which names the peer goes for this workload; borrowed. */
	const uint16_t *names;
};

struct judgement {
	uint32_t rule_id; /* 0: implicit */
	uint16_t flags;	  /* SESSION_* that follow from the judgement */
	uint8_t action;	  /* enum policy_action */
	uint8_t reason;	  /* enum reason */
	bool reject;	  /* a denial is to be answered */
	/* Another request of the same connection may be judged otherwise. */
	bool by_request;
	/* The peer's name by which the rule matched; 0: by its address. */
	uint16_t name;
	/*
	 * The denial is implicit and about an address whose policy may still
	 * be under way (reference 5.5): so many times 60 s of grace; else 0.
	 */
	uint8_t grace_retries;
};

/*
 * Takes spec->rules, also when it fails. NULL and *reterr on failure: ENOMEM,
 * ENOENT (no such set), E2BIG (MATCH_BOXES_MAX). Count 1; policy_put() by the
 * caller.
 */
struct policy *policy_compile(const struct policy_spec *spec,
			      struct err *reterr);
/* The same rules with other sets; as policy_compile(). */
struct policy *policy_with_sets(const struct policy *p,
				const struct addr_sets *sets,
				struct err *reterr);
/* Would it be the same with other sets? */
bool policy_same_with_sets(const struct policy *p,
			   const struct addr_sets *before,
			   const struct addr_sets *after);
/* Does any rule name a set? */
bool policy_uses_sets(const struct policy *p);
/* The count belongs to the control thread alone; NULL is accepted. */
struct policy *policy_get(struct policy *p);
void policy_put(struct policy *p);

/*
 * First match over the rules, then ICMP's hidden rule, then the default. The
 * names of q are this policy's own numbers.
 */
struct judgement policy_match(const struct policy *p,
			      const struct policy_query *q);

/* Names of hosts that rules speak of, in lower case; borrowed. */
uint16_t policy_n_names(const struct policy *p);
const char *policy_name(const struct policy *p, uint16_t name);

/* An address that rules send along with a name (reference 5.8). */
struct policy_name_addr {
	struct ip_addr addr;
	uint16_t name; /* the policy's number */
};

/* All of them, in any order; borrowed. */
const struct policy_name_addr *policy_name_addrs(const struct policy *p,
						 size_t *ret_n);

/* Does a rule say that this is the workload's own address? */
bool policy_owns_address(const struct policy *p, struct ip_addr a);

/*
 * What it was made from, without the sets; borrowed while the policy lives.
 */
const struct policy_spec *policy_spec_of(const struct policy *p);

/* Memory of the index of its rules. */
size_t policy_index_bytes(const struct policy *p);
