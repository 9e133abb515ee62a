#include "dp/ask.h"

struct flows_question {
	struct flow_page *page;
	size_t max;
};

static void do_flows(struct worker_view *view, void *arg)
{
	struct flows_question *q = arg;

	q->page->n = inspect_copy_flows(view->inspect, &q->page->cursor,
					view->now, q->page->records, q->max);
}

void ask_flows(struct worker *w, uint32_t cursor, size_t max,
	       struct flow_page *ret)
{
	struct flows_question q = { ret, max };

	ret->cursor = cursor;
	worker_ask(w, do_flows, &q);
}

static void do_blocks(struct worker_view *view, void *arg)
{
	struct block_list *list = arg;

	list->now = view->now;
	list->n = inspect_copy_blocks(view->inspect, list->records);
}

void ask_blocks(struct worker *w, struct block_list *ret)
{
	worker_ask(w, do_blocks, ret);
}

static void do_counts(struct worker_view *view, void *arg)
{
	*(struct inspect_counts *)arg = inspect_counts(view->inspect);
}

struct inspect_counts ask_counts(struct worker *w)
{
	struct inspect_counts c;

	worker_ask(w, do_counts, &c);
	return c;
}

struct sweep {
	struct flow_pick pick;
	uint32_t cursor, ended;
	bool more;
};

static void do_sweep(struct worker_view *view, void *arg)
{
	struct sweep *s = arg;

	s->more = inspect_end_flows(view->inspect, s->pick, &s->cursor,
				    &s->ended);
}

uint32_t ask_end_flows(struct worker *w, struct flow_pick pick)
{
	struct sweep s = { .pick = pick };

	do
		worker_ask(w, do_sweep, &s);
	while (s.more);
	return s.ended;
}

struct leaving {
	uint16_t endpoint;
	struct mac mac;
};

static void do_leaves(struct worker_view *view, void *arg)
{
	const struct leaving *l = arg;

	inspect_endpoint_leaves(view->inspect, l->endpoint, l->mac);
}

void ask_endpoint_leaves(struct worker *w, uint16_t endpoint, struct mac mac)
{
	struct leaving l = { endpoint, mac };

	worker_ask(w, do_leaves, &l);
}

static void do_forget(struct worker_view *view, void *arg)
{
	inspect_forget_endpoint(view->inspect, *(const uint16_t *)arg);
}

void ask_forget_endpoint(struct worker *w, uint16_t endpoint)
{
	struct flow_pick pick = { FLOW_PICK_ENDPOINT, endpoint };

	(void)ask_end_flows(w, pick);
	worker_ask(w, do_forget, &endpoint);
}

static void do_adopt(struct worker_view *view, void *arg)
{
	/* what was before is the control thread's to free */
	(void)inspect_adopt(view->inspect, arg);
}

void ask_adopt(struct worker *w, const struct snapshot *s)
{
	worker_ask(w, do_adopt, (void *)(uintptr_t)s);
}

static void do_cache(struct worker_view *view, void *arg)
{
	struct verdict_cache **c = arg;

	*c = inspect_set_cache(view->inspect, *c);
}

struct verdict_cache *ask_cache(struct worker *w, struct verdict_cache *c)
{
	worker_ask(w, do_cache, &c);
	return c;
}

static void do_generation(struct worker_view *view, void *arg)
{
	inspect_set_generation(view->inspect, *(const uint64_t *)arg);
}

void ask_generation(struct worker *w, uint64_t generation)
{
	if (generation)
		worker_ask(w, do_generation, &generation);
}

static void do_configure(struct worker_view *view, void *arg)
{
	inspect_configure(view->inspect, arg);
}

void ask_configure(struct worker *w, const struct inspect_settings *s)
{
	worker_ask(w, do_configure, (void *)(uintptr_t)s);
}

static void do_connections(struct worker_view *view, void *arg)
{
	struct connection_page *page = arg;

	page->n = inspect_drain_connections(view->inspect, page->records,
					    CONNECTIONS_PER_MSG);
}

void ask_connections(struct worker *w, struct connection_page *ret)
{
	worker_ask(w, do_connections, ret);
}

static void do_connections_waiting(struct worker_view *view, void *arg)
{
	*(uint32_t *)arg = inspect_connections_pending(view->inspect);
}

uint32_t ask_connections_waiting(struct worker *w)
{
	uint32_t n;

	worker_ask(w, do_connections_waiting, &n);
	return n;
}

static void do_threats(struct worker_view *view, void *arg)
{
	struct threat_page *page = arg;

	page->n = inspect_drain_threats(view->inspect, page->records,
					THREATS_PER_QUESTION);
}

void ask_threats(struct worker *w, struct threat_page *ret)
{
	worker_ask(w, do_threats, ret);
}

static void do_ip_names(struct worker_view *view, void *arg)
{
	struct ip_name_page *page = arg;

	page->n = inspect_drain_ip_names(view->inspect, page->records,
					 IP_NAMES_PER_QUESTION);
}

void ask_ip_names(struct worker *w, struct ip_name_page *ret)
{
	worker_ask(w, do_ip_names, ret);
}

static void do_fqdn(struct worker_view *view, void *arg)
{
	struct fqdn_record *record = arg;

	if (!inspect_drain_fqdn(view->inspect, record))
		record->n_ips = 0;
}

bool ask_fqdn(struct worker *w, struct fqdn_record *ret)
{
	worker_ask(w, do_fqdn, ret);
	return ret->n_ips > 0;
}

static void do_names(struct worker_view *view, void *arg)
{
	struct names_answer *a = arg;

	a->n = inspect_names_of(view->inspect, a->endpoint, a->addr, view->now,
				a->ids);
}

void ask_names(struct worker *w, uint16_t endpoint, struct ip_addr addr,
	       struct names_answer *ret)
{
	ret->endpoint = endpoint;
	ret->addr = addr;
	worker_ask(w, do_names, ret);
}

static void do_meters(struct worker_view *view, void *arg)
{
	struct meter_page *page = arg;

	page->n = inspect_copy_meters(view->inspect, &page->cursor, view->now,
				      page->records, METERS_PER_MSG);
}

void ask_meters(struct worker *w, struct meter_page *ret)
{
	worker_ask(w, do_meters, ret);
}

struct traffic_question {
	const uint16_t *endpoints; /* NULL: the device */
	size_t n;
	struct stats_record sum;
};

static void do_traffic(struct worker_view *view, void *arg)
{
	struct traffic_question *q = arg;

	if (!q->endpoints)
		inspect_add_device_traffic(view->inspect, view->now, &q->sum);
	for (size_t i = 0; i < q->n; i++)
		inspect_add_traffic(view->inspect, q->endpoints[i], view->now,
				    &q->sum);
}

struct stats_record ask_traffic(struct worker *w, const uint16_t *endpoints,
				size_t n)
{
	struct traffic_question q = { .endpoints = endpoints, .n = n };

	if (n)
		worker_ask(w, do_traffic, &q);
	return q.sum;
}

struct stats_record ask_device_traffic(struct worker *w)
{
	struct traffic_question q = { .endpoints = NULL };

	worker_ask(w, do_traffic, &q);
	return q.sum;
}
