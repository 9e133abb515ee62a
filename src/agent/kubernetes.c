/*
 * Objects by uid, as src/runtime/kubernetes.h tells of them. A pod is found by its
 * namespace and name, which is what a runtime says of a container, and by its uid if
 * the runtime says that, too: one of the same name may have taken its place.
 *
 * A pod's labels are those that the API server has, and no others: whoever builds
 * an image can give it any labels, and must not choose by that which policies are
 * about him. Its service stays what it was guessed to be by its name: modes are
 * written for that, and it must not be another one as soon as the server answers.
 *
 * Policies are put into the intent (intent/cluster.c) when namespaces and pods have
 * been listed, too, or after a while: what selects by labels that are not known yet
 * would deny. They are gathered for a moment, as they come one by one.
 */
#include "agent/kubernetes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "agent/inventory.h"
#include "agent/policy.h"
#include "agent/record.h"
#include "base/clock.h"
#include "base/limits_kubernetes.h"
#include "base/log.h"
#include "runtime/about.h"
#include "runtime/kubernetes.h"
#include "wire/member.h"

#define NOTE "kubernetes"
/* So long policies wait for what they speak of. */
#define PATIENCE_US (10 * USEC_PER_SEC)

struct of_kind {
	json_t *all;	/* uid: about */
	json_t *listed; /* uids of the list that is under way; NULL: none is */
	bool whole;	/* a list has come to its end */
	bool up;
	uint64_t since_s;
	uint64_t refused; /* for want of room */
	char text[RUNTIME_TEXT_MAX];
};

struct kubernetes {
	struct kube *source;
	struct loop_fd *fd;
	struct of_kind of[KUBE_KIND__MAX];
	json_t *by_name; /* of pods: "NAMESPACE/NAME": uid */
	json_t *labels;	 /* of namespaces: name: {...} */
	struct loop_timer merge, keep;
	usec_t started;
	bool merging;
	json_t *notes;	/* what was not understood */
	struct err why; /* policies could not be put in force; code 0 */
	/* Pods elsewhere, made when they are asked for. */
	bool stale;
	struct intent_workload *elsewhere;
	struct ip_addr *addrs;
	size_t n_elsewhere;
};

static const size_t room[KUBE_KIND__MAX] = {
	[KUBE_NAMESPACES] = KUBE_NAMESPACES_MAX,
	[KUBE_PODS] = KUBE_PODS_MAX,
	[KUBE_POLICIES] = KUBE_POLICIES_MAX,
};

/* --- workloads -------------------------------------------------------- */

static const char *pod_key(const json_t *about, const char *name,
			   char ret[static RUNTIME_NAME_MAX * 2])
{
	(void)snprintf(ret, (size_t)RUNTIME_NAME_MAX * 2, "%s/%s",
		       member_text(about, "namespace"), name);
	return ret;
}

/* The pod that a runtime describes a container of; NULL: it is not known. */
static json_t *pod_of(const struct kubernetes *k, const json_t *about)
{
	const char *name = member_text(about, "pod");
	const char *told = member_text(json_object_get(about, "labels"),
				       "io.kubernetes.pod.uid");
	char key[RUNTIME_NAME_MAX * 2];
	const char *uid;

	if (!name[0])
		return NULL;
	uid = json_string_value(
		json_object_get(k->by_name, pod_key(about, name, key)));
	if (!uid || (told[0] && strcmp(told, uid) != 0))
		return NULL;
	return json_object_get(k->of[KUBE_PODS].all, uid);
}

static void take_member(json_t *about, const json_t *from, const char *name)
{
	json_t *v = json_object_get(from, name);

	if (v)
		(void)json_object_set(about, name, v);
}

void kubernetes_describe(const struct agent *a, json_t *about)
{
	const struct kubernetes *k = a->kubernetes;
	json_t *labels, *pod;

	if (!k || !member_text(about, "pod")[0])
		return;
	labels = json_object_get(k->labels, member_text(about, "namespace"));
	if (labels)
		(void)json_object_set(about, "namespace_labels", labels);
	pod = pod_of(k, about);
	if (!pod)
		return;
	(void)json_object_del(about, "labels");
	(void)json_object_del(about, "labels_left_out");
	take_member(about, pod, "labels");
	take_member(about, pod, "labels_left_out");
	take_member(about, pod, "named_ports");
	take_member(about, pod, "owner");
}

