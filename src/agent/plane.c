/*
 * State of the thread: connected or not, and what of the last `want` this data
 * plane has. Its endpoints are read from it when it is connected (weir_config),
 * and the versions of its rules and sensors, for it may have outlived an agent.
 *
 *   down ──open door, or spawn──▶ connected ──sync──▶ in force
 *     ▲                               │ any error, hang-up
 *     └───────────────────────────────┘ wait 0.1 .. 3.2 s when it is soon again
 *
 * News is bounded: what the data plane saw is asked for only when the main loop
 * has taken what came before; until then the data plane keeps it.
 */
#include "agent/plane.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/patient.h"
#include "agent/plane_process.h"
#include "agent/plane_sync.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "door/dpclient.h"

#define RETRY_FIRST_MS 100
#define RETRY_LAST_MS  3200
/* A data plane that ran longer than this is started again at once. */
#define RAN_WELL_US (10 * USEC_PER_SEC)

struct news_item {
	struct plane_news news;
	struct news_item *next;
};

struct ask_item {
	json_t *message;
	uint64_t token;
	struct ask_item *next;
};

struct plane {
	struct plane_spec spec;
	pthread_t thread;
	int wake_fd, news_fd; /* eventfds, owned */

	/* Under the lock. */
	pthread_mutex_t lock;
	bool stop;
	bool has_want;
	struct plane_want want;
	struct ask_item *asks, **asks_end;
	struct news_item *news, **news_end;
	bool told_waits; /* what was told is not taken yet */
	bool trail_wanted, held;

	/* The thread's own. */
	struct dpclient client; /* fd -1: not connected */
	struct plane_process process;
	usec_t connected_at;
	bool down_told;
	unsigned retry_ms;
	struct plane_has has;
	bool is_other; /* it is of another version than we are */
	bool again;    /* the same want once more: not all of it is there */
	bool waits; /* the number of `later` is told when sensors are built */
	struct plane_news later;
	usec_t later_ends, next_look; /* at what is being built */
	struct told_cursor told[4];   /* by enum plane_told, and the trail */
	usec_t next_poll;
};

/* --- between the threads ---------------------------------------------------- */

static void wake(int fd)
{
	uint64_t one = 1;

	(void)!write(fd, &one, sizeof one); /* full means awake */
}

static void drain(int fd)
{
	uint64_t n;

	(void)!read(fd, &n, sizeof n); /* empty is fine */
}

static void set_flag(struct plane *p, bool *flag, bool to)
{
	pthread_mutex_lock(&p->lock);
	*flag = to;
	pthread_mutex_unlock(&p->lock);
}

static bool read_flag(struct plane *p, const bool *flag)
{
	bool is;

	pthread_mutex_lock(&p->lock);
	is = *flag;
	pthread_mutex_unlock(&p->lock);
	return is;
}

/* Takes news->about. */
static void post(struct plane *p, const struct plane_news *news)
{
	struct news_item *item = patient_calloc(sizeof *item);

	if (!item) {
		log_warn("data plane: out of memory, news are lost");
		json_decref(news->about);
		return;
	}
	item->news = *news;
	pthread_mutex_lock(&p->lock);
	*p->news_end = item;
	p->news_end = &item->next;
	if (news->kind >= PLANE_CONNECTIONS && news->kind <= PLANE_TRAIL)
		p->told_waits = true;
	pthread_mutex_unlock(&p->lock);
	wake(p->news_fd);
}

bool plane_next(struct plane *p, struct plane_news *ret)
{
	struct news_item *item;

	pthread_mutex_lock(&p->lock);
	item = p->news;
	if (item) {
		p->news = item->next;
		if (!p->news)
			p->news_end = &p->news;
	} else {
		p->told_waits = false;
		drain(p->news_fd);
	}
	pthread_mutex_unlock(&p->lock);
	if (!item)
		return false;
	*ret = item->news;
	free(item);
	return true;
}

int plane_fd(const struct plane *p)
{
	return p->news_fd;
}

static void want_done(struct plane_want *w)
{
	json_decref(w->endpoints);
	json_decref(w->taps);
	json_decref(w->homes);
	free(w->policy);
	body_put(w->rules);
	body_put(w->detection);
}

