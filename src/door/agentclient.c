/*
 * Lines of JSON over a stream. An answer may be large (ten thousand rules), so
 * the buffer grows to what a line needs.
 */
#include "door/agentclient.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/limits_door.h"
#include "door/answer.h"

#define READ_BYTES 65536

static int connect_error(int error, const char *path, struct err *reterr)
{
	if (error == ENOENT || error == ECONNREFUSED)
		return err_set(reterr, ECONNREFUSED, NULL,
			       "no agent answers at %s: start weir-agent "
			       "(systemctl start weir-agent), or name its "
			       "socket with --socket",
			       path);
	if (error == EAGAIN)
		return err_set(reterr, ETIMEDOUT, NULL,
			       "%s: the agent lets nobody in for %d s", path,
			       DOOR_CONNECT_S);
	if (error == EACCES || error == EPERM)
		return err_set(reterr, EACCES, NULL,
			       "%s: only root may speak with the agent", path);
	return err_set(reterr, error, NULL, "%s: %s", path, strerror(error));
}

int agentclient_open(const char *path, struct agentclient *ret,
		     struct err *reterr)
{
	const struct timeval wait = { .tv_sec = DOOR_CONNECT_S }, ever = { 0 };
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd, rc;

	if (strlen(path) >= sizeof a.sun_path)
		return err_set(reterr, ENAMETOOLONG, "--socket",
			       "at most %zu bytes", sizeof a.sun_path - 1);
	memcpy(a.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(reterr, errno, NULL, "socket: %s",
			       strerror(errno));
	/* of connect(), too; where it is not known, it waits as ever */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
	if (connect(fd, (struct sockaddr *)&a, sizeof a) < 0) {
		rc = connect_error(errno, path, reterr);
		close(fd);
		return rc;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &ever, sizeof ever);
	*ret = (struct agentclient){ .fd = fd };
	return 0;
}

void agentclient_done(struct agentclient *c)
{
	if (c->fd >= 0)
		close(c->fd);
	free(c->buf);
	*c = (struct agentclient){ .fd = -1 };
}

static int io_error(int error, struct err *reterr)
{
	if (error == EPIPE || error == ECONNRESET || error == 0)
		return err_set(reterr, ECONNRESET, NULL,
			       "the agent closed the connection");
	return err_set(reterr, error, NULL, "agent: %s", strerror(error));
}

static int send_line(struct agentclient *c, json_t *line, struct err *reterr)
{
	char *text = json_dumps(line, JSON_COMPACT);
	size_t len, done = 0;

	if (!text)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	len = strlen(text);
	text[len] = '\n'; /* the NUL is not sent */
	while (done <= len) {
		ssize_t n =
			send(c->fd, text + done, len + 1 - done, MSG_NOSIGNAL);

		if (n < 0) {
			free(text);
			return io_error(errno, reterr);
		}
		done += (size_t)n;
	}
	free(text);
	return 0;
}

static int read_more(struct agentclient *c, struct err *reterr)
{
	ssize_t n;

	if (c->at > 0) {
		c->len -= c->at;
		memmove(c->buf, c->buf + c->at, c->len);
		c->at = 0;
	}
	if (c->size - c->len < READ_BYTES) {
		size_t size = c->size ? 2 * c->size : 2UL * READ_BYTES;
		void *more = size <= 2 * (size_t)DOOR_UNREAD_MAX
				     ? realloc(c->buf, size)
				     : NULL;

		if (!more)
			return err_set(reterr, ENOMEM, NULL,
				       "the agent's answer is too large");
		c->buf = more;
		c->size = size;
	}
	n = recv(c->fd, c->buf + c->len, c->size - c->len, 0);
	if (n <= 0)
		return io_error(n < 0 ? errno : 0, reterr);
	c->len += (size_t)n;
	return 0;
}

int agentclient_next_text(struct agentclient *c, const char **ret,
			  size_t *ret_len, struct err *reterr)
{
	size_t searched = c->at;
	char *end;
	int rc;

	for (;;) {
		end = c->len > searched ? memchr(c->buf + searched, '\n',
						 c->len - searched)
					: NULL;
		if (end)
			break;
		searched = c->len - c->at; /* once it is moved to the front */
		rc = read_more(c, reterr);
		if (rc < 0)
			return rc;
	}
	*ret = c->buf + c->at;
	*ret_len = (size_t)(end - *ret);
	c->at = (size_t)(end - c->buf) + 1;
	return 0;
}

int agentclient_next(struct agentclient *c, json_t **ret, struct err *reterr)
{
	const char *text;
	size_t len;
	json_error_t why;
	int rc = agentclient_next_text(c, &text, &len, reterr);

	if (rc < 0)
		return rc;
	*ret = json_loadb(text, len, 0, &why);
	return *ret ? 0
		    : err_set(reterr, EPROTO, NULL,
			      "the agent's answer is no JSON: %s", why.text);
}

/* Takes args. */
static int send_command(struct agentclient *c, const char *command,
			const char *by, json_t *args, struct err *reterr)
{
	json_t *line = json_pack("{s:I, s:s, s:s*, s:s*, s:o}", "id",
				 (json_int_t)++c->last_id, "command", command,
				 "by", by, "node", c->node, "args",
				 args ? args : json_object());
	int rc = line ? send_line(c, line, reterr)
		      : err_set(reterr, ENOMEM, NULL, "out of memory");

	json_decref(line);
	return rc;
}

int agentclient_ask_text(struct agentclient *c, const char *command,
			 const char *by, json_t *args, const char **ret,
			 size_t *ret_len, struct err *reterr)
{
	int rc = send_command(c, command, by, args, reterr);

	return rc < 0 ? rc : agentclient_next_text(c, ret, ret_len, reterr);
}

void agentclient_trim(struct agentclient *c)
{
	if (c->at < c->len || c->size <= 2UL * READ_BYTES)
		return;
	free(c->buf);
	c->buf = NULL;
	c->at = c->len = c->size = 0;
}

int agentclient_ask(struct agentclient *c, const char *command, json_t *args,
		    json_t **ret, struct err *reterr)
{
	json_t *answer = NULL;
	int rc = send_command(c, command, NULL, args, reterr);

	if (rc == 0)
		rc = agentclient_next(c, &answer, reterr);
	if (rc == 0)
		rc = answer_check(answer, c->last_id, "the agent", reterr);
	if (rc < 0)
		json_decref(answer);
	else
		*ret = answer;
	return rc;
}
