/*
 * Questions between nodes. What is asked here of another node goes there as it is, and
 * there it is asked at that agent's own door, by a client that only reads; but for
 * what is meant for other nodes, too: captures, and what ends or isolates a
 * connection. Who may ask whom is the servers' matter.
 *
 *   {"command":"flows","args":{...},"by":"uid 0 at NODE"}
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/commands.h"
#include "agent/door_client.h"
#include "agent/member_own.h"
#include "base/limits_fleet.h"
#include "base/text.h"
#include "wire/member.h"

/* What may be done on another node, beside what only reads. */
static const char *const done_there[] = { "captures",	  "capture-start",
					  "capture-stop", "capture-delete",
					  "capture-read", "session-kill",
					  "quarantine",	  NULL };

static bool is_done_there(const char *command)
{
	for (const char *const *p = done_there; *p; p++)
		if (strcmp(*p, command) == 0)
			return true;
	return false;
}

static bool only_reads(const char *command)
{
	for (const struct command *k = commands; k->name; k++)
		if (strcmp(k->name, command) == 0)
			return k->reads;
	return false;
}

/* --- asking ---------------------------------------------------------------------- */

static int check_question(struct agent *a, const char *command,
			  const json_t *args, struct err *reterr)
{
	if (!a->member)
		return err_set(reterr, EINVAL, "node",
			       "this host is of no fleet");
	if (!only_reads(command) && !is_done_there(command))
		return err_set(reterr, EINVAL, "node",
			       "\"%s\" is not done on another node", command);
	if (arg_true(args, "follow"))
		return err_set(reterr, EINVAL, "follow",
			       "another node cannot be followed; ask again");
	if (arg_true(args, "fleet"))
		return err_set(reterr, EINVAL, "fleet",
			       "what all recorded is asked for here, not of "
			       "another node");
	return 0;
}

static char *question_text(struct agent *a, const struct door_client *c,
			   const char *command, const json_t *args)
{
	json_t *o = json_pack("{s:s, s:O}", "command", command, "args", args);
	const char *by = door_client_by(c);
	char *text = NULL;

	if (o) {
		json_t *who = by ? json_sprintf("%s at %s", by, a->config.node)
				 : json_sprintf("uid %u at %s",
						(unsigned)door_client_uid(c),
						a->config.node);

		(void)json_object_set_new(o, "by", who);
		text = json_dumps(o, JSON_COMPACT);
	}
	json_decref(o);
	return text;
}

int member_ask(struct agent *a, struct door_client *c, const char *node,
	       const char *command, const json_t *args, json_t *result,
	       struct err *reterr)
{
	struct waiting *w;
	char *text;
	int rc = check_question(a, command, args, reterr);

	if (rc < 0)
		return rc;
	text = question_text(a, c, command, args);
	if (!text)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	w = member_waiting_add(a, reterr);
	if (!w) {
		free(text);
		return -reterr->code;
	}
	if (strlen(text) > FLEET_QUESTION_MAX)
		rc = err_set(reterr, E2BIG, NULL,
			     "more than %d bytes to ask another node",
			     FLEET_QUESTION_MAX);
	else
		rc = fleet_ask(a->member->fleet, node, text, w->token, reterr);
	free(text);
	if (rc < 0) {
		free(member_waiting_take(a->member, w->token));
		return rc;
	}
	w->work = door_later_work(c, result);
	return COMMAND_LATER;
}

static int code_of(const char *name)
{
	for (int n = 1; n < 200; n++)
		if (strcmp(err_code_name(n), name) == 0)
			return n;
	return EREMOTEIO;
}

/* Takes answer's members into result; or fills *err. */
static void take_answer(json_t *answer, json_t *result, struct err *err)
{
	const json_t *why = json_object_get(answer, "error");

	if (json_is_true(json_object_get(answer, "ok"))) {
		(void)json_object_del(answer, "id");
		(void)json_object_del(answer, "ok");
		(void)json_object_update(result, answer);
		return;
	}
	(void)err_set(err, code_of(member_text(why, "code")),
		      member_text(why, "at"), "%s",
		      member_text(why, "text")[0] ? member_text(why, "text")
						  : "its answer is none");
}

void member_answered(struct agent *a, const struct fleet_news *n)
{
	struct waiting *w = member_waiting_take(a->member, n->token);
	struct door_client *c = w ? door_waits(a, w->work) : NULL;
	struct err err = n->err;
	json_t *answer;

	if (c && !err.code) {
		answer = json_loadb(n->text, n->len, 0, NULL);
		take_answer(answer, c->result, &err);
		json_decref(answer);
	}
	if (c)
		door_worked(a, w->work, &err);
	free(w);
}

