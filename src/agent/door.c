/*
 * A client's requests are done one after another: while one waits for a later
 * answer, the next stays in the buffer. So a client knows that what it asked for
 * first was done first.
 *
 *   READ ──whole line──▶ run ──now──▶ READ
 *                         │later
 *                         ▼
 *             WAIT_NUMBER / WAIT_PLANE / WAIT_WORK ──▶ READ
 *                         └ follow: FOLLOW (reads only to see it close)
 *
 * Nobody waits longer than DOOR_WAIT_S: a data plane that hangs, or news of it
 * that there was no memory for, is told as such. Nor does one keep the others
 * waiting: of who has sent very many lines some are done at a time, and no more is
 * read before those are (`more`). Where there is no descriptor for who comes,
 * nobody is let in for a while; else the loop would turn without end.
 */
#include "agent/door.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/aside.h"
#include "agent/door_client.h"
#include "agent/door_open.h"
#include "agent/member.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/limits_door.h"
#include "base/log.h"

#define READS_PER_TURN 16

/* --- requests ------------------------------------------------------------------- */

static void set_id(struct door_client *c, json_t *id)
{
	json_decref(c->id);
	c->id = id ? id : json_null();
}

static const struct command *find_command(const char *name)
{
	const struct command *k = commands;

	while (k->name && strcmp(k->name, name) != 0)
		k++;
	return k->name ? k : NULL;
}

/* For whom it asks. What is shown as a name is one: no control characters. */
static int take_by(struct door_client *c, const json_t *request,
		   struct err *reterr)
{
	const json_t *by = json_object_get(request, "by");
	const char *text = json_string_value(by);

	c->by[0] = '\0';
	if (!by)
		return 0;
	if (c->only_reads)
		return err_set(reterr, EPERM, "by",
			       "only root and weir-api ask for others");
	if (!text || !text[0] || strlen(text) >= sizeof c->by)
		return err_set(reterr, EINVAL, "by",
			       "expected a name of 1 to %d bytes",
			       DOOR_BY_MAX - 1);
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return err_set(reterr, EINVAL, "by",
				       "has a control character");
	(void)snprintf(c->by, sizeof c->by, "%s", text);
	return 0;
}

/* node: where; NULL: here. */
static int run_command(struct door_client *c, const struct command *k,
		       const char *node, const json_t *args, json_t *result,
		       struct err *reterr)
{
	if (c->only_reads && !k->reads)
		return err_set(reterr, EPERM, "command",
			       "uid %u may only read; \"%s\" does more",
			       (unsigned)c->uid, k->name);
	if (node && strcmp(node, c->agent->config.node) != 0)
		return member_ask(c->agent, c, node, k->name, args, result,
				  reterr);
	return k->run(c->agent, c, args, result, reterr);
}

static void run_request(struct door_client *c, const json_t *request)
{
	const char *name =
		json_string_value(json_object_get(request, "command"));
	json_t *args = json_object_get(request, "args");
	const json_t *node = json_object_get(request, "node");
	const struct command *k = name ? find_command(name) : NULL;
	json_t *result = json_object(), *none = json_object();
	struct err err = { 0 };
	int rc;

	set_id(c, json_incref(json_object_get(request, "id")));
	if (c->refused)
		rc = err_set(&err, EPERM, NULL,
			     "this account may not ask weir-agent");
	else if (!name)
		rc = err_set(&err, EINVAL, "command", "expected a text");
	else if (!k)
		rc = err_set(&err, ENOSYS, "command", "no command \"%.40s\"",
			     name);
	else if (args && !json_is_object(args))
		rc = err_set(&err, EINVAL, "args", "expected an object");
	else if (node && !json_is_string(node))
		rc = err_set(&err, EINVAL, "node", "expected a text");
	else if (take_by(c, request, &err) < 0)
		rc = -err.code;
	else
		rc = run_command(c, k, json_string_value(node),
				 args ? args : none, result, &err);
	if (rc < 0)
		door_refuse(c, &err);
	else if (rc != COMMAND_LATER)
		door_answer(c, result);
	json_decref(result);
	json_decref(none);
}

