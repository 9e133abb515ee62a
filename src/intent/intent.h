/*
 * What the user wants: groups of workloads, their modes, and ordered rules.
 * Immutable once made, so that one version can be compiled, compared and judged
 * by while the next is made; ends by count.
 *
 * The text form is YAML (docs/policy.md), the stored and spoken form JSON; both
 * say everything, so intent -> YAML -> intent is the same intent.
 *
 *   sensors: {name, kind?, patterns, id?}, as detect/sensor.h has them
 *   groups: {name, comment?, mode?, where?: [{key, op?, value}...],
 *            dlp?, waf?: [{sensor, action?: alert | block}...],
 *            signatures?: off | alert | enforce}
 *   rules:  {id?, from, to, ports?, applications?, action, comment?, expires?,
 *            disabled?, side?: client | server,
 *            origin?: user | learned | network-policy | kubernetes}
 *   responses: {id?, event, group?, conditions?: [{field, op?, value}...],
 *               actions: [{quarantine: true | {for?}} | {capture: {seconds}} |
 *               {webhook: NAME} | {suppress: true}...], comment?, disabled?}
 *   default_mode?, for workloads of no group that says one
 *
 * Groups that are always there: "any", "external" (no address of a workload or
 * of this host), "workloads" (all of them), "node" (this host). Each workload is
 * also of one service group, "SERVICE" or "SERVICE.NAMESPACE"
 * (intent_service_of()), that need not be written down to be used; a written
 * group of that name without `where` is that group, with `where` it hides it.
 *
 * A rule counts at both ends of a connection, or at the one that `side` names.
 * Mode of a workload: the strictest (protect > monitor > discover) of the
 * groups it is in that say one; else default_mode. Each end of a connection is
 * judged by its own mode.
 *
 * What is looked for in its traffic is what any of its groups says, the strictest
 * of each; signatures are, if none says anything, enforced. Nothing is blocked of
 * who is not in mode protect: there it is an alert.
 *
 * One thread: an intent has room for its regular expressions at work.
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
/* The same, as text; the caller frees it. NULL: out of memory. */
char *intent_to_text(const struct intent *i);

/*
 * What differs, as {"groups": {"added": [...], "removed": [...], "changed":
 * [{"from":, "to":}]}, "sensors": {the same}, "rules": {the same, and "moved"},
 * "default_mode": {...}}
 * with only what differs; {} if nothing does; NULL: out of memory.
 */
json_t *intent_diff(const struct intent *from, const struct intent *to);

/*
 * Single changes, each a new intent. `group` and `rule` are objects as in the
 * JSON form, and replace the one of the same name or id; -EINVAL tells the
 * member. after: id of the rule before it, 0 first, INTENT_LAST, or
 * INTENT_IN_PLACE: where the one with its id is, else last. A rule without id
 * gets the next free one (user < 10000, learned from 10000 on), told in *ret_id
 * (may be NULL). A group that a rule speaks of stays: -EBUSY.
 */
#define INTENT_LAST	(-1)
#define INTENT_IN_PLACE (-2)

int intent_with_group(const struct intent *i, const json_t *group,
		      struct intent **ret, struct err *reterr);
/*
 * The same, but what `group` does not say stays as it is; null takes it away. In
 * dlp and waf each sensor is one thing said, with action "off" for none. A group
 * that is not there is made, without `where` as the service group.
 */
int intent_with_group_part(const struct intent *i, const json_t *group,
			   struct intent **ret, struct err *reterr);
int intent_without_group(const struct intent *i, const char *name,
			 struct intent **ret, struct err *reterr);
int intent_with_rule(const struct intent *i, const json_t *rule, int64_t after,
		     struct intent **ret, uint32_t *ret_id, struct err *reterr);
/*
 * Several at once, an array in their order, each as above; one after the other
 * would check all that there is each time. ret_ids: an array to which their ids
 * are appended; NULL.
 */
