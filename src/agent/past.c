/*
 * A workload that is gone is described by what the store has of it, with the
 * addresses under which it was seen. It is found again by its id.
 */
#include "agent/past.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/kubernetes.h"
#include "base/limits.h"

/* So many are read between two looks at what else there is to do: some ms. */
#define PAGE 1000
_Static_assert(PAGE <= STORE_PAGE_MAX, "a page of the store");

struct loading {
	struct agent *agent;
	struct past *past;
	json_t *index; /* id -> number in past->workloads */
	uint64_t last_cursor;
};

static void *grow(void *array, size_t n, size_t *size, size_t each)
{
	size_t more = *size ? 2 * *size : 256;
	void *next;

	if (n < *size)
		return array;
	next = realloc(array, more * each);
	if (next)
		*size = more;
	return next;
}

/* A text that lives as long as the past does. */
static const char *keep_text(struct past *p, const char *text)
{
	json_t *v = json_object_get(json_object_get(p->kept, "texts"), text);

	if (!v) {
		v = json_string(text);
		(void)json_object_set_new(json_object_get(p->kept, "texts"),
					  text, v);
	}
	return json_string_value(v);
}

/* One that is gone; with that address. */
static int remember(struct loading *l, const char *id, const json_t *about,
		    struct ip_addr addr, size_t *ret)
{
	struct past *p = l->past;
	struct intent_workload *list = grow(p->workloads, p->n_workloads,
					    &p->size_workloads, sizeof *list);
	struct ip_addr *addrs = malloc(sizeof *addrs);
	/* deep: another thread may read it */
	json_t *copy = json_deep_copy(about);

	if (list)
		p->workloads = list;
	if (!list || !addrs || !copy) {
		free(addrs);
		json_decref(copy);
		return -ENOMEM;
	}
	*addrs = addr;
	(void)json_array_append_new(json_object_get(p->kept, "abouts"), copy);
	*ret = p->n_workloads;
	list[p->n_workloads++] =
		(struct intent_workload){ .id = keep_text(p, id),
					  .about = copy,
					  .addrs = addrs,
					  .n_addrs = 1 };
	(void)json_object_set_new(l->index, id, json_integer((json_int_t)*ret));
	return 0;
}

static int index_of(struct loading *l, const char *id, const json_t *about,
		    struct ip_addr addr, size_t *ret)
{
	const json_t *v = id[0] ? json_object_get(l->index, id) : NULL;

	*ret = INTENT_NOBODY;
	if (v)
		*ret = (size_t)json_integer_value(v);
	else if (id[0] && json_is_object(about) &&
		 l->past->n_workloads < WORKLOADS_MAX)
		return remember(l, id, about, addr, ret);
	return 0;
}

static int take_flow(const struct store_flow *f, uint64_t cursor,
		     const json_t *client, const json_t *server, void *arg)
{
	struct loading *l = arg;
	struct past *p = l->past;
	struct intent_talk t = {
		.who = { .client_addr = f->client_addr,
			 .server_addr = f->server_addr,
			 .port = f->port,
			 .proto = f->proto,
			 .app = f->app,
			 .name = f->name && f->name[0] ? keep_text(p, f->name)
						       : NULL },
		.action = f->action,
		.sessions = f->sessions ? f->sessions : f->violations,
		.bytes = f->bytes,
		.first_s = f->first_s,
		.last_s = f->last_s,
	};
	struct intent_talk *list;
	int rc;

	l->last_cursor = cursor;
	if (p->n_talks == PAST_TALKS_MAX) {
		p->cut = true;
		return 1;
	}
	rc = index_of(l, f->client, client, f->client_addr, &t.who.client);
	if (rc == 0)
		rc = index_of(l, f->server, server, f->server_addr,
			      &t.who.server);
	list = grow(p->talks, p->n_talks, &p->size_talks, sizeof *list);
	if (list)
		p->talks = list;
	if (rc < 0 || !list)
		return -ENOMEM;
	list[p->n_talks++] = t;
	return 0;
}

/* Those that are here now; copies, for they outlive a change of the registry. */
static int take_present(struct loading *l)
{
	const struct registry *r = &l->agent->registry;
	size_t ignored;
	int rc = 0;

	for (const struct workload *w = r->workloads; rc == 0 && w;
	     w = w->next) {
		struct intent_workload *x;
		struct ip_addr *addrs;

		rc = remember(l, w->id, w->about, (struct ip_addr){ { 0 } },
			      &ignored);
		if (rc < 0)
			break;
		x = &l->past->workloads[l->past->n_workloads - 1];
		addrs = realloc((void *)(uintptr_t)x->addrs,
				(w->n_addrs + 1) * sizeof *addrs);
		if (!addrs)
			return -ENOMEM;
		if (w->n_addrs)
			memcpy(addrs, w->addrs, w->n_addrs * sizeof *addrs);
		x->addrs = addrs;
		x->n_addrs = w->n_addrs;
	}
	return rc;
}

int past_begin(struct agent *a, uint64_t since_s, bool only_learned,
	       struct past *ret, struct err *reterr)
{
	struct loading *l = calloc(1, sizeof *l);

	*ret = (struct past){ .since_s = since_s,
			      .only_learned = only_learned,
			      .loading = l,
			      .kept = json_pack("{s:{}, s:[]}", "texts",
						"abouts") };
	if (l)
		*l = (struct loading){ .agent = a,
				       .past = ret,
				       .index = json_object() };
	if (!l || !ret->kept || !l->index || take_present(l) < 0)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	ret->n_node = a->n_node_addrs;
	memcpy(ret->node, a->node_addrs, sizeof ret->node);
	return 0;
}

static void stop_loading(struct past *p)
{
	if (p->loading)
		json_decref(p->loading->index);
	free(p->loading);
	p->loading = NULL;
}

int past_more(struct past *p, struct err *reterr)
{
	struct loading *l = p->loading;
	struct store_flow_query q = { .since_s = p->since_s,
				      .only_learned = p->only_learned,
				      .after = l->last_cursor,
				      .limit = PAGE };
	size_t before = p->n_talks;
	int rc = store_each_flow(l->agent->store, &q, take_flow, l, reterr);

	if (rc == -ENOMEM)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	if (rc < 0 || (rc == 0 && p->n_talks - before == PAGE))
		return rc < 0 ? rc : 1;
	p->world = (struct intent_world){ .workloads = p->workloads,
					  .n = p->n_workloads,
					  .node = p->node,
					  .n_node = p->n_node,
					  .icmp_enforced = true };
	stop_loading(p);
	return 0;
}

void past_done(struct past *p)
{
	for (size_t i = 0; i < p->n_workloads; i++)
		free((void *)(uintptr_t)p->workloads[i].addrs);
	free(p->workloads);
	free(p->talks);
	json_decref(p->kept);
	stop_loading(p);
	*p = (struct past){ 0 };
}
