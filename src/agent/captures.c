/*
 *   main loop                          thread
 *   begin: file, MAC, door ──spawn──▶ open the ring, write frames
 *   counters, "stop" (atomics) ◀────▶  ... until a bound, "stop", or the end of
 *   the loop's eventfd ◀───ended───── workload or data plane; sums; ended
 *   join, state, note of the store
 *
 * A capture's struct lives from begin to join whatever is asked meanwhile: one that
 * is deleted while it runs is told to stop, and goes when its thread has.
 *
 * The note of the store says what there is. A file that it does not know is of an
 * agent that was killed before it could say so, and is removed at start.
 */
#include "agent/captures.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/commands.h"
#include "agent/door.h"
#include "agent/record.h"
#include "base/clock.h"
#include "base/limits_captures.h"
#include "base/log.h"
#include "door/captor.h"
#include "wire/member.h"

#define NOTE	     "captures"
#define FILTER_WHERE "FILTER"

enum capture_state { RUNNING, DONE, FAILED };
static const char *const state_words[] = { "running", "done", "failed" };

struct capture {
	struct capture *next;
	struct captures *all; /* borrowed */
	uint64_t id;
	char workload[WORKLOAD_ID_MAX], name[WORKLOAD_TEXT_MAX];
	char filter[CAPTURE_FILTER_MAX], by[64], why[256];
	uint64_t started_s, ended_s, seconds, max_bytes;
	enum capture_state state; /* the main loop's */
	bool deleted;		  /* to go when it has ended */
	/* The thread's while it runs: */
	pthread_t thread;
	char *door; /* owned */
	struct mac mac;
	FILE *to;
	struct err err; /* why it failed; read after join */
	/* Shared: */
	atomic_bool stop, ended;
	_Atomic uint64_t frames, bytes, lost;
};

struct captures {
	struct capture *list; /* newest first; owned */
	unsigned n, n_running;
	uint64_t last_id;
	int dir, ended_fd;
	struct loop_fd *ended_loop_fd;
};

/* --- the thread ------------------------------------------------------------------ */

static int write_round(struct capture *c, struct captor *captor,
		       struct pcapng_sums *sums)
{
	char comment[CAPTOR_COMMENT_MAX];
	struct capture_frame f;
	struct bytes bytes;
	bool broken = false;
	uint64_t at_us;
	int rc = 0;

	captor_round(captor);
	while (rc == 0 && atomic_load(&c->bytes) < c->max_bytes &&
	       captor_next(captor, &f, &at_us, &bytes, &broken)) {
		struct pcapng_frame frame = {
			.at_us = at_us,
			.bytes = bytes,
			.wire_len = f.wire_len,
			.inbound = f.ingress,
			.comment = captor_comment(comment, &f),
		};
		long at;

		rc = pcapng_frame(c->to, &frame);
		at = ftell(c->to);
		if (rc == 0 && at > 0)
			atomic_store(&c->bytes, (uint64_t)at);
		sums->written++;
		atomic_store(&c->frames, sums->written);
	}
	if (rc == 0 && fflush(c->to) != 0)
		rc = -errno;
	captor_count(captor, sums);
	atomic_store(&c->lost, sums->dropped);
	if (broken)
		return err_set(&c->err, EPROTO, NULL,
			       "the data plane's ring is broken");
	return rc < 0 ? err_set(&c->err, -rc, NULL, "writing: %s",
				strerror(-rc))
		      : 0;
}

/* true: it is over; c->err if it had to be. */
static bool await(struct capture *c, struct captor *captor, usec_t end,
		  bool busy)
{
	struct pollfd fd = { .fd = captor_fd(captor), .events = POLLIN };

	if (atomic_load(&c->stop) || !usec_before(clock_now(), end) ||
	    atomic_load(&c->bytes) >= c->max_bytes || captor_is_over(captor))
		return true;
	/* an interrupted wait is a short one */
	(void)poll(&fd, 1, busy ? 1 : CAPTURE_LOOK_MS);
	if (fd.revents)
		(void)err_set(&c->err, ECONNRESET, NULL,
			      "the data plane is gone");
	return fd.revents;
}