/* --- answering ----------------------------------------------------------------------- */

struct asked {
	struct asked *next;
	struct agent *agent;
	int fd; /* our end of a door's client */
	struct loop_fd *loop_fd;
	char *reply; /* owned */
	struct text answer;
};

static void asked_end(struct agent *a, struct asked *q)
{
	struct asked **at = &a->member->asked;

	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	a->member->n_asked--;
	loop_remove(q->loop_fd);
	close(q->fd);
	text_done(&q->answer);
	free(q->reply);
	free(q);
}

static void refuse(struct agent *a, const char *reply, const struct err *err)
{
	json_t *o = json_pack("{s:b, s:{s:s, s:s, s:s}}", "ok", 0, "error",
			      "code", err_code_name(err->code), "at", err->at,
			      "text", err->text);
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;

	if (text)
		fleet_answer(a->member->fleet, reply, text);
	free(text);
	json_decref(o);
}

static void on_answer(void *arg, uint32_t events)
{
	struct asked *q = arg;
	struct agent *a = q->agent;
	char buf[DOOR_READ_BYTES];
	struct err err;
	char *text;
	ssize_t n = recv(q->fd, buf, sizeof buf, MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0)
		text_add(&q->answer, buf, (size_t)n);
	if (n > 0 && buf[n - 1] != '\n' && !q->answer.failed)
		return;
	text = n > 0 ? text_take(&q->answer) : NULL;
	if (text) {
		fleet_answer(a->member->fleet, q->reply, text);
	} else {
		(void)err_set(&err, EIO, NULL, "its answer was lost there");
		refuse(a, q->reply, &err);
	}
	free(text);
	asked_end(a, q);
}

/* As the door reads it; "by" only from who may say it there. */
static char *request_text(const json_t *question, bool reads)
{
	const char *by = member_text(question, "by");
	json_t *o = json_pack("{s:i, s:s, s:O}", "id", 1, "command",
			      member_text(question, "command"), "args",
			      json_object_get(question, "args"));
	char *line = NULL, *text;
	size_t len;

	if (o && !reads && by[0])
		(void)json_object_set_new(
			o, "by",
			json_stringn(by, strnlen(by, DOOR_BY_MAX - 1)));
	text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	json_decref(o);
	len = text ? strlen(text) : 0;
	line = text ? realloc(text, len + 2) : NULL;
	if (!line) {
		free(text);
		return NULL;
	}
	memcpy(line + len, "\n", 2);
	return line;
}

static int begin_answer(struct agent *a, const json_t *question,
			struct fleet_news *n, struct err *reterr)
{
	bool reads = !is_done_there(member_text(question, "command"));
	char *line = request_text(question, reads);
	struct asked *q = line ? calloc(1, sizeof *q) : NULL;
	int rc;

	if (!q) {
		free(line);
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	*q = (struct asked){ .next = a->member->asked, .agent = a };
	q->fd = door_lend(a, reads, reterr);
	if (q->fd < 0) {
		rc = q->fd;
		free(line);
		free(q);
		return rc;
	}
	q->reply = n->reply;
	n->reply = NULL;
	a->member->asked = q;
	a->member->n_asked++;
	q->loop_fd = loop_add(a->loop, q->fd, EPOLLIN, on_answer, q);
	/* it is short, and the socket is empty */
	if (!q->loop_fd || send(q->fd, line, strlen(line), MSG_NOSIGNAL) !=
				   (ssize_t)strlen(line)) {
		n->reply = q->reply;
		q->reply = NULL;
		asked_end(a, q);
		free(line);
		return err_set(reterr, EIO, NULL, "it cannot be asked there");
	}
	free(line);
	return 0;
}

void member_asked(struct agent *a, struct fleet_news *n)
{
	json_t *question = NULL;
	struct err err;
	int rc;

	if (n->len > FLEET_QUESTION_MAX)
		rc = err_set(&err, E2BIG, NULL, "the question is too long");
	else if (a->member->n_asked == FLEET_ASKED_MAX)
		rc = err_set(&err, EAGAIN, NULL,
			     "that node answers %d questions already",
			     FLEET_ASKED_MAX);
	else {
		question = json_loadb(n->text, n->len, JSON_REJECT_DUPLICATES,
				      NULL);
		rc = json_is_object(json_object_get(question, "args"))
			     ? begin_answer(a, question, n, &err)
			     : err_set(&err, EPROTO, NULL, "is no question");
	}
	json_decref(question);
	if (rc < 0)
		refuse(a, n->reply, &err);
}

void member_ask_stop(struct agent *a)
{
	while (a->member->asked)
		asked_end(a, a->member->asked);
}
