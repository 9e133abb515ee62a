/*
 * A cursor over the tables of all workers is the worker's number above the
 * cursor in its table: four bits of 32, eight of 64.
 */
#include "dp/ask.h"

#include <stdlib.h>

#include "inspect/counts.h"

#define FLOWS_SHIFT  28
#define METERS_SHIFT 56

_Static_assert(FLOWS_MAX < 1u << FLOWS_SHIFT, "below the worker's number");
_Static_assert(WORKERS_MAX <= 1u << (32 - FLOWS_SHIFT), "four bits");
_Static_assert((uint64_t)METER_KIND__MAX << 32 < (uint64_t)1 << METERS_SHIFT,
	       "below the worker's number");

struct flows_question {
	uint32_t cursor; /* in this worker's table */
	struct session_record *records;
	size_t n, max;
};

static void do_flows(struct worker_view *view, void *arg)
{
	struct flows_question *q = arg;

	q->n = inspect_copy_flows(view->inspect, &q->cursor, view->now,
				  q->records, q->max);
}

void ask_flows(const struct workers *ws, uint32_t cursor, size_t max,
	       struct flow_page *ret)
{
	unsigned i = cursor >> FLOWS_SHIFT;
	struct flows_question q = { .cursor = cursor &
					      ((1u << FLOWS_SHIFT) - 1) };

	ret->n = 0;
	for (; i < ws->n && ret->n < max; i++) {
		q.records = ret->records + ret->n;
		q.max = max - ret->n;
		worker_ask(ws->at[i], do_flows, &q);
		ret->n += q.n;
		ret->cursor = i << FLOWS_SHIFT | q.cursor;
		q.cursor = 0;
	}
}

struct blocks_question {
	usec_t now;
	size_t n;
	struct block_record records[BLOCKS_MAX];
};

static void do_blocks(struct worker_view *view, void *arg)
{
	struct blocks_question *q = arg;

	q->now = view->now;
	q->n = inspect_copy_blocks(view->inspect, q->records);
}

/* Both are the newest first, and so is what comes of it. */
static void merge_blocks(struct block_list *list,
			 const struct blocks_question *q)
{
	size_t a = list->n, b = q->n;

	list->now = q->now;
	list->n += q->n;
	for (size_t to = list->n; b > 0; to--)
		if (a > 0 &&
		    list->records[a - 1].last_us < q->records[b - 1].last_us) {
			list->records[to - 1] = list->records[a - 1];
			a--;
		} else {
			list->records[to - 1] = q->records[b - 1];
			b--;
		}
}

struct block_list *ask_blocks(const struct workers *ws)
{
	static struct blocks_question q; /* 30 kB; one control thread */
	struct block_list *list =
		malloc(sizeof *list +
		       (size_t)ws->n * BLOCKS_MAX * sizeof *list->records);

	if (!list)
		return NULL;
	list->n = 0;
	for (unsigned i = 0; i < ws->n; i++) {
		worker_ask(ws->at[i], do_blocks, &q);
		merge_blocks(list, &q);
	}
	return list;
}

static void do_counts(struct worker_view *view, void *arg)
{
	*(struct inspect_counts *)arg = inspect_counts(view->inspect);
}

struct inspect_counts ask_counts_of(struct worker *w)
{
	struct inspect_counts c;

	worker_ask(w, do_counts, &c);
	return c;
}

struct inspect_counts ask_counts(const struct workers *ws)
{
	struct inspect_counts sum = { .frames_in = 0 };