static void run_parsed(struct door_client *c, const json_t *request,
		       const json_error_t *why)
{
	struct err err;

	if (json_is_object(request)) {
		run_request(c, request);
		return;
	}
	set_id(c, NULL);
	(void)err_set(&err, EINVAL, NULL, "expected a JSON object%s%s",
		      request ? "" : ": ", request ? "" : why->text);
	door_refuse(c, &err);
}

/* A request that is read beside the main loop. */
struct large {
	uint64_t work;
	char *line; /* owned */
	size_t len;
	json_t *request; /* owned */
	json_error_t why;
};

static void read_large(void *job)
{
	struct large *l = job;

	l->request =
		json_loadb(l->line, l->len, JSON_REJECT_DUPLICATES, &l->why);
}

static void run_large(struct agent *a, void *job)
{
	struct large *l = job;
	struct door_client *c = door_waits(a, l->work);

	if (c) {
		c->state = READ;
		json_decref(c->result);
		c->result = NULL;
		run_parsed(c, l->request, &l->why);
		door_go_on(c);
		door_free_closed(a->door);
	}
	json_decref(l->request);
	free(l->line);
	free(l);
}

/* false: it is to be read here and now. */
static bool put_aside(struct door_client *c, const char *line, size_t len)
{
	static const struct aside_work work = { read_large, run_large };
	struct large *l = len > DOOR_LARGE ? calloc(1, sizeof *l) : NULL;
	struct err err;

	if (!l)
		return false;
	*l = (struct large){ .line = malloc(len), .len = len };
	if (l->line)
		memcpy(l->line, line, len);
	if (!l->line || aside_run(c->agent, &work, l, &err) < 0) {
		free(l->line);
		free(l);
		return false;
	}
	l->work = door_later_work(c, NULL);
	return true;
}

static void run_line(struct door_client *c, const char *line, size_t len)
{
	json_error_t why;
	json_t *request;

	if (put_aside(c, line, len))
		return;
	request = json_loadb(line, len, JSON_REJECT_DUPLICATES, &why);
	run_parsed(c, request, &why);
	json_decref(request);
}

/* The next whole line, without its end; false: there is none yet. */
static bool next_line(struct door_client *c, const char **ret, size_t *ret_len)
{
	size_t left = c->in.len - c->in_done;
	const char *at = left ? c->in.at + c->in_done : NULL;
	const char *end = at ? memchr(at + c->in_seen, '\n', left - c->in_seen)
			     : NULL;

	if (!end) {
		c->in_seen = left;
		return false;
	}
	*ret = at;
	*ret_len = (size_t)(end - at);
	return true;
}

/* Some whole lines, as far as nothing has to be waited for. */
static void run_lines(struct door_client *c)
{
	const char *line;
	size_t len;

	c->more = false;
	for (unsigned n = 0; !c->closed && c->state == READ; n++) {
		if (!next_line(c, &line, &len))
			break;
		if (n == DOOR_LINES_PER_TURN) {
			c->more = true;
			break;
		}
		c->in_done += len + 1;
		c->in_seen = 0;
		if (len > 0)
			run_line(c, line, len);
	}
	/* not at each line: it moves what is left */
	if (c->in_done > c->in.len / 2) {
		door_buffer_drop(&c->in, c->in_done);
		c->in_done = 0;
	}
	door_want(c);
}

/* Who says no more, and has got all answers, and follows nothing. */
static void close_if_done(struct door_client *c)
{
	const char *line;
	size_t len;

	if (c->says_no_more && c->state == READ && c->out.len == 0 &&
	    c->topic == DOOR_NOTHING && !next_line(c, &line, &len))
		door_close(c);
}