int intent_with_rules(const struct intent *i, const json_t *rules,
		      int64_t after, struct intent **ret, json_t *ret_ids,
		      struct err *reterr);
int intent_without_rule(const struct intent *i, uint32_t id,
			struct intent **ret, struct err *reterr);
/* Is it of NetworkPolicies alone, and at least one? */
bool intent_is_network_policies(const struct intent *i);
/* With these NetworkPolicies, in place of those of the same names. */
int intent_with_network_policies(const struct intent *i,
				 const struct intent *netpols,
				 struct intent **ret, struct err *reterr);
/*
 * NetworkPolicies as the cluster has them: an array of {namespace, name, spec}, as
 * the groups and rules that come of them, {"groups":, "rules":}, to be freed. What
 * of them is not understood isolates, and is told as texts appended to notes.
 */
int intent_cluster_read(const json_t *policies, json_t *notes, json_t **ret,
			struct err *reterr);
/*
 * i, but what is the cluster's (rules of origin kubernetes, groups k8s.NS.NAME) is
 * `cluster`; NULL: what it is in `before`. Rules that `before` has keep their ids.
 */
int intent_with_cluster(const struct intent *i, const json_t *cluster,
			const struct intent *before, struct intent **ret,
			struct err *reterr);
/* Is the rule of that id the cluster's? No such rule: no. */
bool intent_rule_is_cluster(const struct intent *i, uint32_t id);
/* The same as `cluster` above, of an intent; NULL: out of memory. */
json_t *intent_cluster_of(const struct intent *i);
enum intent_mode intent_default_mode(const struct intent *i);
/* What the group of that name says, or else default_mode. */
enum intent_mode intent_group_mode(const struct intent *i, const char *name);
/* group NULL: default_mode. Makes the (service) group if it is not written. */
int intent_with_mode(const struct intent *i, const char *group,
		     enum intent_mode mode, struct intent **ret,
		     struct err *reterr);

/*
 * A workload as it matters here. `about` is an object with what selectors may
 * ask for: name, image, labels, namespace, namespace_labels, service, pod, node,
 * runtime (as in runtime/runtime.h); and named_ports, {"tcp/http": 8080}, for
 * rules with ports by name. Borrowed for the call.
 */
struct intent_workload {
	const char *id;
	const json_t *about;
	const struct ip_addr *addrs;
	size_t n_addrs;
	const struct mac *macs; /* of its diverted ports */
	size_t n_macs;
	/* Of another host: others may speak with it, and that is all. */
	bool elsewhere;
	/* ... where Weir guards it, too: it is one of `workloads` */
	bool of_fleet;
};

/*
 * What a policy's compilation needs of workloads alone, whatever the policy says: made
 * once of many that stay. It borrows nothing. NULL: out of memory.
 */
struct intent_known;
struct intent_known *intent_known_new(const struct intent_workload *workloads,
				      size_t n);
void intent_known_free(struct intent_known *k); /* NULL is accepted */

/*
 * Who there is. Borrowed for the call. Those that share an `about` best stand
 * together: they are looked at once.
 */
struct intent_world {
	const struct intent_workload *workloads;
	size_t n;
	const struct ip_addr *node; /* this host's own addresses */
	size_t n_node;
	/*
	 * For judges: was the data plane told ctrl_enable_icmp_policy? Else it
	 * lets through what ICMP no rule speaks of by its name.
	 */
	bool icmp_enforced;
	/* Made of the first of them, as they are now; NULL: of none. */
	const struct intent_known *known;
};

/* Name of its service group; the caller frees it. NULL: out of memory. */
char *intent_service_of(const json_t *about);
/* Names of all groups it is in, service group first: a new array of texts. */
json_t *intent_groups_of(const struct intent *i,
			 const struct intent_workload *w);
enum intent_mode intent_mode_of(const struct intent *i,
				const struct intent_workload *w);
/*
 * Names of groups that rules speak of and that nobody is in, as a new array: a
 * service that does not run, or a name that is written wrong.
 */