void plane_want(struct plane *p, const struct plane_want *want)
{
	struct plane_want old = { 0 };

	pthread_mutex_lock(&p->lock);
	if (p->has_want)
		old = p->want;
	p->want = *want;
	p->has_want = true;
	pthread_mutex_unlock(&p->lock);
	want_done(&old);
	wake(p->wake_fd);
}

void plane_ask(struct plane *p, json_t *message, uint64_t token)
{
	struct ask_item *item = patient_calloc(sizeof *item);

	if (!item) { /* who waits for an answer does so for a time only */
		json_decref(message);
		return;
	}
	*item = (struct ask_item){ .message = message, .token = token };
	pthread_mutex_lock(&p->lock);
	*p->asks_end = item;
	p->asks_end = &item->next;
	pthread_mutex_unlock(&p->lock);
	wake(p->wake_fd);
}

/* A copy of what is wanted, if it is not in force. */
static bool take_want(struct plane *p, struct plane_want *ret)
{
	bool is_new;

	pthread_mutex_lock(&p->lock);
	is_new = p->has_want && (p->want.number != p->has.number || p->again);
	p->again = false;
	if (is_new) {
		*ret = p->want;
		p->has_want = false;
		p->want = (struct plane_want){ 0 };
	}
	pthread_mutex_unlock(&p->lock);
	return is_new;
}

/* Not in force: again, unless there is a newer one. */
static void give_want_back(struct plane *p, struct plane_want *w)
{
	pthread_mutex_lock(&p->lock);
	if (!p->has_want) {
		p->want = *w;
		p->has_want = true;
		*w = (struct plane_want){ 0 };
	}
	pthread_mutex_unlock(&p->lock);
	want_done(w);
}

static bool take_ask(struct plane *p, struct ask_item **ret)
{
	pthread_mutex_lock(&p->lock);
	*ret = p->asks;
	if (*ret) {
		p->asks = (*ret)->next;
		if (!p->asks)
			p->asks_end = &p->asks;
	}
	pthread_mutex_unlock(&p->lock);
	return *ret != NULL;
}

/* Sleeps, but not when there is something to do. */
static void nap(struct plane *p, unsigned ms)
{
	struct pollfd pfd = { .fd = p->wake_fd, .events = POLLIN };

	/* also when woken for something that needs a connection: no hurry */
	(void)poll(&pfd, 1, (int)ms);
}

/* about: taken; or NULL. */
static void tell_down(struct plane *p, const struct err *why, json_t *about)
{
	struct plane_news n = { .kind = PLANE_DOWN,
				.err = *why,
				.about = about };

	if (p->down_told) {
		json_decref(about);
		return;
	}
	p->down_told = true;
	post(p, &n);
}

/* --- connecting -------------------------------------------------------------------- */

static int greet(struct plane *p, struct err *reterr)
{
	struct plane_news n = { .kind = PLANE_UP };
	bool drops = false;
	int rc =
		dpclient_ask_name(&p->client, "weir_version", &n.about, reterr);

	if (rc == 0)
		rc = plane_set_up(&p->client, &drops, reterr);
	if (rc == 0)
		rc = plane_read(&p->client, &p->has, reterr);
	if (rc < 0) {
		json_decref(n.about);
		return rc;
	}
	p->is_other = !plane_is_ours(n.about);
	p->has.number = 0;
	p->has.drops_untold = drops;
	(void)json_object_set_new(n.about, "drops_untold", json_boolean(drops));
	p->connected_at = clock_now();
	p->down_told = false;
	post(p, &n);
	return 0;
}

static bool connect_once(struct plane *p, struct err *reterr)
{
	if (dpclient_open(p->spec.door, &p->client, reterr) < 0)
		return false;
	p->client.unsignalled = true;
	if (greet(p, reterr) == 0)
		return true;
	dpclient_done(&p->client);
	return false;
}

/* A data plane that was just started opens its door a little later. */
static bool wait_for_door(struct plane *p, struct err *reterr)
{
	usec_t end = usec_add(clock_now(), PLANE_START_US);

	while (!read_flag(p, &p->stop) && usec_before(clock_now(), end)) {
		if (connect_once(p, reterr))
			return true;
		if (!plane_process_runs(&p->process)) {
			(void)err_set(reterr, ECHILD, NULL,
				      "%s ended at once; its log says why",
				      p->spec.program);
			return false;
		}
		(void)poll(NULL, 0, 5);
	}
	return false;
}