void door_go_on(struct door_client *c)
{
	run_lines(c);
	close_if_done(c);
}

static void read_client(struct door_client *c)
{
	size_t max = c->only_reads ? DOOR_QUESTION_MAX : DOOR_REQUEST_MAX;
	char buf[DOOR_READ_BYTES];

	for (unsigned i = 0; i < READS_PER_TURN; i++) {
		ssize_t n = recv(c->fd, buf, sizeof buf, MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n == 0) {
			c->says_no_more = true;
			return;
		}
		if (n < 0 || c->in.len - c->in_done > max ||
		    !door_buffer_add(&c->in, buf, (size_t)n)) {
			door_close(c);
			return;
		}
		if ((size_t)n < sizeof buf)
			return;
	}
}

/* --- clients ---------------------------------------------------------------------- */

static void free_client(struct door *d, struct door_client *c)
{
	struct door_client **at = &d->clients;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	d->n_clients--;
	loop_remove(c->loop_fd);
	close(c->fd);
	free(c->in.at);
	free(c->out.at);
	json_decref(c->id);
	json_decref(c->result);
	json_decref(c->splices);
	free(c->members);
	free(c);
}

/* Who was closed while others were told something. */
void door_free_closed(struct door *d)
{
	struct door_client *c, *next;

	for (c = d->clients; c; c = next) {
		next = c->next;
		if (c->closed)
			free_client(d, c);
	}
}

static void on_client(void *arg, uint32_t events)
{
	struct door_client *c = arg;
	struct door *d = c->agent->door;

	if (events & EPOLLIN && !c->says_no_more)
		read_client(c);
	run_lines(c);
	/* nobody is there to be told */
	if (events & (EPOLLHUP | EPOLLERR) && !c->more)
		door_close(c);
	door_send_waiting(c);
	close_if_done(c);
	door_free_closed(d);
}

/*
 * Who may not ask is let in all the same, to be told so: what a socket that is
 * closed had to say is lost if the peer has said something meanwhile.
 */
static bool may_ask(struct door *d, uid_t uid)
{
	uint64_t held = 0;

	if (uid == 0 || uid == geteuid() || uid == d->api || uid == d->exporter)
		return true;
	if (log_allowed(&d->refused_log, clock_now(), &held))
		log_warn("door: refused uid=%u (%llu more before)",
			 (unsigned)uid, (unsigned long long)held);
	return false;
}

static bool peer_uid(int fd, uid_t *ret)
{
	struct ucred cred;
	socklen_t len = sizeof cred;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return false;
	*ret = cred.uid;
	return true;
}

static void go_on(void *arg)
{
	struct agent *a = arg;

	loop_change(a->door->loop_fd, EPOLLIN);
}

/* Who comes waits in the kernel's queue. */
static void let_nobody_in(struct agent *a, int error)
{
	struct door *d = a->door;

	if (error == EAGAIN || error == ECONNABORTED || error == EINTR)
		return;	      /* he has gone again */
	if (d->pauses++ == 0) /* `weir status` has how often */
		log_warn("door: nobody can be let in: %s, trying again",
			 strerror(error));
	loop_change(d->loop_fd, 0);
	loop_timer_set(a->loop, &d->pause, DOOR_PAUSE_US);
}

json_t *door_json(const struct agent *a)
{
	const struct door *d = a->door;

	return json_pack("{s:i, s:i, s:I, s:I, s:I}", "clients",
			 (int)d->n_clients, "limit", DOOR_CLIENTS_MAX,
			 "turned_away", (json_int_t)d->turned_away, "pauses",
			 (json_int_t)d->pauses, "given_up",
			 (json_int_t)a->studies_given_up);
}

/* Accounts leave room for root, who has to look what they do. */
static bool has_room(const struct door *d, uid_t uid)
{
	return d->n_clients < (uid == 0 ? DOOR_CLIENTS_MAX
					: DOOR_CLIENTS_MAX - DOOR_ROOT_ROOM);
}

