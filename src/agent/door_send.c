/*
 * What the agent's door tells a client: lines, in a buffer as long as it does not read
 * them. Who lets too many wait is closed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "agent/door_client.h"
#include "base/limits.h"
#include "base/text.h"

/* --- buffers ------------------------------------------------------------------ */

bool door_buffer_add(struct door_buffer *b, const char *text, size_t len)
{
	if (b->len + len > b->size) {
		size_t size = b->size ? b->size : 4096;
		char *more;

		while (size < b->len + len)
			size *= 2;
		more = realloc(b->at, size);
		if (!more)
			return false;
		b->at = more;
		b->size = size;
	}
	memcpy(b->at + b->len, text, len);
	b->len += len;
	return true;
}

void door_buffer_drop(struct door_buffer *b, size_t len)
{
	if (len == 0)
		return;
	b->len -= len;
	memmove(b->at, b->at + len, b->len);
	if (b->len == 0 && b->size > DOOR_READ_BYTES) { /* a large one was */
		free(b->at);
		*b = (struct door_buffer){ 0 };
	}
}

/* --- sending ------------------------------------------------------------------ */

void door_close(struct door_client *c)
{
	c->closed = true;
}

void door_want(struct door_client *c)
{
	bool reads = !c->says_no_more && !c->more;

	if (!c->closed)
		loop_change(c->loop_fd,
			    (reads ? EPOLLIN : 0u) |
				    (c->out.len || c->more ? EPOLLOUT : 0u));
}

void door_send_waiting(struct door_client *c)
{
	while (!c->closed && c->out_done < c->out.len) {
		ssize_t n = send(c->fd, c->out.at + c->out_done,
				 c->out.len - c->out_done,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			door_close(c);
		else
			c->out_done += (size_t)n;
	}
	if (c->out_done == c->out.len) {
		c->out_done = 0;
		door_buffer_drop(&c->out, c->out.len);
	}
	door_want(c);
}

/* Takes line; an object. */
void door_send_line(struct door_client *c, json_t *line)
{
	char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;

	json_decref(line);
	if (!text || c->out.len - c->out_done > DOOR_UNREAD_MAX ||
	    !door_buffer_add(&c->out, text, strlen(text)) ||
	    !door_buffer_add(&c->out, "\n", 1))
		door_close(c);
	free(text);
	door_send_waiting(c);
}

/* The answer that is text already. */
static void answer_members(struct door_client *c)
{
	char *id = json_dumps(c->id, JSON_COMPACT | JSON_ENCODE_ANY);
	struct text t = { .at = NULL };

	if (id)
		text_addf(&t, "{\"id\":%s,\"ok\":true,", id);
	text_add_word(&t, c->members);
	text_add_word(&t, "}\n");
	if (!id || t.failed || c->out.len - c->out_done > DOOR_UNREAD_MAX ||
	    !door_buffer_add(&c->out, t.at, t.len))
		door_close(c);
	text_done(&t);
	free(id);
	free(c->members);
	c->members = NULL;
	door_send_waiting(c);
}

void door_answer(struct door_client *c, json_t *result)
{
	if (c->members) {
		answer_members(c);
		return;
	}
	(void)json_object_set(result, "id", c->id);
	(void)json_object_set_new(result, "ok", json_true());
	door_send_line(c, json_incref(result));
}

void door_refuse(struct door_client *c, const struct err *err)
{
	door_send_line(c, json_pack("{s:O, s:b, s:{s:s, s:s, s:s}}", "id",
				    c->id, "ok", 0, "error", "code",
				    err_code_name(err->code), "at", err->at,
				    "text", err->text));
}