/* As a runtime would have described it, for who is elsewhere. */
static void complete_pod(const struct kubernetes *k, json_t *pod)
{
	const char *name = member_text(pod, "name");
	char service[RUNTIME_NAME_MAX];
	json_t *labels =
		json_object_get(k->labels, member_text(pod, "namespace"));

	about_workload_of(name, service);
	(void)json_object_set_new(pod, "pod", json_string(name));
	(void)json_object_set_new(pod, "service", json_string(service));
	if (labels)
		(void)json_object_set(pod, "namespace_labels", labels);
}

/* Those of the pods that are workloads here. NULL: out of memory. */
static json_t *pods_here(const struct agent *a)
{
	json_t *here = json_object();
	const json_t *pod;

	for (const struct workload *w = a->registry.workloads; w; w = w->next) {
		pod = w->about ? pod_of(a->kubernetes, w->about) : NULL;
		if (pod)
			(void)json_object_set_new(here, member_text(pod, "uid"),
						  json_true());
	}
	return here;
}

static size_t read_addrs(const json_t *list, struct ip_addr *ret)
{
	size_t n = 0;

	for (size_t k = 0; k < json_array_size(list); k++)
		n += ip_parse(json_string_value(json_array_get(list, k)),
			      &ret[n]) == 0;
	return n;
}

static void find_elsewhere(struct agent *a)
{
	struct kubernetes *k = a->kubernetes;
	json_t *pods = k->of[KUBE_PODS].all, *pod, *here = pods_here(a);
	size_t n = json_object_size(pods), n_addrs = 0;
	const char *uid;

	free(k->elsewhere);
	free(k->addrs);
	k->n_elsewhere = 0;
	k->elsewhere = calloc(n + 1, sizeof *k->elsewhere);
	k->addrs = calloc(n * KUBE_ADDRS_MAX + 1, sizeof *k->addrs);
	k->stale = !k->elsewhere || !k->addrs || !here;
	json_object_foreach (pods, uid, pod) {
		struct intent_workload *w = &k->elsewhere[k->n_elsewhere];

		/* one in the host's network is the host, or another node */
		if (k->stale || json_object_get(here, uid) ||
		    json_object_get(pod, "host_network"))
			continue;
		*w = (struct intent_workload){ .id = uid,
					       .about = pod,
					       .addrs = k->addrs + n_addrs,
					       .elsewhere = true };
		w->n_addrs = read_addrs(json_object_get(pod, "addrs"),
					k->addrs + n_addrs);
		n_addrs += w->n_addrs;
		k->n_elsewhere += w->n_addrs > 0;
	}
	json_decref(here);
}

size_t kubernetes_elsewhere(struct agent *a, const struct intent_workload **ret)
{
	if (!a->kubernetes)
		return 0;
	/* who is here changes without a word to us */
	find_elsewhere(a);
	*ret = a->kubernetes->elsewhere;
	return a->kubernetes->n_elsewhere;
}

/* --- policies --------------------------------------------------------- */

int kubernetes_keep_policies(struct agent *a, struct intent **next,
			     struct err *reterr)
{
	static const char *const parts[] = { "groups", "rules" };
	struct intent *kept = NULL;
	json_t *none;
	int rc;

	if (a->kubernetes && a->kubernetes->merging)
		return 0;
	/* without a cluster there are none */
	none = a->kubernetes ? NULL
			     : json_pack("{s:[], s:[]}", parts[0], parts[1]);
	rc = intent_with_cluster(*next, none, a->intent, &kept, reterr);
	json_decref(none);
	if (rc < 0)
		return rc;
	intent_put(*next);
	*next = kept;
	return 0;
}

/* Once a change: in `weir status`, in the log, as an event. */
static void tell_notes(struct agent *a, json_t *notes)
{
	struct kubernetes *k = a->kubernetes;
	const json_t *note;
	size_t n;

	json_array_foreach (notes, n, note) {
		if (n == KUBE_TOLD_MAX || json_equal(notes, k->notes))
			break;
		log_warn("kubernetes: not understood, isolating: %s",
			 json_string_value(note));
		record_state(a, "kubernetes", "high", json_string_value(note));
	}
	json_decref(k->notes);
	k->notes = notes;
}