static void run(struct capture *c)
{
	struct captor_spec spec = { .door = c->door,
				    .mac = c->mac,
				    .filter = c->filter };
	struct pcapng_about about = { .program = "weir-agent " WEIR_VERSION,
				      .if_name = c->name,
				      .filter = c->filter };
	usec_t end = usec_add(clock_now(), c->seconds * USEC_PER_SEC);
	struct pcapng_sums sums = { .begin_us = clock_unix_us() };
	struct captor *captor = captor_open(&spec, &c->err);
	uint64_t before;
	int rc;

	if (!captor)
		return;
	rc = pcapng_begin(c->to, &about);
	if (rc < 0)
		(void)err_set(&c->err, -rc, NULL, "writing: %s", strerror(-rc));
	do {
		before = sums.received;
		if (rc == 0)
			rc = write_round(c, captor, &sums);
	} while (rc == 0 && !await(c, captor, end, sums.received > before));
	if (rc == 0)
		rc = write_round(c, captor, &sums); /* what is there now */
	sums.end_us = clock_unix_us();
	if (rc == 0)
		rc = pcapng_end(c->to, &sums);
	if (rc == 0 && fflush(c->to) != 0)
		rc = -errno;
	if (rc < 0 && !c->err.code)
		(void)err_set(&c->err, -rc, NULL, "writing: %s", strerror(-rc));
	captor_free(captor);
}

static void *thread(void *arg)
{
	struct capture *c = arg;
	uint64_t one = 1;

	run(c);
	atomic_store(&c->ended, true);
	/* it cannot be full */
	(void)!write(c->all->ended_fd, &one, sizeof one);
	return NULL;
}

/* --- files ------------------------------------------------------------------------- */

static void file_of(uint64_t id, char buf[static 40])
{
	(void)snprintf(buf, 40, "%llu.pcapng", (unsigned long long)id);
}

static void remove_file(const struct captures *all, uint64_t id)
{
	char name[40];

	file_of(id, name);
	if (unlinkat(all->dir, name, 0) < 0 && errno != ENOENT)
		log_warn("captures: %s cannot be removed: %s", name,
			 strerror(errno));
}

