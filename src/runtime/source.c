/*
 * What was told of a container is kept as a hash, not as the JSON: that has one
 * owner, the receiver, and no thread ever sees another's. `round` marks what a
 * list has touched; what it has not is missing. The first list of a session
 * begins with nothing known, so all in it is told; what is known outlives the
 * session only in the receiver.
 *
 * How soon a lost runtime is tried again: one that is not there costs a
 * connect(2), so it is tried soon and always. One that answers, but wrongly,
 * gets more time with each try.
 */
#include "runtime/source.h"

#include <errno.h>
#include <poll.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/bug.h"
#include "base/clock.h"

struct told {
	const char *id; /* first, as a key has it; behind the struct */
	uint64_t hash;	/* of `about`, or of why it is unreadable */
	uint64_t brief;
	uint64_t dev, ino, start;
	pid_t pid;
	uint32_t round;
	bool unreadable;
};

static int by_id(const void *a, const void *b)
{
	const struct told *x = a, *y = b;

	return strcmp(x->id, y->id);
}

static struct told *find(const struct source *s, const char *id)
{
	const struct told key = { .id = id };
	void *const *node = tfind(&key, &s->told, by_id);

	return node ? *node : NULL;
}

/* NULL: there are too many, or no memory. */
static struct told *find_or_add(struct source *s, const char *id)
{
	struct told *t = find(s, id);
	size_t len = strlen(id) + 1;

	if (t || s->n_told == RUNTIME_CONTAINERS_MAX)
		return t;
	t = calloc(1, sizeof *t + len);
	if (!t)
		return NULL;
	t->id = memcpy(t + 1, id, len);
	if (!tsearch(t, &s->told, by_id)) {
		free(t);
		return NULL;
	}
	s->n_told++;
	return t;
}

void source_forget(struct source *s)
{
	tdestroy(s->told, free);
	s->told = NULL;
	s->n_told = 0;
}

static int tell(struct source *s, struct runtime_news *news)
{
	news->source = s->index;
	return mailbox_put(s->box, news);
}

static int tell_kind(struct source *s, enum news_kind kind)
{
	struct runtime_news news = { .kind = kind, .ns.fd = -1 };

	return tell(s, &news);
}

/* An id comes from outside; longer ones were refused where they were read. */
static void copy_id(char ret[RUNTIME_ID_MAX], const char *id)
{
	size_t len = strlen(id);

	BUG_ON(len >= RUNTIME_ID_MAX);
	memcpy(ret, id, len + 1);
}

int source_wait(struct source *s, int ms)
{
	struct pollfd p = { .fd = s->stop_fd, .events = POLLIN };

	return poll(&p, 1, ms) > 0 ? -ECANCELED : 0;
}

int source_up(struct source *s)
{
	s->up = true;
	return tell_kind(s, NEWS_UP);
}

static int down(struct source *s, const struct err *why)
{
	struct runtime_news news = { .kind = NEWS_DOWN, .ns.fd = -1 };

	(void)snprintf(news.text, sizeof news.text, "%s", why->text);
	if (!s->up && strcmp(news.text, s->why_down) == 0)
		return 0;
	s->up = false;
	s->listing = false;
	memcpy(s->why_down, news.text, sizeof s->why_down);
	return tell(s, &news);
}

int source_list_begin(struct source *s, bool first)
{
	s->round++;
	if (!first)
		return 0;
	source_forget(s);
	s->listing = true;
	return tell_kind(s, NEWS_LIST_BEGIN);
}

int source_list_end(struct source *s)
{
	if (!s->listing)
		return 0;
	s->listing = false;
	return tell_kind(s, NEWS_LIST_END);
}

bool source_list_same(struct source *s, const char *id, uint64_t brief)
{
	struct told *t = find(s, id);

	if (!t)
		return false;
	t->round = s->round;
	return !t->unreadable && t->brief == brief &&
	       (t->pid == 0 || process_alive(t->pid, t->start));
}

struct missing {
	uint32_t round;
	struct told *found;
};

static void visit(const void *node, VISIT which, void *arg)
{
	struct missing *m = arg;
	struct told *t = *(struct told *const *)node;

	if ((which == postorder || which == leaf) && t->round != m->round)
		m->found = t;
}

bool source_list_missing(struct source *s, char ret[RUNTIME_ID_MAX])
{
	struct missing m = { .round = s->round };

	twalk_r(s->told, visit, &m);
	if (!m.found)
		return false;
	m.found->round = s->round; /* named once a list */
	copy_id(ret, m.found->id);
	return true;
}