static int put_policies(struct agent *a, json_t *notes, struct err *reterr)
{
	struct kubernetes *k = a->kubernetes;
	json_t *list = json_array(), *part = NULL, *was, *is, *one;
	struct intent *next = NULL;
	const char *uid;
	int rc;

	json_object_foreach (k->of[KUBE_POLICIES].all, uid, one)
		(void)json_array_append(list, one);
	rc = intent_cluster_read(list, notes, &part, reterr);
	if (rc == 0)
		rc = intent_with_cluster(a->intent, part, a->intent, &next,
					 reterr);
	json_decref(list);
	json_decref(part);
	if (rc < 0)
		return rc;
	was = intent_cluster_of(a->intent);
	is = intent_cluster_of(next);
	if (was && is && json_equal(was, is)) {
		intent_put(next);
	} else {
		k->merging = true;
		rc = policy_set(a, next, "NetworkPolicies of the cluster", NULL,
				0, reterr) < 0
			     ? -reterr->code
			     : 0;
		k->merging = false;
	}
	json_decref(was);
	json_decref(is);
	return rc;
}

static void merge(void *arg)
{
	struct agent *a = arg;
	struct kubernetes *k = a->kubernetes;
	json_t *notes;
	struct err err = { 0 };

	if (!k->of[KUBE_POLICIES].whole)
		return;
	if (!(k->of[KUBE_PODS].whole && k->of[KUBE_NAMESPACES].whole) &&
	    usec_since(clock_now(), k->started) < PATIENCE_US) {
		loop_timer_need(a->loop, &k->merge, KUBE_GATHER_MS * 1000ULL);
		return;
	}
	notes = json_array();
	if (put_policies(a, notes, &err) < 0) {
		/* what is in force stays so */
		if (strcmp(err.text, k->why.text) != 0) {
			log_warn("kubernetes: policies: %s", err.text);
			record_state(a, "kubernetes", "high", err.text);
		}
	}
	k->why = err;
	tell_notes(a, notes);
	if (err.code == ENOMEM || err.code == ENOSPC)
		loop_timer_need(a->loop, &k->merge, PATIENCE_US);
}

/* --- news ------------------------------------------------------------- */

static void keep_later(struct agent *a)
{
	struct kubernetes *k = a->kubernetes;

	if (!k->keep.on)
		loop_timer_set(a->loop, &k->keep, KUBE_KEEP_MS * 1000ULL);
}

/* Of a namespace, which has other labels now. */
static void redescribe(struct agent *a, const char *namespace)
{
	struct kubernetes *k = a->kubernetes;
	const char *uid;
	json_t *pod;

	json_object_foreach (k->of[KUBE_PODS].all, uid, pod)
		if (strcmp(member_text(pod, "namespace"), namespace) == 0)
			complete_pod(k, pod);
	inventory_describe(a, namespace, NULL);
}

static void namespace_is(struct agent *a, const json_t *about, bool there)
{
	struct kubernetes *k = a->kubernetes;
	const char *name = member_text(about, "name");

	if (there)
		(void)json_object_set(k->labels, name,
				      json_object_get(about, "labels"));
	else
		(void)json_object_del(k->labels, name);
	redescribe(a, name);
}

static void pod_is(struct agent *a, json_t *about, bool there)
{
	struct kubernetes *k = a->kubernetes;
	const char *name = member_text(about, "name");
	const char *uid = member_text(about, "uid"), *of;
	char key[RUNTIME_NAME_MAX * 2];

	(void)pod_key(about, name, key);
	of = json_string_value(json_object_get(k->by_name, key));
	if (there)
		(void)json_object_set_new(k->by_name, key, json_string(uid));
	else if (of && strcmp(of, uid) == 0)
		(void)json_object_del(k->by_name, key);
	inventory_describe(a, member_text(about, "namespace"), name);
}

