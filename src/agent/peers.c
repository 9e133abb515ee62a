/*
 * Workloads of all nodes are one list (registry.remote), those of a node beside each
 * other and in the order of the nodes; so a node's part is cut out and another put in
 * its place without a look at the others'.
 */
#include "agent/peers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/policy.h"
#include "agent/record.h"
#include "base/limits.h"
#include "base/limits_fleet.h"
#include "base/text.h"

#define FORM 1

/* A node's workloads: those from first to last. */
struct part {
	struct workload *first, *last;
	unsigned n;
};

struct peer {
	struct peer *next;
	char name[FLEET_NAME_MAX];
	json_t *state; /* owned; NULL: it has not said */
	uint64_t seen_s;
	struct part part;
};

struct peers {
	struct peer *first;
	unsigned n;
	uint64_t refused; /* nodes and workloads, for want of room */
};

struct peers *peers_new(void)
{
	return calloc(1, sizeof(struct peers));
}

static void free_workload(struct workload *w)
{
	json_decref(w->about);
	json_decref(w->groups);
	free(w->addrs);
	free(w);
}

static void free_part(struct part *p)
{
	struct workload *w = p->first, *next;

	for (unsigned n = p->n; n > 0; n--, w = next) {
		next = w->next;
		free_workload(w);
	}
	*p = (struct part){ 0 };
}

void peers_free(struct agent *a)
{
	struct peer *p, *next;

	if (!a->peers)
		return;
	for (p = a->peers->first; p; p = next) {
		next = p->next;
		free_part(&p->part);
		json_decref(p->state);
		free(p);
	}
	a->registry.remote = NULL;
	a->registry.n_remote = 0;
	registry_changed(&a->registry);
	free(a->peers);
	a->peers = NULL;
}

static struct peer *find(const struct peers *p, const char *node)
{
	struct peer *one = p->first;

	while (one && strcmp(one->name, node) != 0)
		one = one->next;
	return one;
}

/* NULL and *reterr: no room. At the end, as its workloads come last. */
static struct peer *find_or_add(struct peers *p, const char *node,
				struct err *reterr)
{
	struct peer *one = find(p, node), **end = &p->first;

	if (one)
		return one;
	if (p->n == FLEET_NODES_MAX) {
		p->refused++;
		(void)err_set(reterr, ENOSPC, node, "more than %d nodes",
			      FLEET_NODES_MAX);
		return NULL;
	}
	one = calloc(1, sizeof *one);
	if (!one) {
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	(void)snprintf(one->name, sizeof one->name, "%s", node);
	while (*end)
		end = &(*end)->next;
	*end = one;
	p->n++;
	return one;
}

/* Where the link to that node's first workload is. */
static struct workload **link_of(struct agent *a, const struct peer *of)
{
	struct workload **at = &a->registry.remote;

	for (struct peer *p = a->peers->first; p != of; p = p->next)
		if (p->part.n)
			at = &p->part.last->next;
	return at;
}

/* Puts next in place of what it has. Takes next's. */
static void replace(struct agent *a, struct peer *p, const struct part *next)
{
	struct workload **at = link_of(a, p);
	struct workload *behind = p->part.n ? p->part.last->next : *at;
	struct part old = p->part;

	*at = behind;
	if (next->n) {
		next->last->next = behind;
		*at = next->first;
	}
	p->part = *next;
	a->registry.n_remote += next->n - old.n;
	free_part(&old);
	registry_changed(&a->registry);
}

static void forget(struct agent *a, struct peer *p)
{
	static const struct part nobody;
	struct peer **at = &a->peers->first;

	replace(a, p, &nobody);
	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	a->peers->n--;
	json_decref(p->state);
	free(p);
}

/* --- reading an inventory ------------------------------------------------------- */

static int no_inventory(struct err *reterr, const char *why)
{
	return err_set(reterr, EPROTO, NULL, "is no inventory: %s", why);
}

static int read_addrs(struct workload *w, const json_t *words,
		      struct err *reterr)
{
	size_t n = json_array_size(words) - 1;