json_t *intent_empty_groups(const struct intent *i,
			    const struct intent_world *world);

/*
 * The body of a weir_policy message for these workloads, as text: all sets, and
 * one policy for all workloads that have the same rules and mode. `now`: seconds
 * since 1970; rules that have expired are left out. Rule ids are the data
 * plane's rule ids. The caller frees it. denied: of each workload, whether a
 * rule denies or rejects it something; NULL: not asked for. NULL and *reterr on
 * failure (E2BIG: what limit).
 */
char *intent_compile(const struct intent *i, const struct intent_world *world,
		     uint64_t version, uint64_t now, bool *denied,
		     struct err *reterr);
/*
 * The body of a weir_detection message for these workloads, as text and without
 * its version: all sensors that one of them uses, and for all that have the same
 * looked for, what that is. The caller frees it. NULL: ENOMEM.
 */
char *intent_compile_detection(const struct intent *i,
			       const struct intent_world *world,
			       struct err *reterr);
/*
 * {"sensors": [{"sensor": name, "kind":, "id":, "action": "alert" | "block"}],
 * "signatures": "off" | "alert" | "enforce"}, as it holds in the workload's mode;
 * NULL: out of memory.
 */
json_t *intent_detection_of(const struct intent *i,
			    const struct intent_workload *w);
/* [{"name":, "kind":, "id":, "ready": bool}]; NULL: out of memory. */
json_t *intent_sensors(const struct intent *i);
/* Does it put anything, that is here or may come, in mode protect? */
bool intent_protects(const struct intent *i);
bool intent_has_rule(const struct intent *i, uint32_t id);

/* Groups as in the JSON form; NULL: out of memory. */
json_t *intent_groups(const struct intent *i);
/* Which rules are to be told. */
struct intent_rules_query {
	const char *text;   /* is in one of its texts, in any case; NULL: any */
	const char *action; /* NULL: any */
	uint32_t after;	    /* those behind the one of that id; 0: all */
	size_t limit;	    /* 0: none */
};
/*
 * Calls cb for each, as in the JSON form (taken), in their order. *ret_total: how
 * many there are on all pages; *ret_next: id for the next page's `after`, 0: this
 * was the last. -EINVAL: none that is asked for has the id `after`; -ENOMEM.
 */
int intent_each_rule(const struct intent *i, const struct intent_rules_query *q,
		     void (*cb)(json_t *rule, void *arg), void *arg,
		     size_t *ret_total, uint32_t *ret_next, struct err *reterr);
/* Does the rule of that id count at the client's end alone? No such rule: no. */
bool intent_rule_is_clients(const struct intent *i, uint32_t id);
/*
 * The first written group that says nothing but addresses and has that one; NULL:
 * none. Borrowed from the intent.
 */
const char *intent_group_of_address(const struct intent *i, struct ip_addr a);
/* In the order of their ids, which means nothing else; borrowed. */
const json_t *intent_responses(const struct intent *i);
/* NULL: there is none. Borrowed. */
const json_t *intent_response(const struct intent *i, uint32_t id);
/*
 * Is the event one that it responds to? groups: those of the event's workload, an
 * array of texts; NULL: none.
 */
bool intent_response_meets(const json_t *response, const json_t *event,
			   const json_t *groups);
/*
 * In place of the one with its id, else one more; *ret_id (may be NULL) tells its
 * id. -EINVAL tells the member.
 */
int intent_with_response(const struct intent *i, const json_t *response,
			 struct intent **ret, uint32_t *ret_id,
			 struct err *reterr);
int intent_without_response(const struct intent *i, uint32_t id,
			    struct intent **ret, struct err *reterr);
/* Does any rule deny or reject? */
bool intent_denies(const struct intent *i);
/* When the next rule expires after `now`; 0: none does. */
uint64_t intent_next_expiry(const struct intent *i, uint64_t now);