/* What is true of an object now; about: NULL: it is not there. Borrowed. */
static void object_is(struct agent *a, enum kube_kind kind, const char *uid,
		      json_t *about)
{
	struct kubernetes *k = a->kubernetes;
	struct of_kind *of = &k->of[kind];
	json_t *was = json_incref(json_object_get(of->all, uid));

	if (about && kind == KUBE_PODS)
		complete_pod(k, about);
	if (about && of->listed)
		(void)json_object_set_new(of->listed, uid, json_true());
	if (about ? json_equal(was, about) : !was) {
		json_decref(was);
		return;
	}
	if (about && !was && json_object_size(of->all) >= room[kind]) {
		if (of->refused++ == 0)
			record_state(a, "kubernetes", "high",
				     "there are more objects than there is "
				     "room for: see weir status");
		return;
	}
	if (about)
		(void)json_object_set(of->all, uid, about);
	else
		(void)json_object_del(of->all, uid);
	if (kind == KUBE_NAMESPACES)
		namespace_is(a, about ? about : was, about);
	else if (kind == KUBE_PODS)
		pod_is(a, about ? about : was, about);
	else
		loop_timer_need(a->loop, &k->merge, KUBE_GATHER_MS * 1000ULL);
	if (kind != KUBE_POLICIES) {
		policy_soon_for_change(a);
		keep_later(a);
	}
	json_decref(was);
}

/* Who was not in it is gone. */
static void list_ends(struct agent *a, enum kube_kind kind)
{
	struct of_kind *of = &a->kubernetes->of[kind];
	json_t *about, *listed = of->listed, *gone = json_array();
	const char *uid;
	size_t n;

	of->listed = NULL;
	json_object_foreach (of->all, uid, about)
		if (listed && !json_object_get(listed, uid))
			(void)json_array_append_new(gone, json_string(uid));
	json_array_foreach (gone, n, about)
		object_is(a, kind, json_string_value(about), NULL);
	json_decref(gone);
	json_decref(listed);
	of->refused = 0;
	of->whole = true;
	loop_timer_need(a->loop, &a->kubernetes->merge,
			KUBE_GATHER_MS * 1000ULL);
}

static void source_is(struct agent *a, const struct runtime_news *n)
{
	struct of_kind *of = &a->kubernetes->of[n->source];
	const char *kind = kube_kind_name((enum kube_kind)n->source);
	char text[RUNTIME_TEXT_MAX + 64];
	bool up = n->kind == NEWS_UP;

	if (of->up != up || !of->since_s)
		of->since_s = clock_unix_us() / USEC_PER_SEC;
	of->up = up;
	(void)snprintf(of->text, sizeof of->text, "%s", up ? "" : n->text);
	(void)snprintf(text, sizeof text, "%s of the API server: %s", kind,
		       up ? "up" : n->text);
	if (up)
		log_info("kubernetes: %s", text);
	else
		log_warn("kubernetes: %s", text);
	record_state(a, "kubernetes", up ? "info" : "high", text);
}

static void on_news(void *arg, uint32_t events)
{
	struct agent *a = arg;
	struct runtime_news n;

	while (kube_next(a->kubernetes->source, &n)) {
		enum kube_kind kind = (enum kube_kind)n.source;
		struct of_kind *of = &a->kubernetes->of[kind];

		switch (n.kind) {
		case NEWS_UP:
		case NEWS_DOWN: source_is(a, &n); break;
		case NEWS_LIST_BEGIN:
			json_decref(of->listed);
			of->listed = json_object();
			break;
		case NEWS_LIST_END: list_ends(a, kind); break;
		case NEWS_FOUND: object_is(a, kind, n.id, n.about); break;
		case NEWS_GONE: object_is(a, kind, n.id, NULL); break;
		default: break;
		}
		runtime_news_done(&n);
	}
}

/* --- start and end ---------------------------------------------------- */

static void keep(void *arg)
{
	struct agent *a = arg;
	struct kubernetes *k = a->kubernetes;
	json_t *doc = json_pack("{s:O, s:O}", "namespaces",
				k->of[KUBE_NAMESPACES].all, "pods",
				k->of[KUBE_PODS].all);
	struct err err;

	/* then the next agent knows of it when the server has told it */
	if (store_put_note(a->store, NOTE, doc, &err) < 0)
		log_warn("kubernetes: not kept: %s", err.text);
	json_decref(doc);
}