int source_gone(struct source *s, const char *id)
{
	struct runtime_news news = { .kind = NEWS_GONE, .ns.fd = -1 };
	struct told *t = find(s, id);

	if (!t)
		return 0;
	copy_id(news.id, id);
	(void)tdelete(t, &s->told, by_id); /* it is there */
	free(t);
	s->n_told--;
	return tell(s, &news);
}

int source_unreadable(struct source *s, const char *id, const char *why)
{
	struct runtime_news news = { .kind = NEWS_UNREADABLE, .ns.fd = -1 };
	struct told *t = find_or_add(s, id);
	uint64_t hash = XXH3_64bits(why, strlen(why));

	copy_id(news.id, id);
	(void)snprintf(news.text, sizeof news.text, "%s", why);
	if (t) {
		bool same = t->unreadable && t->hash == hash;

		t->round = s->round;
		t->unreadable = true;
		t->hash = hash;
		if (same)
			return 0;
	}
	return tell(s, &news);
}

static uint64_t hash_of(const json_t *about)
{
	char *text = json_dumps(about, JSON_COMPACT | JSON_SORT_KEYS);
	uint64_t hash;

	if (!text)
		return 0; /* no memory: as if it had changed */
	hash = XXH3_64bits(text, strlen(text));
	free(text);
	return hash;
}

static bool told_same(struct told *t, const struct process *p, uint64_t hash)
{
	return !t->unreadable && t->hash == hash && hash != 0 &&
	       t->dev == p->ns.dev && t->ino == p->ns.ino && t->pid == p->pid &&
	       t->start == p->start;
}

int source_found(struct source *s, const char *id, json_t *about,
		 struct process *p, uint64_t brief)
{
	struct runtime_news news = { .kind = NEWS_FOUND, .pid = p->pid };
	struct told *t = find_or_add(s, id);
	bool host = netns_equal(&p->ns, s->own), same;
	uint64_t hash;

	copy_id(news.id, id);
	/* no memory for a member: the object is told without it */
	(void)json_object_set_new(about, "runtime",
				  json_string(runtime_kind_name(s->kind)));
	if (host)
		(void)json_object_set_new(about, "host_network", json_true());
	hash = hash_of(about);
	if (p->pid > 0 && !json_object_get(about, "started"))
		(void)json_object_set_new(
			about, "started",
			json_integer((json_int_t)process_started_s(p->start)));
	same = t && told_same(t, p, hash);
	if (t) {
		t->round = s->round;
		t->unreadable = false;
		t->brief = brief;
		t->hash = hash;
		t->dev = p->ns.dev;
		t->ino = p->ns.ino;
		t->pid = p->pid;
		t->start = p->start;
	}
	if (!t || same) {
		json_decref(about);
		netns_done(&p->ns);
		return t ? 0 : source_unreadable(s, id, "too many containers");
	}
	if (host)
		netns_done(&p->ns);
	news.about = about;
	news.ns = p->ns;
	p->ns = (struct netns){ .fd = -1 };
	return tell(s, &news);
}

static int (*const sessions[])(struct source *s, struct err *reterr) = {
	[RUNTIME_DOCKER] = docker_session,
	[RUNTIME_PODMAN] = docker_session,
	[RUNTIME_CONTAINERD] = containerd_session,
	[RUNTIME_CRI] = cri_session,
	[RUNTIME_NETNS] = netns_dir_session,
};
_Static_assert(sizeof sessions / sizeof *sessions == RUNTIME_KIND__MAX,
	       "one a kind");

static int pause_ms(struct source *s, int r, usec_t began)
{
	const uint64_t long_ms = RUNTIME_RETRY_LONG_MS;
	int ms;

	if (r == -ENOENT || r == -ECONNREFUSED ||
	    usec_since(clock_now(), began) > long_ms * 1000)
		s->misbehaved = 0;
	ms = RUNTIME_RETRY_MS << s->misbehaved;
	if (ms >= RUNTIME_RETRY_LONG_MS)
		return RUNTIME_RETRY_LONG_MS;
	s->misbehaved++;
	return ms;
}

void source_run(struct source *s)
{
	int r = 0;

	while (r != -ECANCELED) {
		usec_t began = clock_now();
		struct err why = { 0 };

		r = sessions[s->kind](s, &why);
		if (r != -ECANCELED && down(s, &why) < 0)
			r = -ECANCELED;
		if (r != -ECANCELED)
			r = source_wait(s, pause_ms(s, r, began));
	}
	source_forget(s);
}