static uint64_t file_bytes(const struct captures *all, uint64_t id)
{
	char name[40];
	struct stat st;

	file_of(id, name);
	return fstatat(all->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0
		       ? 0
		       : (uint64_t)st.st_size;
}

/* --- what there is ---------------------------------------------------------------------- */

static json_t *capture_json(const struct capture *c)
{
	json_t *o = json_pack(
		"{s:I, s:s, s:s, s:I, s:s, s:I, s:I, s:I, s:s, s:s, s:I, s:I}",
		"id", (json_int_t)c->id, "workload", c->workload, "name",
		c->name, "started", (json_int_t)c->started_s, "state",
		state_words[c->state], "frames",
		(json_int_t)atomic_load(&c->frames), "bytes",
		(json_int_t)atomic_load(&c->bytes), "lost",
		(json_int_t)atomic_load(&c->lost), "filter", c->filter, "by",
		c->by, "seconds", (json_int_t)c->seconds, "max_bytes",
		(json_int_t)c->max_bytes);

	if (c->state != RUNNING)
		(void)json_object_set_new(o, "ended",
					  json_integer((json_int_t)c->ended_s));
	if (c->why[0])
		(void)json_object_set_new(o, "why", json_string(c->why));
	return o;
}

static json_t *list_json(const struct captures *all)
{
	json_t *list = json_array();

	for (const struct capture *c = all->list; c; c = c->next)
		if (!c->deleted)
			(void)json_array_append_new(list, capture_json(c));
	return list;
}

static void note(struct agent *a)
{
	json_t *o = json_pack("{s:I, s:o}", "last_id",
			      (json_int_t)a->captures->last_id, "captures",
			      list_json(a->captures));

	/* the store's state tells of it */
	(void)store_put_note(a->store, NOTE, o, NULL);
	json_decref(o);
}

static struct capture *find(struct captures *all, uint64_t id)
{
	struct capture *c = all->list;

	while (c && (c->id != id || c->deleted))
		c = c->next;
	return c;
}

static void free_capture(struct captures *all, struct capture *c)
{
	struct capture **at = &all->list;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	all->n--;
	free(c->door);
	free(c);
}

/* Its thread has ended, or is about to. */
static void join(struct agent *a, struct capture *c)
{
	char text[WORKLOAD_TEXT_MAX + 300];

	(void)pthread_join(c->thread, NULL);
	a->captures->n_running--;
	if (fclose(c->to) != 0 && !c->err.code)
		(void)err_set(&c->err, errno, NULL, "writing: %s",
			      strerror(errno));
	c->to = NULL;
	c->state = c->err.code ? FAILED : DONE;
	c->ended_s = clock_unix_us() / USEC_PER_SEC;
	atomic_store(&c->bytes, file_bytes(a->captures, c->id));
	if (c->err.code) {
		(void)snprintf(c->why, sizeof c->why, "%s", c->err.text);
		(void)snprintf(text, sizeof text, "capture %llu of %s: %s",
			       (unsigned long long)c->id, c->name, c->why);
		log_warn("%s", text);
		record_state(a, "captures", "medium", text);
	}
}

static void on_ended(void *arg, uint32_t events)
{
	struct agent *a = arg;
	struct captures *all = a->captures;
	struct capture *c, *next;
	uint64_t n;

	/* its count says nothing that the list does not */
	(void)!read(all->ended_fd, &n, sizeof n);
	for (c = all->list; c; c = next) {
		next = c->next;
		if (c->state != RUNNING || !atomic_load(&c->ended))
			continue;
		join(a, c);
		if (c->deleted) {
			remove_file(all, c->id);
			free_capture(all, c);
		}
	}
	note(a);
}

/* --- beginning ---------------------------------------------------------------------------- */

static int check_room(const struct captures *all,
		      const struct capture_spec *spec, struct err *reterr)
{
	uint64_t bytes = spec->bytes;

	if (all->n_running >= CAPTURES_RUNNING_MAX)
		return err_set(reterr, EBUSY, NULL,
			       "%d captures run already, no more at a time",
			       CAPTURES_RUNNING_MAX);
	if (all->n >= CAPTURES_KEPT_MAX)
		return err_set(reterr, ENOSPC, NULL,
			       "%d captures are kept; delete some",
			       CAPTURES_KEPT_MAX);
	for (const struct capture *c = all->list; c; c = c->next)
		bytes += c->state == RUNNING ? c->max_bytes
					     : atomic_load(&c->bytes);
	if (bytes > CAPTURES_BYTES_MAX)
		return err_set(reterr, ENOSPC, "bytes",
			       "captures would have more than %llu MiB; delete "
			       "some",
			       CAPTURES_BYTES_MAX >> 20);
	return 0;
}

/* By which MAC, at which data plane: its first port that is judged. */
static int find_port(struct agent *a, const struct workload *w,
		     struct capture *c, struct err *reterr)
{
	for (const struct port *p = a->registry.ports; p; p = p->next) {
		if (p->workload != w || p->state != PORT_DIVERTED ||
		    mac_is_zero(p->plane_mac))
			continue;
		c->mac = p->plane_mac;
		c->door = strdup(p->layout == PORT_SPLICED
					 ? a->splice_door
					 : a->config.plane_door);
		return c->door ? 0
			       : err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	return err_set(reterr, ENODEV, "workload",
		       "%s has no port that is diverted", workload_name(w));
}

static int make_file(struct captures *all, struct capture *c,
		     struct err *reterr)
{
	char name[40];
	int fd;

	file_of(c->id, name);
	fd = openat(all->dir, name,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	c->to = fd < 0 ? NULL : fdopen(fd, "w");
	if (c->to)
		return 0;
	if (fd >= 0)
		close(fd);
	return err_set(reterr, errno, NULL, "captures/%s: %s", name,
		       strerror(errno));
}

static struct capture *new_capture(struct captures *all,
				   const struct workload *w,
				   const struct capture_spec *spec)
{
	struct capture *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	c->all = all;
	c->id = ++all->last_id;
	c->seconds = spec->seconds;
	c->max_bytes = spec->bytes;
	c->started_s = clock_unix_us() / USEC_PER_SEC;
	(void)snprintf(c->workload, sizeof c->workload, "%s", w->id);
	(void)snprintf(c->name, sizeof c->name, "%s", workload_name(w));
	(void)snprintf(c->filter, sizeof c->filter, "%s", spec->filter);
	(void)snprintf(c->by, sizeof c->by, "%s", spec->why);
	c->next = all->list;
	all->list = c;
	all->n++;
	return c;
}

int captures_begin(struct agent *a, const struct workload *w,
		   const struct capture_spec *spec, uint64_t *ret_id,
		   struct err *reterr)
{
	struct captures *all = a->captures;
	struct capture *c;
	int rc = captor_check(spec->filter, reterr);

	if (rc < 0) {
		if (strcmp(reterr->at, FILTER_WHERE) == 0)
			(void)snprintf(reterr->at, sizeof reterr->at, "filter");
		return rc;
	}
	rc = check_room(all, spec, reterr);
	if (rc < 0)
		return rc;
	c = new_capture(all, w, spec);
	if (!c)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	rc = find_port(a, w, c, reterr);
	if (rc == 0)
		rc = make_file(all, c, reterr);
	if (rc == 0) {
		rc = -pthread_create(&c->thread, NULL, thread, c);
		if (rc < 0) {
			(void)err_set(reterr, -rc, NULL, "no thread: %s",
				      strerror(-rc));
			(void)fclose(c->to); /* nothing was written */
			remove_file(all, c->id);
		}
	}
	if (rc < 0) {
		free_capture(all, c);
		return rc;
	}
	all->n_running++;
	*ret_id = c->id;
	note(a);
	return 0;
}

/* --- start and end ---------------------------------------------------------------------------- */

/* One that the note knows; what ran then has failed. */
static int load_one(struct captures *all, const json_t *o)
{
	struct capture *c = calloc(1, sizeof *c), **at = &all->list;

	if (!c)
		return -ENOMEM;
	c->all = all;
	c->id = member_number(o, "id");
	c->started_s = member_number(o, "started");
	c->ended_s = member_number(o, "ended");
	c->seconds = member_number(o, "seconds");
	c->max_bytes = member_number(o, "max_bytes");
	atomic_store(&c->frames, member_number(o, "frames"));
	atomic_store(&c->lost, member_number(o, "lost"));
	atomic_store(&c->bytes, file_bytes(all, c->id));
	(void)snprintf(c->workload, sizeof c->workload, "%s",
		       member_text(o, "workload"));
	(void)snprintf(c->name, sizeof c->name, "%s", member_text(o, "name"));
	(void)snprintf(c->filter, sizeof c->filter, "%s",
		       member_text(o, "filter"));
	(void)snprintf(c->by, sizeof c->by, "%s", member_text(o, "by"));
	(void)snprintf(c->why, sizeof c->why, "%s", member_text(o, "why"));
	c->state = strcmp(member_text(o, "state"), "done") == 0 ? DONE : FAILED;
	if (strcmp(member_text(o, "state"), "running") == 0) {
		(void)snprintf(c->why, sizeof c->why, "agent ended");
		c->ended_s = c->started_s;
	}
	while (*at)
		at = &(*at)->next;
	*at = c;
	all->n++;
	return 0;
}

static void remove_unknown(struct captures *all)
{
	int fd = fcntl(all->dir, F_DUPFD_CLOEXEC, 0);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (!d && fd >= 0)
		close(fd);
	while (d && (e = readdir(d))) {
		char *end, name[40];
		unsigned long long id = strtoull(e->d_name, &end, 10);

		file_of(id, name);
		if (strcmp(name, e->d_name) == 0 && !find(all, id))
			remove_file(all, id);
		if (strcmp(name, e->d_name) == 0 && id > all->last_id)
			all->last_id = id;
	}
	if (d)
		closedir(d);
}

static int load(struct agent *a, struct err *reterr)
{
	struct captures *all = a->captures;
	json_t *doc = NULL;
	const json_t *o;
	uint64_t revision;
	size_t i;
	int rc = store_get_doc(a->store, NOTE, &doc, &revision, reterr);

	if (rc == -ENOENT)
		rc = 0;
	all->last_id = member_number(doc, "last_id");
	json_array_foreach (json_object_get(doc, "captures"), i, o)
		if (rc == 0 && all->n < CAPTURES_KEPT_MAX &&
		    load_one(all, o) < 0)
			rc = err_set(reterr, ENOMEM, NULL, "out of memory");
	json_decref(doc);
	return rc;
}

static int open_dir(struct agent *a, struct err *reterr)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof path, "%s/captures", a->config.store_dir);

	if ((size_t)n >= sizeof path)
		return err_set(reterr, ENAMETOOLONG, "store.dir",
			       "is too long");
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_set(reterr, errno, path, "%s", strerror(errno));
	a->captures->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (a->captures->dir < 0)
		return err_set(reterr, errno, path, "%s", strerror(errno));
	return 0;
}

int captures_start(struct agent *a, struct err *reterr)
{
	struct captures *all = calloc(1, sizeof *all);
	int rc;

	a->captures = all;
	if (!all)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	all->dir = -1;
	all->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (all->ended_fd < 0)
		return err_set(reterr, errno, NULL, "eventfd: %s",
			       strerror(errno));
	all->ended_loop_fd =
		loop_add(a->loop, all->ended_fd, EPOLLIN, on_ended, a);
	if (!all->ended_loop_fd)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	rc = open_dir(a, reterr);
	if (rc == 0)
		rc = load(a, reterr);
	if (rc == 0) {
		remove_unknown(all);
		note(a);
	}
	return rc;
}

void captures_stop(struct agent *a)
{
	struct captures *all = a->captures;

	if (!all)
		return;
	for (struct capture *c = all->list; c; c = c->next)
		atomic_store(&c->stop, true);
	for (struct capture *c = all->list; c; c = c->next)
		if (c->state == RUNNING) {
			join(a, c);
			c->state = FAILED;
			(void)snprintf(c->why, sizeof c->why, "agent ended");
		}
	if (all->dir >= 0) {
		note(a);
		close(all->dir);
	}
	while (all->list)
		free_capture(all, all->list);
	loop_remove(all->ended_loop_fd);
	if (all->ended_fd >= 0)
		close(all->ended_fd);
	free(all);
	a->captures = NULL;
}

/* --- commands ------------------------------------------------------------------------------------ */

static int arg_capture(struct agent *a, const json_t *args,
		       struct capture **ret, struct err *reterr)
{
	uint64_t id = 0;
	int rc = arg_id(args, "id", &id, reterr);

	if (rc < 0)
		return rc;
	*ret = find(a->captures, id);
	return *ret ? 0
		    : err_set(reterr, ENOENT, "id", "there is no capture %llu",
			      (unsigned long long)id);
}

int command_captures(struct agent *a, struct door_client *c, const json_t *args,
		     json_t *result, struct err *reterr)
{
	(void)json_object_set_new(result, "captures", list_json(a->captures));
	return 0;
}

int command_capture_start(struct agent *a, struct door_client *c,
			  const json_t *args, json_t *result,
			  struct err *reterr)
{
	struct capture_spec spec = { .seconds = CAPTURE_SECONDS_DEFAULT,
				     .bytes = CAPTURE_BYTES_DEFAULT,
				     .filter = "" };
	char by[64], what[WORKLOAD_TEXT_MAX + 64];
	struct workload *w;
	uint64_t id = 0;
	int rc = arg_workload(a, args, &w, reterr);

	if (rc == 0)
		rc = arg_uint(args, "seconds", CAPTURE_SECONDS_MAX,
			      &spec.seconds, reterr);
	if (rc == 0)
		rc = arg_uint(args, "bytes", CAPTURE_BYTES_MAX, &spec.bytes,
			      reterr);
	if (rc == 0)
		rc = arg_text(args, "filter", &spec.filter, reterr);
	if (rc < 0)
		return rc;
	if (spec.seconds == 0 || spec.bytes < CAPTURE_BYTES_MIN)
		return err_set(reterr, EINVAL,
			       spec.seconds ? "bytes" : "seconds",
			       "expected at least %u",
			       spec.seconds ? CAPTURE_BYTES_MIN : 1u);
	if (strlen(spec.filter) >= CAPTURE_FILTER_MAX)
		return err_set(reterr, EINVAL, "filter", "at most %d bytes",
			       CAPTURE_FILTER_MAX - 1);
	if (door_client_by(c))
		(void)snprintf(by, sizeof by, "%s", door_client_by(c));
	else
		(void)snprintf(by, sizeof by, "uid %u",
			       (unsigned)door_client_uid(c));
	spec.why = by;
	rc = captures_begin(a, w, &spec, &id, reterr);
	if (rc < 0)
		return rc;
	(void)json_object_set_new(result, "capture",
				  json_integer((json_int_t)id));
	(void)snprintf(what, sizeof what, "capture %llu of %s was started",
		       (unsigned long long)id, workload_name(w));
	record_change_by(a, what, c);
	return 0;
}

int command_capture_stop(struct agent *a, struct door_client *c,
			 const json_t *args, json_t *result, struct err *reterr)
{
	struct capture *capture;
	int rc = arg_capture(a, args, &capture, reterr);

	if (rc == 0)
		atomic_store(&capture->stop, true);
	return rc;
}

int command_capture_delete(struct agent *a, struct door_client *c,
			   const json_t *args, json_t *result,
			   struct err *reterr)
{
	struct capture *capture;
	char what[64];
	int rc = arg_capture(a, args, &capture, reterr);

	if (rc < 0)
		return rc;
	(void)snprintf(what, sizeof what, "capture %llu was deleted",
		       (unsigned long long)capture->id);
	capture->deleted = true;
	atomic_store(&capture->stop, true);
	if (capture->state != RUNNING) {
		remove_file(a->captures, capture->id);
		free_capture(a->captures, capture);
	}
	note(a);
	record_change_by(a, what, c);
	return 0;
}

/* Of base64, RFC 4648; the caller frees it. NULL: out of memory. */
static char *base64(const uint8_t *at, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	char *text = malloc((n + 2) / 3 * 4 + 1), *to = text;

	if (!text)
		return NULL;
	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		uint32_t v = (uint32_t)at[i] << 16 |
			     (left > 1 ? (uint32_t)at[i + 1] << 8 : 0) |
			     (left > 2 ? at[i + 2] : 0);

		*to++ = digits[v >> 18 & 63];
		*to++ = digits[v >> 12 & 63];
		*to++ = left > 1 ? digits[v >> 6 & 63] : '=';
		*to++ = left > 2 ? digits[v & 63] : '=';
	}
	*to = '\0';
	return text;
}

