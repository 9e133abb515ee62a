/*
 * What a source tells, against a plain model of what it has told: random finds,
 * ends and lists of a few containers, each compared with the news it makes.
 */
#include <stdio.h>
#include <string.h>

#include "base/mailbox.h"
#include "runtime/source.h"
#include "seed.h"
#include "test.h"

#define IDS    12
#define ROUNDS 3000

/* What the source should know of each. */
struct model {
	bool known, unreadable, listed;
	unsigned what;	/* variant of `about`, or of why it is unreadable */
	unsigned netns; /* 0: the host's */
	uint64_t brief;
};

static void news_done(void *item)
{
	runtime_news_done(item);
}

struct world {
	struct mailbox box;
	struct netns own;
	struct source s;
	struct model m[IDS];
	uint64_t random;
};

static const char *id_of(unsigned i)
{
	static char id[8];

	(void)snprintf(id, sizeof id, "c%u", i);
	return id;
}

/* The next of the news is this; i: of which container, IDS for none. */
static void expect(struct world *w, enum news_kind kind, unsigned i)
{
	struct runtime_news n;

	assert_true(mailbox_take(&w->box, &n));
	assert_int_equal(n.kind, kind);
	assert_string_equal(n.id, i < IDS ? id_of(i) : "");
	assert_int_equal(n.about != NULL, kind == NEWS_FOUND);
	if (kind == NEWS_FOUND) {
		const struct model *m = &w->m[i];

		assert_int_equal(
			json_integer_value(json_object_get(n.about, "what")),
			m->what);
		assert_int_equal(
			json_is_true(json_object_get(n.about, "host_network")),
			m->netns == 0);
		assert_int_equal(n.ns.ino, m->netns);
	}
	runtime_news_done(&n);
}

static void expect_none(struct world *w)
{
	struct runtime_news n;

	assert_false(mailbox_take(&w->box, &n));
}

static void find(struct world *w, unsigned i, uint64_t brief)
{
	struct model now = { .known = true, .brief = brief, .listed = true };
	struct process p = { .ns = { .fd = -1, .dev = 1 } };
	const struct model *m = &w->m[i];
	bool same;

	now.what = seed_draw(&w->random, 2);
	now.netns = seed_draw(&w->random, 3);
	p.ns.ino = now.netns ? now.netns : w->own.ino;
	same = m->known && !m->unreadable && m->what == now.what &&
	       m->netns == now.netns;
	w->m[i] = now;
	assert_int_equal(source_found(&w->s, id_of(i),
				      json_pack("{si}", "what", (int)now.what),
				      &p, brief),
			 0);
	if (!same)
		expect(w, NEWS_FOUND, i);
	expect_none(w);
}

static void lose(struct world *w, unsigned i)
{
	bool known = w->m[i].known;

	w->m[i] = (struct model){ 0 };
	assert_int_equal(source_gone(&w->s, id_of(i)), 0);
	if (known)
		expect(w, NEWS_GONE, i);
	expect_none(w);
}

static void puzzle(struct world *w, unsigned i)
{
	struct model now = { .known = true, .unreadable = true };
	const struct model *m = &w->m[i];
	bool same;

	now.what = seed_draw(&w->random, 2);
	now.listed = m->listed;
	same = m->known && m->unreadable && m->what == now.what;
	w->m[i] = now;
	assert_int_equal(
		source_unreadable(&w->s, id_of(i), now.what ? "odd" : "even"),
		0);
	if (!same)
		expect(w, NEWS_UNREADABLE, i);
	expect_none(w);
}

static void list(struct world *w, bool first)
{
	char id[RUNTIME_ID_MAX];

	assert_int_equal(source_list_begin(&w->s, first), 0);
	for (unsigned i = 0; i < IDS; i++) {
		if (first)
			w->m[i].known = false;
		w->m[i].listed = false;
	}
	if (first)
		expect(w, NEWS_LIST_BEGIN, IDS);
	for (unsigned i = 0; i < IDS; i++) {
		struct model *m = &w->m[i];
		uint64_t brief = 1 + seed_draw(&w->random, 2);
		bool same = m->known && !m->unreadable && m->brief == brief;

		if (seed_draw(&w->random, 3) == 0)
			continue;
		m->listed = true;
		assert_int_equal(source_list_same(&w->s, id_of(i), brief),
				 same);
		if (!same)
			find(w, i, brief);
	}
	while (source_list_missing(&w->s, id)) {
		unsigned i = 0;

		while (strcmp(id, id_of(i)) != 0)
			i++;
		assert_true(w->m[i].known && !w->m[i].listed);
		w->m[i].listed = true; /* named once a list */
		if (seed_draw(&w->random, 2))
			lose(w, i);
	}
	for (unsigned i = 0; i < IDS; i++)
		assert_true(w->m[i].listed || !w->m[i].known);
	assert_int_equal(source_list_end(&w->s), 0);
	if (first)
		expect(w, NEWS_LIST_END, IDS);
	expect_none(w);
}

static void test_model(void **state)
{
	struct world w = { .random = seed_choose() | 1,
			   .own = { .fd = -1, .dev = 1, .ino = 77 } };

	assert_int_equal(mailbox_init(&w.box, sizeof(struct runtime_news),
				      RUNTIME_NEWS_MAX, news_done, NULL),
			 0);
	w.s = (struct source){ .box = &w.box, .own = &w.own, .stop_fd = -1 };
	list(&w, true);
	for (int round = 0; round < ROUNDS; round++) {
		unsigned i = seed_draw(&w.random, IDS);

		switch (seed_draw(&w.random, 8)) {
		case 0: list(&w, seed_draw(&w.random, 4) == 0); break;
		case 1:
		case 2: lose(&w, i); break;
		case 3: puzzle(&w, i); break;
		default: find(&w, i, 0);
		}
	}
	source_forget(&w.s);
	mailbox_done(&w.box);
}

/* One more than there may be is told of, and not followed. */
static void test_too_many(void **state)
{
	struct world w = { .own = { .fd = -1, .dev = 1, .ino = 77 } };
	char id[16];

	assert_int_equal(mailbox_init(&w.box, sizeof(struct runtime_news),
				      RUNTIME_NEWS_MAX, news_done, NULL),
			 0);
	w.s = (struct source){ .box = &w.box, .own = &w.own, .stop_fd = -1 };
	for (unsigned i = 0; i <= RUNTIME_CONTAINERS_MAX; i++) {
		struct process p = { .ns = { .fd = -1, .dev = 1, .ino = i } };
		struct runtime_news n;

		(void)snprintf(id, sizeof id, "c%u", i);
		assert_int_equal(source_found(&w.s, id, json_object(), &p, 1),
				 0);
		assert_true(mailbox_take(&w.box, &n));
		assert_int_equal(n.kind, i < RUNTIME_CONTAINERS_MAX
						 ? NEWS_FOUND
						 : NEWS_UNREADABLE);
		runtime_news_done(&n);
	}
	source_forget(&w.s);
	mailbox_done(&w.box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