/* Takes both. */
static bool add_client(struct agent *a, struct door_client *c, int fd)
{
	struct door *d = a->door;

	c->agent = a;
	c->fd = fd;
	c->next = d->clients;
	d->clients = c;
	d->n_clients++;
	c->loop_fd = loop_add(a->loop, fd, EPOLLIN, on_client, c);
	if (c->loop_fd)
		return true;
	free_client(d, c);
	return false;
}

static void on_connect(void *arg, uint32_t events)
{
	struct agent *a = arg;
	struct door *d = a->door;
	int fd = accept4(d->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct door_client *c = NULL;
	uid_t uid = UID_NONE;

	if (fd < 0) {
		let_nobody_in(a, errno);
		return;
	}
	if (peer_uid(fd, &uid) && has_room(d, uid))
		c = calloc(1, sizeof *c);
	if (!c) {
		d->turned_away++;
		close(fd);
		return;
	}
	*c = (struct door_client){
		.uid = uid,
		.only_reads = uid != 0 && uid != geteuid() && uid != d->api,
		.refused = !may_ask(d, uid),
	};
	(void)add_client(a, c, fd);
}

int door_lend(struct agent *a, bool only_reads, struct err *reterr)
{
	struct door_client *c = NULL;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		       ends) < 0)
		return err_set(reterr, errno, NULL, "socketpair: %s",
			       strerror(errno));
	if (has_room(a->door, UID_NONE))
		c = calloc(1, sizeof *c);
	if (!c) {
		close(ends[0]);
		close(ends[1]);
		return err_set(reterr, EAGAIN, NULL,
			       "weir-agent has too many clients");
	}
	*c = (struct door_client){ .uid = geteuid(), .only_reads = only_reads };
	if (add_client(a, c, ends[0]))
		return ends[1];
	close(ends[1]);
	return err_set(reterr, ENOMEM, NULL, "out of memory");
}

/* --- start and end ------------------------------------------------------------------ */

static uid_t uid_of(const char *name)
{
	const struct passwd *p = name[0] ? getpwnam(name) : NULL;

	return p ? p->pw_uid : UID_NONE;
}

void door_find_accounts(struct agent *a)
{
	a->door->api = uid_of(a->config.api_user);
	a->door->exporter = uid_of(a->config.export_user);
}

int door_start(struct agent *a, struct err *reterr)
{
	struct door *d = calloc(1, sizeof *d);

	if (!d)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	d->fd = door_open(a->config.door, a->config.door_group, &d->is, reterr);
	if (d->fd < 0) {
		int rc = d->fd;

		free(d);
		return rc;
	}
	a->door = d;
	door_find_accounts(a);
	d->patience =
		(struct loop_timer){ .fn = door_out_of_patience, .arg = a };
	d->pause = (struct loop_timer){ .fn = go_on, .arg = a };
	d->loop_fd = loop_add(a->loop, d->fd, EPOLLIN, on_connect, a);
	return d->loop_fd ? 0 : err_set(reterr, ENOMEM, NULL, "out of memory");
}

/* Another agent may have opened its own in place of ours: that one stays. */
static void remove_path(const struct door *d, const char *path)
{
	struct stat is;

	if (stat(path, &is) == 0 && is.st_dev == d->is.st_dev &&
	    is.st_ino == d->is.st_ino)
		(void)unlink(path); /* nothing to lose */
}

void door_stop(struct agent *a)
{
	struct door *d = a->door;

	if (!d)
		return;
	while (d->clients)
		free_client(d, d->clients);
	loop_timer_off(a->loop, &d->patience);
	loop_timer_off(a->loop, &d->pause);
	loop_remove(d->loop_fd);
	close(d->fd);
	remove_path(d, a->config.door);
	free(d);
	a->door = NULL;
}