static void load(struct agent *a)
{
	static const char *const names[] = { "namespaces", "pods" };
	static const enum kube_kind kinds[] = { KUBE_NAMESPACES, KUBE_PODS };
	json_t *doc = NULL, *about;
	uint64_t revision;
	const char *uid;
	struct err err;

	if (store_get_doc(a->store, NOTE, &doc, &revision, &err) < 0)
		return;
	for (size_t n = 0; n < 2; n++)
		json_object_foreach (json_object_get(doc, names[n]), uid, about)
			object_is(a, kinds[n], uid, about);
	json_decref(doc);
}

/* Of a configuration without `kubernetes`: those of another one. */
static int drop_policies(struct agent *a, struct err *reterr)
{
	json_t *part = intent_cluster_of(a->intent);
	bool any = json_array_size(json_object_get(part, "rules")) +
			   json_array_size(json_object_get(part, "groups")) >
		   0;

	json_decref(part);
	if (any && policy_set(a, intent_get(a->intent),
			      "NetworkPolicies of a cluster that is not "
			      "watched any more were dropped",
			      NULL, 0, reterr) < 0)
		return -reterr->code;
	return 0;
}

int kubernetes_start(struct agent *a, struct err *reterr)
{
	const struct config_kubernetes *c = &a->config.kubernetes;
	struct kube_spec spec = { .server = c->server,
				  .token_file = c->token_file,
				  .ca_file = c->ca_file,
				  .node = c->all_pods ? NULL : a->config.node };
	struct kubernetes *k;

	if (!c->on)
		return drop_policies(a, reterr);
	a->kubernetes = k = calloc(1, sizeof *k);
	if (!k)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	for (unsigned kind = 0; kind < KUBE_KIND__MAX; kind++)
		k->of[kind].all = json_object();
	k->by_name = json_object();
	k->labels = json_object();
	k->started = clock_now();
	k->merge = (struct loop_timer){ .fn = merge, .arg = a };
	k->keep = (struct loop_timer){ .fn = keep, .arg = a };
	load(a);
	loop_timer_off(a->loop, &k->keep);
	k->source = kube_new(&spec, reterr);
	if (!k->source)
		return -reterr->code;
	k->fd = loop_add(a->loop, kube_fd(k->source), EPOLLIN, on_news, a);
	return k->fd ? 0 : err_set(reterr, ENOMEM, NULL, "out of memory");
}

void kubernetes_stop(struct agent *a)
{
	struct kubernetes *k = a->kubernetes;

	if (!k)
		return;
	loop_remove(k->fd);
	kube_free(k->source);
	if (k->keep.on)
		keep(a);
	if (k->merge.fn) {
		loop_timer_off(a->loop, &k->merge);
		loop_timer_off(a->loop, &k->keep);
	}
	for (unsigned kind = 0; kind < KUBE_KIND__MAX; kind++) {
		json_decref(k->of[kind].all);
		json_decref(k->of[kind].listed);
	}
	json_decref(k->by_name);
	json_decref(k->labels);
	json_decref(k->notes);
	free(k->elsewhere);
	free(k->addrs);
	free(k);
	a->kubernetes = NULL;
}

static json_t *kind_json(const struct of_kind *of)
{
	return json_pack("{s:b, s:b, s:I, s:s, s:I, s:I}", "up", of->up,
			 "listed", of->whole, "since", (json_int_t)of->since_s,
			 "text", of->text, "count",
			 (json_int_t)json_object_size(of->all), "refused",
			 (json_int_t)of->refused);
}

json_t *kubernetes_json(const struct agent *a)
{
	const struct kubernetes *k = a->kubernetes;
	json_t *o, *some;

	if (!k)
		return NULL;
	o = json_pack("{s:s}", "server", a->config.kubernetes.server);
	for (unsigned kind = 0; kind < KUBE_KIND__MAX; kind++)
		(void)json_object_set_new(o,
					  kube_kind_name((enum kube_kind)kind),
					  kind_json(&k->of[kind]));
	some = json_array();
	for (size_t n = 0; n < json_array_size(k->notes) && n < KUBE_TOLD_MAX;
	     n++)
		(void)json_array_append(some, json_array_get(k->notes, n));
	(void)json_object_set_new(o, "not_understood", some);
	(void)json_object_set_new(
		o, "not_understood_count",
		json_integer((json_int_t)json_array_size(k->notes)));
	if (k->why.code)
		(void)json_object_set_new(o, "refused",
					  json_string(k->why.text));
	return o;
}