static void try_connect(struct plane *p)
{
	struct err err = { 0 };

	if (connect_once(p, &err))
		return;
	if (p->spec.program && !plane_process_runs(&p->process) &&
	    plane_process_start(&p->process, &err) == 0 &&
	    wait_for_door(p, &err))
		return;
	if (read_flag(p, &p->stop))
		return;
	tell_down(p, &err, NULL);
	nap(p, p->retry_ms);
	if (p->retry_ms < RETRY_LAST_MS)
		p->retry_ms *= 2;
}

/* Not told of what another one, or another want, will tell. */
static void forget_later(struct plane *p)
{
	if (p->waits)
		json_decref(p->later.about);
	p->waits = false;
}

static void disconnect(struct plane *p, const struct err *why)
{
	struct err died;
	json_t *about;

	dpclient_done(&p->client);
	forget_later(p);
	if (plane_process_died(&p->process, &about, &died))
		why = &died;
	tell_down(p, why, about);
	if (usec_since(clock_now(), p->connected_at) > RAN_WELL_US)
		p->retry_ms = RETRY_FIRST_MS;
	else if (p->process.child || p->process.ended)
		/* it ends again and again: not in a tight circle */
		nap(p, p->retry_ms);
	(void)plane_process_runs(&p->process);
}

/* --- bringing it to what is wanted --------------------------------------------------- */

static void tell_built(struct plane *p, struct plane_built *b,
		       enum plane_news_kind kind)
{
	struct plane_news n = { .kind = kind,
				.about = json_deep_copy(b->answer),
				.err = b->err };

	if (!b->is_news) {
		json_decref(n.about);
		return;
	}
	b->is_news = false;
	post(p, &n);
}

static void tell_all_built(struct plane *p)
{
	tell_built(p, &p->has.rules, PLANE_RULES);
	tell_built(p, &p->has.detection, PLANE_DETECTION);
}

/* It is in force when its sensors are built. Takes n->about. */
static void tell_in_force(struct plane *p, const struct plane_news *n)
{
	forget_later(p);
	if (!p->has.detection.building) {
		post(p, n);
		return;
	}
	p->waits = true;
	p->later = *n;
	p->later_ends = usec_add(clock_now(), PLANE_BUILD_WAIT_US);
}

static bool is_building(const struct plane *p)
{
	return p->has.rules.building || p->has.detection.building;
}

/* false: the connection is of no more use. */
static bool look_at_built(struct plane *p)
{
	usec_t now = clock_now();
	struct err err = { 0 };
	int rc = 0;

	if (!is_building(p) || usec_before(now, p->next_look))
		return true;
	p->next_look = usec_add(now, PLANE_BUILD_LOOK_US);
	if (p->has.rules.building)
		rc = plane_look_built(&p->client, "weir_rules", &p->has.rules,
				      &err);
	if (rc == 0 && p->has.detection.building)
		rc = plane_look_built(&p->client, "weir_detection",
				      &p->has.detection, &err);
	if (rc < 0) {
		disconnect(p, &err);
		return false;
	}
	tell_all_built(p);
	if (p->waits &&
	    (!p->has.detection.building || !usec_before(now, p->later_ends))) {
		p->waits = false;
		post(p, &p->later);
	}
	return true;
}

/* false: the connection is of no more use. */
static bool sync_plane(struct plane *p)
{
	struct plane_news n = { .kind = PLANE_IN_FORCE };
	struct plane_want w;
	int rc;

	if (!take_want(p, &w))
		return true;
	n.number = w.number;
	rc = plane_sync(&p->client, &p->has, &w, &n.about, &n.err);
	if (rc == 0) {
		p->has.number = w.number;
	} else if (!plane_is_refusal(rc)) {
		json_decref(n.about);
		give_want_back(p, &w);
		disconnect(p, &n.err);
		return false;
	} else {
		n.kind = PLANE_REFUSED;
		json_decref(n.about);
		n.about = NULL;
	}
	/* kept, for a data plane that is started anew */
	give_want_back(p, &w);
	if (rc < 0) /* not again and again the same */
		p->has.number = n.number;
	tell_all_built(p);
	if (rc == 0)
		tell_in_force(p, &n);
	else
		post(p, &n);
	return true;
}

/* --- what it tells ------------------------------------------------------------------- */