/* Some of the file; the caller frees it. */
static int read_file(const struct captures *all, uint64_t id, uint64_t offset,
		     uint8_t **ret, size_t *ret_n, uint64_t *ret_size,
		     struct err *reterr)
{
	uint8_t *bytes = malloc(CAPTURE_READ_MAX);
	ssize_t n = -1;
	struct stat st;
	char name[40];
	int fd, code;

	file_of(id, name);
	fd = openat(all->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0 && bytes && fstat(fd, &st) == 0)
		n = pread(fd, bytes, CAPTURE_READ_MAX, (off_t)offset);
	code = bytes ? errno : ENOMEM;
	if (fd >= 0)
		close(fd);
	if (n < 0) {
		free(bytes);
		return err_set(reterr, code, NULL, "captures/%s: %s", name,
			       strerror(code));
	}
	*ret = bytes;
	*ret_n = (size_t)n;
	*ret_size = (uint64_t)st.st_size;
	return 0;
}

int command_capture_read(struct agent *a, struct door_client *c,
			 const json_t *args, json_t *result, struct err *reterr)
{
	uint64_t offset = 0, size = 0;
	struct capture *capture;
	uint8_t *bytes = NULL;
	size_t n = 0;
	char *text;
	int rc = arg_capture(a, args, &capture, reterr);

	if (rc == 0)
		rc = arg_uint(args, "offset", INT64_MAX, &offset, reterr);
	if (rc == 0)
		rc = read_file(a->captures, capture->id, offset, &bytes, &n,
			       &size, reterr);
	if (rc < 0)
		return rc;
	text = base64(bytes, n);
	free(bytes);
	if (!text)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	(void)json_object_set_new(result, "data", json_string(text));
	free(text);
	(void)json_object_set_new(
		result, "next",
		json_integer((json_int_t)offset + (json_int_t)n));
	(void)json_object_set_new(result, "size",
				  json_integer((json_int_t)size));
	(void)json_object_set_new(
		result, "done",
		json_boolean(capture->state != RUNNING && offset + n >= size));
	return 0;
}