	if (n > WORKLOAD_ADDRS_MAX)
		return no_inventory(reterr, "too many addresses");
	w->addrs = calloc(n + 1, sizeof *w->addrs);
	if (!w->addrs)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	for (size_t i = 0; i < n; i++) {
		const char *text =
			json_string_value(json_array_get(words, i + 1));

		if (!text || ip_parse(text, &w->addrs[i]) < 0)
			return no_inventory(reterr, "an address is none");
	}
	w->n_addrs = n;
	return 0;
}

/* As policy_refresh_mode(); before: the one before it, that may be described alike. */
static void refresh(struct agent *a, struct workload *w,
		    const struct workload *before)
{
	if (!before || before->about != w->about) {
		policy_refresh_mode(a, w);
		return;
	}
	w->intent_mode = before->intent_mode;
	json_decref(w->groups);
	w->groups = NULL;
}

static int read_workload(struct agent *a, struct peer *p, json_t *about,
			 const json_t *words, struct part *to,
			 struct err *reterr)
{
	const char *id = json_string_value(json_array_get(words, 0));
	const struct workload *before = to->last;
	struct workload *w;
	int rc;

	if (!id || !id[0])
		return no_inventory(reterr, "one has no id");
	/* by itself it was not too long, so it is no mistake of the node's */
	if (strlen(p->name) + strlen("/") + strlen(id) >= sizeof w->id) {
		a->peers->refused++;
		return 0;
	}
	w = calloc(1, sizeof *w);
	if (!w)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	w->agent = a;
	w->ns.fd = -1;
	w->about = json_incref(about);
	w->remote = true;
	if (to->n++)
		to->last->next = w;
	else
		to->first = w;
	to->last = w;
	(void)snprintf(w->id, sizeof w->id, "%s/%s", p->name, id);
	rc = read_addrs(w, words, reterr);
	if (rc == 0)
		refresh(a, w, before);
	return rc;
}

/* Those that are described alike. */
static int read_alike(struct agent *a, struct peer *p, const json_t *alike,
		      struct part *to, struct err *reterr)
{
	json_t *about = json_object_get(alike, "about");
	const json_t *at = json_object_get(alike, "at"), *words;
	size_t i;
	int rc = 0;