/* *ret_more: there is another page. */
static int poll_told(struct plane *p, struct told_cursor *c, bool *ret_more,
		     struct err *reterr)
{
	struct plane_news n = { .kind = c->kind };
	int rc = plane_page(&p->client, c, &n.about, &n.missed, ret_more,
			    reterr);

	if (rc == 0 && (json_array_size(n.about) > 0 || n.missed)) {
		n.number = c->epoch;
		n.after = c->after;
		post(p, &n);
	} else {
		json_decref(n.about);
	}
	return rc;
}

void plane_forgive(struct plane *p)
{
	atomic_store(&p->process.forgiven, true);
}

void plane_tell(struct plane *p)
{
	set_flag(p, &p->held, false);
	wake(p->wake_fd);
}

void plane_want_trail(struct plane *p)
{
	set_flag(p, &p->trail_wanted, true);
}

static bool is_told(struct plane *p, const struct told_cursor *c)
{
	return c->kind != PLANE_TRAIL || read_flag(p, &p->trail_wanted);
}

static bool poll_plane(struct plane *p)
{
	struct err err = { 0 };
	usec_t now = clock_now();
	bool more = true;

	if (usec_before(now, p->next_poll) || read_flag(p, &p->held) ||
	    read_flag(p, &p->told_waits))
		return true;
	p->next_poll = usec_add(now, p->spec.poll_ms * 1000ULL);
	p->again = p->has.taps_missing;
	for (size_t i = 0; i < sizeof p->told / sizeof *p->told; i++) {
		more = is_told(p, &p->told[i]);
		for (int n = 0; more && n < PLANE_TOLD_PAGES; n++)
			if (poll_told(p, &p->told[i], &more, &err) < 0) {
				disconnect(p, &err);
				return false;
			}
		if (more)
			p->next_poll = now;
	}
	return true;
}

static bool is_stopped(void *arg)
{
	struct plane *p = arg;

	return read_flag(p, &p->stop);
}

/*
 * What it has is what its predecessor had, so nothing is said to it. *ret_about:
 * what weir_version answers.
 */
static int hand_over(struct plane *p, json_t **ret_about, struct err *reterr)
{
	struct plane_news n = { .kind = PLANE_HANDED };
	struct dpclient next;
	int rc = plane_process_succeed(&p->process, &p->client, is_stopped, p,
				       &next, reterr);

	if (rc < 0)
		return rc;
	dpclient_done(&p->client);
	p->client = next;
	p->client.unsignalled = true;
	p->connected_at = clock_now();
	rc = dpclient_ask_name(&p->client, "weir_version", &n.about, reterr);
	if (rc < 0)
		return rc;
	(void)json_object_set_new(n.about, "drops_untold",
				  json_boolean(p->has.drops_untold));
	*ret_about = json_deep_copy(n.about);
	post(p, &n);
	return 0;
}

/*
 * One of another version is replaced, once; one that cannot hand over stays, and
 * status tells.
 */
static bool replace_other(struct plane *p)
{
	json_t *about = NULL;
	struct err err;
	int rc;

	if (!p->is_other)
		return true;
	p->is_other = false;
	rc = p->process.program ? hand_over(p, &about, &err) : 0;
	json_decref(about);
	if (rc == 0)
		return true;
	log_warn("data plane: of another version, and stays: %s", err.text);
	if (rc != -ETIMEDOUT && rc != -ECONNRESET)
		return true;
	disconnect(p, &err);
	return false;
}

static int answer_ask(struct plane *p, const json_t *message, json_t **ret,
		      struct err *reterr)
{
	if (p->client.fd < 0)
		return err_set(reterr, ENOTCONN, NULL,
			       "no data plane is there");
	if (json_object_get(message, "weir_hand_over"))
		return hand_over(p, ret, reterr);
	return dpclient_ask(&p->client, message, ret, reterr);
}

static bool answer_asks(struct plane *p)
{
	struct ask_item *a;

	while (take_ask(p, &a)) {
		struct plane_news n = { .kind = PLANE_ANSWER,
					.token = a->token };
		int rc = answer_ask(p, a->message, &n.about, &n.err);

		json_decref(a->message);
		free(a);
		post(p, &n);
		if (rc == -ETIMEDOUT || rc == -ECONNRESET) {
			disconnect(p, &n.err);
			return false;
		}
	}
	return true;
}

