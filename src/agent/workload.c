/*
 * Lists, since a host has hundreds of each, and they are walked when something
 * changes, not when a frame comes.
 */
#include "agent/workload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/patient.h"
#include "agent/whose.h"
#include "base/limits.h"

struct container *registry_container(const struct registry *r, unsigned source,
				     const char *id)
{
	struct container *c = r->containers;

	while (c && (c->source != source || strcmp(c->id, id) != 0))
		c = c->next;
	return c;
}

struct workload *registry_by_ns(const struct registry *r,
				const struct netns *ns)
{
	struct workload *w = r->workloads;

	while (w && (w->ns.fd < 0 || !netns_equal(&w->ns, ns)))
		w = w->next;
	return w;
}

struct workload *registry_by_id(const struct registry *r, const char *id)
{
	struct workload *w = r->workloads;

	while (w && strcmp(w->id, id) != 0)
		w = w->next;
	return w;
}

struct port *registry_port(const struct registry *r, uint32_t host_ifindex)
{
	struct port *p = r->ports;

	while (p && (p->host_ifindex == 0 || p->host_ifindex != host_ifindex))
		p = p->next;
	return p;
}

struct port *registry_port_by_mac(const struct registry *r, struct mac mac)
{
	struct port *p = r->ports;

	while (p && !mac_equal(p->plane_mac, mac))
		p = p->next;
	return p;
}

void registry_macs_changed(struct registry *r)
{
	whose_free(r->by_mac);
	r->by_mac = NULL;
}

void registry_changed(struct registry *r)
{
	registry_macs_changed(r);
	whose_free(r->by_addr);
	r->by_addr = NULL;
	r->changes++;
}

static void add_gone_macs(struct registry *r, struct workload *list)
{
	for (struct workload *w = list; w; w = w->next)
		for (size_t i = 0; i < w->n_gone_macs; i++)
			whose_add(r->by_mac, whose_mac(w->gone_macs[i]), w);
}

/* Who is here first: an index keeps the first of a key. */
static void index_macs(struct registry *r)
{
	r->by_mac = whose_new();
	if (!r->by_mac)
		return; /* all are nobody's until there is memory */
	for (struct port *p = r->ports; p; p = p->next)
		if (p->workload && !mac_is_zero(p->plane_mac))
			whose_add(r->by_mac, whose_mac(p->plane_mac),
				  p->workload);
	add_gone_macs(r, r->workloads);
	add_gone_macs(r, r->gone);
}

static void index_addrs(struct registry *r)
{
	struct workload *const lists[] = { r->workloads, r->remote, r->gone };

	r->by_addr = whose_new();
	for (size_t l = 0; r->by_addr && l < sizeof lists / sizeof *lists; l++)
		for (struct workload *w = lists[l]; w; w = w->next)
			for (size_t i = 0; i < w->n_addrs; i++)
				whose_add(r->by_addr, whose_addr(w->addrs[i]),
					  w);
}

struct workload *registry_by_mac(struct registry *r, struct mac mac)
{
	if (!r->by_mac)
		index_macs(r);
	return r->by_mac ? whose_find(r->by_mac, whose_mac(mac)) : NULL;
}

struct workload *registry_by_addr(struct registry *r, struct ip_addr a)
{
	if (!r->by_addr)
		index_addrs(r);
	return r->by_addr ? whose_find(r->by_addr, whose_addr(a)) : NULL;
}

static bool is_called(const struct workload *w, const char *text)
{
	return strcmp(workload_name(w), text) == 0 ||
	       strcmp(workload_text(w, "name"), text) == 0 ||
	       strcmp(w->id, text) == 0;
}

static bool id_begins(const struct workload *w, const char *text)
{
	const char *bare = strchr(w->id, ':');
	size_t len = strlen(text);

	return strncmp(w->id, text, len) == 0 ||
	       (bare && strncmp(bare + 1, text, len) == 0);
}

int registry_find(const struct registry *r, const char *text,
		  struct workload **ret, struct err *reterr)
{
	bool (*const fits[])(const struct workload *,
			     const char *) = { is_called, id_begins };

	for (size_t how = 0; text[0] && how < 2; how++) {
		struct workload *found = NULL, *other = NULL;

		for (struct workload *w = r->workloads; w; w = w->next) {
			if (!fits[how](w, text))
				continue;
			other = found;
			found = w;
			if (other)
				return err_set(reterr, ENOTUNIQ, "workload",
					       "\"%.64s\" is %s, and %s; say "
					       "the id",
					       text, found->id, other->id);
		}
		if (found) {
			*ret = found;
			return 0;
		}
	}
	return err_set(reterr, ENOENT, "workload",
		       "no workload \"%.64s\"; weir ls shows all", text);
}

struct container *registry_add_container(struct registry *r, unsigned source,
					 const char *id)
{
	struct container *c = NULL;

	if (r->n_containers < CONTAINERS_MAX)
		c = patient_calloc(sizeof *c);
	if (!c) {
		r->refused++;
		return NULL;
	}
	c->source = source;
	(void)snprintf(c->id, sizeof c->id, "%s", id);
	c->next = r->containers;
	r->containers = c;
	r->n_containers++;
	return c;
}

