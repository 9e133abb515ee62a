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

static void do_forget_blocks(struct worker_view *view, void *arg)
{
	inspect_forget_blocks(view->inspect, *(const uint16_t *)arg);
}

void ask_forget_endpoint(struct worker *w, uint16_t endpoint)
{
	struct flow_pick pick = { FLOW_PICK_ENDPOINT, endpoint };

	(void)ask_end_flows(w, pick);
	worker_ask(w, do_forget_blocks, &endpoint);
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
