/*
 * What the user wants: groups of workloads, their modes, and ordered rules.
 * Immutable once made, so that one version can be compiled, compared and judged
 * by while the next is made; ends by count.
 *
 * The text form is YAML (docs/policy.md), the stored and spoken form JSON; both
 * say everything, so intent -> YAML -> intent is the same intent.
 *
 *   groups: {name, comment?, mode?, where: [{key, op, value}...]}
 *   rules:  {id, from, to, ports?, applications?, action, comment?, expires?,
 *            disabled?, origin: user | learned | network-policy}
 *   default_mode, for workloads of no group that says one
 *
 * Groups that are always there: "any", "external" (no workload's address),
 * "workloads" (all of them), "node" (this host). Each workload is also of one
 * service group, "SERVICE" or "SERVICE.NAMESPACE" (intent_service_of()), that
 * need not be written down to be used.
 *
 * Mode of a workload: the strictest (protect > monitor > discover) of the
 * groups it is in that say one; else default_mode. Each end of a connection is
 * judged by its own mode.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"

enum intent_mode {
	MODE_DISCOVER, /* what no rule speaks of is allowed, and learned */
	MODE_MONITOR,  /* ... allowed, and told of as a violation */
	MODE_PROTECT,  /* ... denied */
	INTENT_MODE__MAX
};

const char *intent_mode_name(enum intent_mode m);
int intent_mode_parse(const char *name, enum intent_mode *ret,
		      struct err *reterr);

struct intent;

/* No groups, no rules, default_mode discover. NULL: out of memory. */
struct intent *intent_new(void);
struct intent *intent_get(struct intent *i);
void intent_put(struct intent *i); /* NULL is accepted */

/*
 * From YAML: one or several documents, kind Weir policy or Kubernetes
 * NetworkPolicy. All of it is checked; what is wrong is told as "FILE:LINE:COL"
 * in reterr->at. *ret is untouched on failure.
 */
int intent_from_yaml(const char *text, size_t len, const char *file,
		     struct intent **ret, struct err *reterr);
/* The caller frees it. NULL: out of memory. */
char *intent_to_yaml(const struct intent *i);
int intent_from_json(const json_t *o, struct intent **ret, struct err *reterr);
json_t *intent_to_json(const struct intent *i);

/*
 * What differs, as {"groups": {"added": [...], "removed": [...], "changed":
 * [{"from":, "to":}]}, "rules": {the same, and "moved"}, "default_mode": {...}}
 * with only what differs; {} if nothing does.
 */
json_t *intent_diff(const struct intent *from, const struct intent *to);

/*
 * Single changes, each a new intent. `group` and `rule` are objects as in the
 * JSON form; -EINVAL tells the member. after: id of the rule before it, 0 first,
 * -1 last. A rule without id gets the next free one (user < 10000, learned from
 * 10000 on), told in *ret_id.
 */
int intent_with_group(const struct intent *i, const json_t *group,
		      struct intent **ret, struct err *reterr);
int intent_without_group(const struct intent *i, const char *name,
			 struct intent **ret, struct err *reterr);
int intent_with_rule(const struct intent *i, const json_t *rule, int64_t after,
		     struct intent **ret, uint32_t *ret_id, struct err *reterr);
int intent_without_rule(const struct intent *i, uint32_t id,
			struct intent **ret, struct err *reterr);
/* group NULL: default_mode. Makes the (service) group if it is not written. */
int intent_with_mode(const struct intent *i, const char *group,
		     enum intent_mode mode, struct intent **ret,
		     struct err *reterr);

/*
 * A workload as it matters here. `about` is an object with what selectors may
 * ask for: name, image, labels, namespace, service, pod, node, runtime (as in
 * runtime/runtime.h). Borrowed for the call.
 */
struct intent_workload {
	const char *id;
	const json_t *about;
	const struct ip_addr *addrs;
	size_t n_addrs;
	const struct mac *macs; /* of its diverted ports */
	size_t n_macs;
};

/* Name of its service group; the caller frees it. */
char *intent_service_of(const json_t *about);
/* Names of all groups it is in, service group first: a new array of texts. */
json_t *intent_groups_of(const struct intent *i, const struct intent_workload *w);
enum intent_mode intent_mode_of(const struct intent *i,
				const struct intent_workload *w);

/*
 * The body of a weir_policy message for these workloads: all sets, and one
 * policy for all workloads that have the same rules and mode. `now`: seconds
 * since 1970; rules that have expired are left out. Rule ids are the data
 * plane's rule ids. NULL and *reterr on failure (E2BIG: what limit).
 */
json_t *intent_compile(const struct intent *i, const struct intent_workload *w,
		       size_t n, uint64_t version, uint64_t now,
		       struct err *reterr);

/* A connection that was, or that somebody asks about. */
struct intent_connection {
	const struct intent_workload *client, *server; /* NULL: no workload */
	struct ip_addr client_addr, server_addr;
	uint16_t port; /* ICMP: type << 8 | code */
	uint8_t proto;
	uint32_t app;	  /* wire/app.h; 0 not known */
	const char *name; /* DNS name of an external server; NULL */
};

struct intent_verdict {
	uint8_t action;	  /* enum policy_action (wire/words.h) */
	uint32_t rule_id; /* 0: by mode */
	bool client_side; /* whose end decided, the stricter one */
};

/* What would be done about it, by the same words as the data plane judges. */
struct intent_verdict intent_judge(const struct intent *i,
				   const struct intent_connection *c,
				   uint64_t now);