	if (!json_is_object(about) || !json_is_array(at))
		return no_inventory(reterr, "a member is missing");
	/* nobody is on another node than who tells of it */
	if (json_object_set_new(about, "node", json_string(p->name)) < 0)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	json_array_foreach (at, i, words) {
		unsigned others = a->registry.n_remote - p->part.n;

		if (others + to->n >= FLEET_WORKLOADS_MAX)
			a->peers->refused++;
		else
			rc = read_workload(a, p, about, words, to, reterr);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int read_all(struct agent *a, struct peer *p, const json_t *o,
		    struct part *to, struct err *reterr)
{
	const json_t *list = json_object_get(o, "workloads"), *alike;
	size_t i;
	int rc = 0;

	if (json_integer_value(json_object_get(o, "form")) != FORM)
		return no_inventory(reterr, "of another form");
	if (!json_is_array(list))
		return no_inventory(reterr, "nobody is told of");
	json_array_foreach (list, i, alike) {
		rc = read_alike(a, p, alike, to, reterr);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* o: NULL: nobody. */
static int take_inventory(struct agent *a, const char *node, const json_t *o,
			  struct err *reterr)
{
	struct peer *p = find_or_add(a->peers, node, reterr);
	struct part part = { 0 };
	int rc;

	if (!p)
		return -reterr->code;
	rc = read_all(a, p, o, &part, reterr);
	if (rc < 0) {
		free_part(&part);
		return rc;
	}
	replace(a, p, &part);
	policy_soon_for_change(a);
	return 0;
}

/* It was forgotten: nothing of it is told any more. */
static void no_more(struct agent *a, const char *node)
{
	struct peer *p = find(a->peers, node);

	if (!p)
		return;
	forget(a, p);
	policy_soon_for_change(a);
}

int peers_inventory(struct agent *a, const char *node, const char *text,
		    size_t len, struct err *reterr)
{
	json_t *o = NULL;
	int rc;

	if (!text) {
		no_more(a, node);
		return 0;
	}
	o = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	if (!o)
		return no_inventory(reterr, "it is no JSON");
	rc = take_inventory(a, node, o, reterr);
	json_decref(o);
	return rc;
}

int peers_state(struct agent *a, const char *node, const char *text, size_t len,
		uint64_t at_s, struct err *reterr)
{
	struct peer *p;
	json_t *o;

	if (!text) {
		no_more(a, node);
		return 0;
	}
	o = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(o)) {
		json_decref(o);
		return err_set(reterr, EPROTO, node,
			       "what it says of itself is no object");
	}
	p = find_or_add(a->peers, node, reterr);
	if (!p) {
		json_decref(o);
		return -reterr->code;
	}
	json_decref(p->state);
	p->state = o;
	p->seen_s = at_s;
	return 0;
}

void peers_policy_changed(struct agent *a)
{
	const struct workload *before = NULL;

	for (struct workload *w = a->registry.remote; w; w = w->next) {
		refresh(a, w, before);
		before = w;
	}
}

struct workload *peers_met(struct agent *a, struct ip_addr addr)
{
	struct workload *w = registry_by_addr(&a->registry, addr);

	if (w && w->remote && !w->noted) {
		w->noted = true;
		record_workload(a, w);
	}
	return w;
}

/* --- telling ----------------------------------------------------------------------- */

json_t *peers_json(const struct agent *a)
{
	json_t *list = json_array();

	for (const struct peer *p = a->peers->first; p; p = p->next) {
		json_t *o = json_pack("{s:s, s:I, s:i}", "node", p->name,
				      "seen", (json_int_t)p->seen_s,
				      "workloads", (int)p->part.n);

		if (o && p->state)
			(void)json_object_update_missing(o, p->state);
		(void)json_array_append_new(list, o);
	}
	return list;
}

unsigned peers_number(const struct agent *a)
{
	return a->peers->n;
}

json_t *peers_counts(const struct agent *a)
{
	return json_pack("{s:i, s:i, s:I}", "nodes", (int)a->peers->n,
			 "workloads", (int)a->registry.n_remote, "refused",
			 (json_int_t)a->peers->refused);
}

/* [ID, ADDRESS...] */
static json_t *place_of(const struct workload *w)
{
	json_t *words = json_array();
	char text[IP_TEXT_MAX];

	(void)json_array_append_new(words, json_string(w->id));
	for (size_t i = 0; i < w->n_addrs; i++)
		(void)json_array_append_new(
			words, json_string(ip_format(w->addrs[i], text)));
	return words;
}

/* Those of a node, as it told them. */
static json_t *inventory_of(const struct peer *p)
{
	json_t *list = json_array(), *one = NULL, *place;
	const struct workload *w = p->part.first;
	const json_t *about = NULL;

	for (unsigned n = 0; n < p->part.n; n++, w = w->next) {
		if (w->about != about) {
			about = w->about;
			one = json_pack("{s:O, s:[]}", "about", w->about, "at");
			(void)json_array_append_new(list, one);
		}
		place = place_of(w);
		/* its own id, without the node's name before it */
		(void)json_array_set_new(
			place, 0,
			json_string(w->id + strlen(p->name) + strlen("/")));
		(void)json_array_append_new(json_object_get(one, "at"), place);
	}
	return json_pack("{s:i, s:o}", "form", FORM, "workloads", list);
}

void peers_save(struct agent *a)
{
	json_t *doc = json_object();

	for (const struct peer *p = a->peers->first; p; p = p->next)
		(void)json_object_set_new(doc, p->name, inventory_of(p));
	/* the store's own state tells of it */
	(void)store_put_note(a->store, "peers", doc, NULL);
	json_decref(doc);
}

int peers_load(struct agent *a, struct err *reterr)
{
	json_t *doc = NULL, *o;
	uint64_t revision;
	const char *node;
	int rc = store_get_doc(a->store, "peers", &doc, &revision, reterr);

	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	rc = 0;
	json_object_foreach (doc, node, o)
		if (rc != -ENOMEM)
			rc = take_inventory(a, node, o, reterr);
	json_decref(doc);
	/* what is damaged is told again by who it is of */
	return rc == -ENOMEM ? rc : 0;
}

char *peers_own_inventory(const struct agent *a)
{
	/* by how it is described, as text */
	json_t *alike = json_object(), *list = json_array(), *whole;
	char *text = NULL;

	for (const struct workload *w = a->registry.workloads; w; w = w->next) {
		char *key = w->about && w->n_addrs
				    ? json_dumps(w->about,
						 JSON_COMPACT | JSON_SORT_KEYS)
				    : NULL;
		json_t *one = key ? json_object_get(alike, key) : NULL;

		if (key && !one) {
			one = json_pack("{s:O, s:[]}", "about", w->about, "at");
			(void)json_array_append_new(list, one);
			(void)json_object_set(alike, key, one);
		}
		if (one)
			(void)json_array_append_new(json_object_get(one, "at"),
						    place_of(w));
		free(key);
	}
	json_decref(alike);
	whole = json_pack("{s:i, s:o}", "form", FORM, "workloads", list);
	if (whole)
		text = json_dumps(whole, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(whole);
	return text;
}