	for (unsigned i = 0; i < ws->n; i++) {
		struct inspect_counts c = ask_counts_of(ws->at[i]);

		inspect_counts_add(&sum, &c);
	}
	return sum;
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

static uint32_t end_flows(struct worker *w, struct flow_pick pick)
{
	struct sweep s = { .pick = pick };

	do
		worker_ask(w, do_sweep, &s);
	while (s.more);
	return s.ended;
}

uint32_t ask_end_flows(const struct workers *ws, struct flow_pick pick)
{
	uint32_t ended = 0;

	for (unsigned i = 0; i < ws->n; i++)
		ended += end_flows(ws->at[i], pick);
	return ended;
}

struct killing {
	struct kills kills;
	bool more;
};

static void do_kill(struct worker_view *view, void *arg)
{
	struct killing *k = arg;

	k->more = inspect_kill(view->inspect, &k->kills);
}

void ask_kill(const struct workers *ws, const uint32_t *ids, size_t n,
	      uint32_t *ret_killed, uint32_t *ret_watched)
{
	*ret_killed = *ret_watched = 0;
	for (unsigned i = 0; i < ws->n; i++) {
		struct killing k = { .kills = { .ids = ids, .n = n } };

		do
			worker_ask(ws->at[i], do_kill, &k);
		while (k.more);
		*ret_killed += k.kills.killed;
		*ret_watched += k.kills.watched;
	}
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

void ask_endpoint_leaves(const struct workers *ws, uint16_t endpoint,
			 struct mac mac)
{
	struct leaving l = { endpoint, mac };

	workers_ask(ws, do_leaves, &l);
}

static void do_forget(struct worker_view *view, void *arg)
{
	inspect_forget_endpoint(view->inspect, *(const uint16_t *)arg);
}

void ask_forget_endpoint(const struct workers *ws, uint16_t endpoint)
{
	struct flow_pick pick = { FLOW_PICK_ENDPOINT, endpoint };

	(void)ask_end_flows(ws, pick);
	workers_ask(ws, do_forget, &endpoint);
}

void ask_forget_moved(struct worker *w, uint16_t endpoint)
{
	struct flow_pick pick = { FLOW_PICK_ENDPOINT, endpoint };

	(void)end_flows(w, pick);
	worker_ask(w, do_forget, &endpoint);
}

static void do_adopt(struct worker_view *view, void *arg)
{
	/* what was before is the control thread's to free */
	(void)inspect_adopt(view->inspect, arg);
}

void ask_adopt(const struct workers *ws, const struct snapshot *s)
{
	workers_ask(ws, do_adopt, (void *)(uintptr_t)s);
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

void ask_generation(const struct workers *ws, uint64_t generation)
{
	if (generation)
		workers_ask(ws, do_generation, &generation);
}

static void do_configure(struct worker_view *view, void *arg)
{
	inspect_configure(view->inspect, arg);
}

void ask_configure(const struct workers *ws, const struct inspect_settings *s)
{
	workers_ask(ws, do_configure, (void *)(uintptr_t)s);
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

static void do_findings(struct worker_view *view, void *arg)
{
	struct finding_page *page = arg;

	page->n = inspect_drain_findings(view->inspect, page->records,
					 FINDINGS_PER_QUESTION);
}

void ask_findings(struct worker *w, struct finding_page *ret)
{
	worker_ask(w, do_findings, ret);
}

static void do_trail(struct worker_view *view, void *arg)
{
	struct trail_page *page = arg;

	page->n = inspect_drain_trail(view->inspect, page->records,
				      TRAIL_PER_QUESTION);
}

void ask_trail(struct worker *w, struct trail_page *ret)
{
	worker_ask(w, do_trail, ret);
}

static void do_ip_names(struct worker_view *view, void *arg)
{
	struct ip_name_page *page = arg;

	page->n += inspect_drain_ip_names(view->inspect,
					  page->records + page->n,
					  IP_NAMES_PER_QUESTION - page->n);
}

void ask_ip_names(const struct workers *ws, struct ip_name_page *ret)
{
	ret->n = 0;
	workers_ask(ws, do_ip_names, ret);
}

static void do_ports(struct worker_view *view, void *arg)
{
	struct port_page *page = arg;

	page->n += inspect_drain_ports(view->inspect, page->records + page->n,
				       PORT_NEWS_PER_QUESTION - page->n);
}

void ask_ports(const struct workers *ws, struct port_page *ret)
{
	ret->n = 0;
	workers_ask(ws, do_ports, ret);
}

struct ip_name_question {
	struct ip_addr addr;
	bool there;
};

static void do_has_ip_name(struct worker_view *view, void *arg)
{
	struct ip_name_question *q = arg;

	q->there |= inspect_has_ip_name(view->inspect, q->addr);
}

bool ask_has_ip_name(const struct workers *ws, struct ip_addr a)
{
	struct ip_name_question q = { .addr = a };

	workers_ask(ws, do_has_ip_name, &q);
	return q.there;
}

static void do_fqdn(struct worker_view *view, void *arg)
{
	struct fqdn_record *record = arg;

	if (!inspect_drain_fqdn(view->inspect, record))
		record->n_ips = 0;
}

bool ask_fqdn(const struct workers *ws, struct fqdn_record *ret)
{
	ret->n_ips = 0;
	for (unsigned i = 0; i < ws->n && ret->n_ips == 0; i++)
		worker_ask(ws->at[i], do_fqdn, ret);
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

struct meters_question {
	struct meter_page *page;
	uint64_t cursor; /* in this worker's tables */
};

static void do_meters(struct worker_view *view, void *arg)
{
	struct meters_question *q = arg;
	struct meter_page *page = q->page;

	page->n += inspect_copy_meters(view->inspect, &q->cursor, view->now,
				       page->records + page->n,
				       METERS_PER_MSG - page->n);
}

void ask_meters(const struct workers *ws, struct meter_page *ret)
{
	struct meters_question q = {
		.page = ret,
		.cursor = ret->cursor & (((uint64_t)1 << METERS_SHIFT) - 1),
	};

	ret->n = 0;
	for (uint64_t i = ret->cursor >> METERS_SHIFT;
	     i < ws->n && ret->n < METERS_PER_MSG; i++) {
		worker_ask(ws->at[i], do_meters, &q);
		ret->cursor = i << METERS_SHIFT | q.cursor;
		q.cursor = 0;
	}
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

struct stats_record ask_traffic(const struct workers *ws,
				const uint16_t *endpoints, size_t n)
{
	struct traffic_question q = { .endpoints = endpoints, .n = n };

	if (n)
		workers_ask(ws, do_traffic, &q);
	return q.sum;
}

struct each_question {
	const uint16_t *endpoints;
	size_t n;
	struct stats_record *sums;
};

static void do_traffic_each(struct worker_view *view, void *arg)
{
	const struct each_question *q = arg;

	for (size_t i = 0; i < q->n; i++)
		inspect_add_traffic(view->inspect, q->endpoints[i], view->now,
				    &q->sums[i]);
}

void ask_traffic_each(const struct workers *ws, const uint16_t *endpoints,
		      size_t n, struct stats_record *ret)
{
	struct each_question q = { endpoints, n, ret };

	if (n)
		workers_ask(ws, do_traffic_each, &q);
}

struct stats_record ask_device_traffic(const struct workers *ws)
{
	struct traffic_question q = { .endpoints = NULL };

	workers_ask(ws, do_traffic, &q);
	return q.sum;
}

static void do_adopt_signatures(struct worker_view *view, void *arg)
{
	inspect_adopt_signatures(view->inspect, arg);
}

void ask_adopt_signatures(struct worker *w, struct sig_lane *lane)
{
	worker_ask(w, do_adopt_signatures, lane);
}

static void do_give_back(struct worker_view *view, void *arg)
{
	*(struct sig_lane **)arg = inspect_give_back_signatures(view->inspect);
}

struct sig_lane *ask_give_back_signatures(struct worker *w)
{
	struct sig_lane *lane;

	worker_ask(w, do_give_back, &lane);
	return lane;
}

static void do_drop_set(struct worker_view *view, void *arg)
{
	inspect_drop_set(view->inspect, *(const struct sig_set **)arg);
}

void ask_drop_set(struct worker *w, const struct sig_set *set)
{
	worker_ask(w, do_drop_set, &set);
}

static void do_drop_signatures(struct worker_view *view, void *arg)
{
	inspect_drop_signatures(view->inspect);
}

void ask_drop_signatures(struct worker *w)
{
	worker_ask(w, do_drop_signatures, NULL);
}

static void do_adopt_sensors(struct worker_view *view, void *arg)
{
	struct sensor_lane **lane = arg;

	*lane = inspect_adopt_sensors(view->inspect, *lane);
}

struct sensor_lane *ask_adopt_sensors(struct worker *w,
				      struct sensor_lane *lane)
{
	worker_ask(w, do_adopt_sensors, &lane);
	return lane;
}