/* --- the thread -------------------------------------------------------------------- */

static void wait_for_work(struct plane *p)
{
	struct pollfd pfd[2] = { { .fd = p->wake_fd, .events = POLLIN },
				 { .fd = p->client.fd, .events = POLLIN } };
	usec_t now = clock_now();
	uint64_t us = usec_since(p->next_poll, now);
	uint64_t look = usec_since(p->next_look, now);
	struct err err = { 0 };

	/* what is not taken yet: look a little later */
	if (us == 0 && read_flag(p, &p->told_waits))
		us = 10000;
	if (is_building(p) && look < us)
		us = look;
	(void)poll(pfd, 2, (int)((us + 999) / 1000));
	drain(p->wake_fd);
	/* it says nothing unasked */
	if (pfd[1].revents) {
		(void)err_set(&err, ECONNRESET, NULL, "the data plane is gone");
		disconnect(p, &err);
	}
}

static void *run(void *arg)
{
	struct plane *p = arg;

	while (!read_flag(p, &p->stop)) {
		if (p->client.fd < 0) {
			(void)answer_asks(p);
			try_connect(p);
			continue;
		}
		if (replace_other(p) && sync_plane(p) && look_at_built(p) &&
		    answer_asks(p) && poll_plane(p))
			wait_for_work(p);
	}
	return NULL;
}

/* Asks it to end; a data plane that is not our child is found by its door. */
static void end_plane(struct plane *p)
{
	struct ucred cred;
	socklen_t len = sizeof cred;

	if (p->process.child)
		plane_process_end(&p->process);
	else if (p->client.fd >= 0 &&
		 getsockopt(p->client.fd, SOL_SOCKET, SO_PEERCRED, &cred,
			    &len) == 0 &&
		 cred.pid > 0) /* 0: it has no number here */
		(void)kill(cred.pid, SIGTERM);
}

static void free_plane(struct plane *p)
{
	struct ask_item *a;
	struct plane_news n;

	while (take_ask(p, &a)) {
		json_decref(a->message);
		free(a);
	}
	while (plane_next(p, &n))
		json_decref(n.about);
	if (p->has_want)
		want_done(&p->want);
	forget_later(p);
	plane_has_done(&p->has);
	dpclient_done(&p->client);
	if (p->wake_fd >= 0)
		close(p->wake_fd);
	if (p->news_fd >= 0)
		close(p->news_fd);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

struct plane *plane_new(const struct plane_spec *spec, struct err *reterr)
{
	struct plane *p = calloc(1, sizeof *p);
	int rc;

	if (!p) {
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	*p = (struct plane){
		.spec = *spec,
		.process = { .program = spec->program,
			     .door = spec->door,
			     .netns = spec->netns,
			     .crash = spec->crash,
			     .workers = spec->workers },
		.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.client = { .fd = -1 },
		.retry_ms = RETRY_FIRST_MS,
		.told = { { "weir_connections", "connections",
			    PLANE_CONNECTIONS, false, false, 0, 0 },
			  { "weir_threats", "threats", PLANE_THREATS, false,
			    false, 0, 0 },
			  { "weir_findings", "findings", PLANE_FINDINGS, true,
			    true, 0, 0 },
			  { "weir_trail", "trail", PLANE_TRAIL, false, true, 0,
			    0 } },
	};
	for (size_t i = 0; i < PLANE_TOLD__MAX; i++) {
		p->told[i].epoch = spec->from[i].epoch;
		p->told[i].after = spec->from[i].after;
	}
	p->held = spec->held;
	p->asks_end = &p->asks;
	p->news_end = &p->news;
	pthread_mutex_init(&p->lock, NULL);
	rc = p->wake_fd < 0 || p->news_fd < 0
		     ? errno
		     : pthread_create(&p->thread, NULL, run, p);
	if (rc != 0) {
		(void)err_set(reterr, rc, NULL, "data plane's thread: %s",
			      strerror(rc));
		free_plane(p);
		return NULL;
	}
	return p;
}

void plane_free(struct plane *p, bool stop)
{
	if (!p)
		return;
	set_flag(p, &p->stop, true);
	wake(p->wake_fd);
	(void)pthread_join(p->thread, NULL);
	if (stop)
		end_plane(p);
	free_plane(p);
}
