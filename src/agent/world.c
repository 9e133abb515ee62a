#include "agent/world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/kubernetes.h"
#include "base/limits.h"

struct world {
	struct intent_workload *list; /* owned, as what follows */
	size_t room, n_remote;
	struct intent_known
		*known;	  /* of the first n_remote; NULL: not listed */
	uint64_t changes; /* the registry's, when they were listed */
	struct mac *macs;
	size_t macs_room;
};

/*
 * How many of its addresses, which then stand first, nobody has here: what is told of
 * elsewhere takes nobody's address.
 */
static size_t own_addrs(struct registry *r, struct workload *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n_addrs; i++) {
		const struct workload *has = registry_by_addr(r, w->addrs[i]);
		struct ip_addr one = w->addrs[i];

		if (has && !has->remote)
			continue;
		w->addrs[i] = w->addrs[n];
		w->addrs[n++] = one;
	}
	return n;
}

/* At least that many; what is in it stays. */
static bool make_room(struct world *w, size_t n, size_t n_macs)
{
	struct intent_workload *list;
	struct mac *macs;

	if (n > w->room) {
		list = realloc(w->list, (n + n / 4) * sizeof *list);
		if (!list)
			return false;
		w->list = list;
		w->room = n + n / 4;
	}
	if (n_macs > w->macs_room) {
		macs = realloc(w->macs, 2 * n_macs * sizeof *macs);
		if (!macs)
			return false;
		w->macs = macs;
		w->macs_room = 2 * n_macs;
	}
	return true;
}

static bool list_remote(struct registry *r, struct world *w)
{
	size_t n = 0;

	if (w->known && w->changes == r->changes)
		return true;
	intent_known_free(w->known);
	for (struct workload *one = r->remote; one; one = one->next)
		w->list[n++] = (struct intent_workload){
			.id = one->id,
			.about = one->about,
			.addrs = one->addrs,
			.n_addrs = own_addrs(r, one),
			.elsewhere = true,
			.of_fleet = true,
		};
	w->n_remote = n;
	w->changes = r->changes;
	w->known = intent_known_new(w->list, n);
	return w->known;
}

static size_t list_here(struct registry *r, struct world *w, size_t n)
{
	struct mac *macs = w->macs;

	for (struct workload *one = r->workloads; one; one = one->next) {
		w->list[n] = (struct intent_workload){
			.id = one->id,
			.about = one->about,
			.addrs = one->addrs,
			.n_addrs = one->n_addrs,
			.macs = macs,
		};
		macs += WORKLOAD_PORTS_MAX;
		one->world_at = (uint32_t)n++;
	}
	return n;
}

/* As workload_as_intent(), but all at once. */
static void list_macs(const struct registry *r, struct world *w, size_t first)
{
	for (const struct port *p = r->ports; p; p = p->next) {
		struct intent_workload *one;
		size_t n;

		if (!p->workload || !port_is_judged(p))
			continue;
		n = p->workload->world_at;
		one = &w->list[n];
		if (one->n_macs < WORKLOAD_PORTS_MAX)
			w->macs[(n - first) * WORKLOAD_PORTS_MAX +
				one->n_macs++] = p->plane_mac;
	}
}

int world_now(struct agent *a, struct intent_world *ret)
{
	struct registry *r = &a->registry;
	const struct intent_workload *pods = NULL;
	size_t n_pods = kubernetes_elsewhere(a, &pods), n;
	struct world *w = a->world;

	if (!w)
		w = a->world = calloc(1, sizeof *w);
	if (!w ||
	    !make_room(w, (size_t)r->n_remote + r->n_workloads + n_pods + 1,
		       ((size_t)r->n_workloads + 1) * WORKLOAD_PORTS_MAX) ||
	    !list_remote(r, w))
		return -ENOMEM;
	n = list_here(r, w, w->n_remote);
	list_macs(r, w, w->n_remote);
	/* as those of other nodes they are peers only: no port is theirs here */
	if (n_pods > 0)
		memcpy(w->list + n, pods, n_pods * sizeof *pods);
	*ret = (struct intent_world){ .workloads = w->list,
				      .n = n + n_pods,
				      .known = w->known,
				      .node = a->node_addrs,
				      .n_node = a->n_node_addrs,
				      .icmp_enforced = true };
	return 0;
}

void world_free(struct world *w)
{
	if (!w)
		return;
	intent_known_free(w->known);
	free(w->list);
	free(w->macs);
	free(w);
}