struct workload *registry_add_workload(struct registry *r, const char *id)
{
	struct workload *w = NULL, **end = &r->workloads;

	if (r->n_workloads < WORKLOADS_MAX)
		w = patient_calloc(sizeof *w);
	if (!w) {
		r->refused++;
		return NULL;
	}
	(void)snprintf(w->id, sizeof w->id, "%s", id);
	w->ns.fd = -1;
	while (*end)
		end = &(*end)->next;
	*end = w;
	r->n_workloads++;
	return w;
}

struct port *registry_add_port(struct registry *r)
{
	struct port *p = NULL;

	if (r->n_ports < PORTS_MAX)
		p = patient_calloc(sizeof *p);
	if (!p) {
		r->refused++;
		return NULL;
	}
	p->peer_nsid = -1;
	p->next = r->ports;
	r->ports = p;
	r->n_ports++;
	return p;
}

void registry_del_container(struct registry *r, struct container *c)
{
	struct container **at = &r->containers;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	r->n_containers--;
	json_decref(c->about);
	free(c);
}

static void free_workload(struct workload *w)
{
	netwatch_free(w->watch);
	netns_done(&w->ns);
	json_decref(w->about);
	json_decref(w->groups);
	free(w->addrs);
	free(w);
}

/* Its namespace is let go at once: it may end only then. */
static void remember(struct registry *r, struct workload *w)
{
	struct workload **at = &r->gone;

	netwatch_free(w->watch);
	w->watch = NULL;
	netns_done(&w->ns);
	w->next = r->gone;
	r->gone = w;
	if (++r->n_gone <= WORKLOADS_GONE_MAX)
		return;
	while ((*at)->next)
		at = &(*at)->next;
	free_workload(*at);
	*at = NULL;
	r->n_gone--;
}

void registry_del_workload(struct registry *r, struct workload *w)
{
	struct workload **at = &r->workloads;

	for (struct port *p = r->ports; p; p = p->next) {
		if (p->workload != w)
			continue;
		if (!mac_is_zero(p->plane_mac) &&
		    w->n_gone_macs < WORKLOAD_GONE_MACS)
			w->gone_macs[w->n_gone_macs++] = p->plane_mac;
		p->workload = NULL;
	}
	for (struct container *c = r->containers; c; c = c->next)
		if (c->workload == w)
			c->workload = NULL;
	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	r->n_workloads--;
	remember(r, w);
	registry_changed(r);
}

void registry_del_port(struct registry *r, struct port *p)
{
	struct port **at = &r->ports;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	r->n_ports--;
	if (p->workload && !mac_is_zero(p->plane_mac) &&
	    p->workload->n_gone_macs < WORKLOAD_GONE_MACS)
		p->workload->gone_macs[p->workload->n_gone_macs++] =
			p->plane_mac;
	free(p);
	registry_changed(r);
}

void registry_done(struct registry *r)
{
	while (r->containers)
		registry_del_container(r, r->containers);
	while (r->workloads)
		registry_del_workload(r, r->workloads);
	while (r->ports)
		registry_del_port(r, r->ports);
	while (r->gone) {
		struct workload *w = r->gone;

		r->gone = w->next;
		free_workload(w);
	}
	registry_changed(r);
}

const char *workload_text(const struct workload *w, const char *member)
{
	const char *s = json_string_value(json_object_get(w->about, member));

	return s ? s : "";
}

const char *workload_name(const struct workload *w)
{
	static char buf[WORKLOAD_TEXT_MAX];
	const char *name = workload_text(w, "pod");
	const char *space = workload_text(w, "namespace");

	if (!name[0])
		name = workload_text(w, "name");
	/* compose projects are in the containers' names already */
	if (!space[0] || !workload_text(w, "pod")[0])
		return name[0] ? name : w->id;
	(void)snprintf(buf, sizeof buf, "%s.%s", name, space);
	return buf;
}

bool port_is_judged(const struct port *p)
{
	return p->state == PORT_DIVERTED && !mac_is_zero(p->plane_mac);
}

struct intent_workload workload_as_intent(const struct registry *r,
					  const struct workload *w,
					  struct mac *macs)
{
	size_t n = 0;

	for (const struct port *p = r->ports; p; p = p->next)
		if (p->workload == w && port_is_judged(p) &&
		    n < WORKLOAD_PORTS_MAX)
			macs[n++] = p->plane_mac;
	return (struct intent_workload){ .id = w->id,
					 .about = w->about,
					 .addrs = w->addrs,
					 .n_addrs = w->n_addrs,
					 .macs = macs,
					 .n_macs = n };
}

const char *port_state_name(enum port_state s)
{
	static const char *const names[] = { "free", "diverted", "failed" };

	_Static_assert(sizeof names / sizeof *names == PORT_STATE__MAX,
		       "a name for each");
	return names[s];
}

const char *port_layout_name(enum port_layout l)
{
	static const char *const names[] = { "in place", "listened",
					     "spliced" };

	_Static_assert(sizeof names / sizeof *names == PORT_LAYOUT__MAX,
		       "a name for each");
	return names[l];
}
