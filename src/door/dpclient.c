/*
 * SEQPACKET keeps one request one datagram, so there is no framing. A request
 * that is longer than a datagram may be (a policy of thousands of rules) goes
 * as a sealed memfd: the data plane can map it without fearing that it changes
 * under its parser.
 */
#include "door/dpclient.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/text.h"
#include "door/answer.h"
#include "wire/ctrl.h"

static int connect_error(int error, const char *path, struct err *reterr)
{
	if (error == ENOENT || error == ECONNREFUSED)
		return err_set(
			reterr, ECONNREFUSED, NULL,
			"no data plane answers at %s: start one "
			"(weir-dp -n 1), or name its door with --control",
			path);
	if (error == EACCES || error == EPERM)
		return err_set(reterr, EACCES, NULL,
			       "%s: only root may speak with the data plane",
			       path);
	return err_set(reterr, error, NULL, "%s: %s", path, strerror(error));
}

int dpclient_open(const char *path, struct dpclient *ret, struct err *reterr)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct timeval wait = { .tv_sec = DP_ANSWER_WAIT_S };
	int fd;

	if (strlen(path) >= sizeof a.sun_path)
		return err_set(reterr, ENAMETOOLONG, "--control",
			       "at most %zu bytes", sizeof a.sun_path - 1);
	memcpy(a.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(reterr, errno, NULL, "socket: %s",
			       strerror(errno));
	if (connect(fd, (struct sockaddr *)&a, sizeof a) < 0) {
		int rc = connect_error(errno, path, reterr);

		close(fd);
		return rc;
	}
	/* Without time-outs a stuck data plane would hang us: no reason to
	 * go on without. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait) < 0) {
		int rc = err_set(reterr, errno, NULL, "%s: time-out: %s", path,
				 strerror(errno));

		close(fd);
		return rc;
	}
	*ret = (struct dpclient){ .fd = fd };
	return 0;
}

void dpclient_done(struct dpclient *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static int io_error(int error, struct err *reterr)
{
	if (error == EAGAIN)
		return err_set(reterr, ETIMEDOUT, NULL,
			       "the data plane did not answer within %d s",
			       DP_ANSWER_WAIT_S);
	if (error == EPIPE || error == ECONNRESET)
		return err_set(reterr, ECONNRESET, NULL,
			       "the data plane closed the connection");
	return err_set(reterr, error, NULL, "data plane: %s", strerror(error));
}

static int write_all(int fd, const char *p, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* parts: texts behind each other, then NULL. */
static int sealed_memfd(const char *const *parts, struct err *reterr)
{
	int fd = memfd_create("weir-request", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int rc = 0;

	if (fd < 0)
		return err_set(reterr, errno, NULL, "memfd_create: %s",
			       strerror(errno));
	for (size_t k = 0; parts[k] && rc == 0; k++)
		rc = write_all(fd, parts[k], strlen(parts[k]));
	if (rc == 0 &&
	    fcntl(fd, F_ADD_SEALS,
		  F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		rc = -errno;
	if (rc < 0) {
		close(fd);
		return err_set(reterr, -rc, NULL, "a large request: %s",
			       strerror(-rc));
	}
	return fd;
}

/* fd -1: none is passed */
static int send_datagram(const struct dpclient *c, const char *text, size_t len,
			 int fd, struct err *reterr)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)text,
			     .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		struct cmsghdr *cm = &control.align;

		msg.msg_control = control.buf;
		msg.msg_controllen = sizeof control.buf;
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(cm), &fd, sizeof fd);
	}
	while (sendmsg(c->fd, &msg, MSG_NOSIGNAL) < 0)
		if (errno != EINTR || !c->unsignalled)
			return io_error(errno, reterr);
	return 0;
}

static int send_large(const struct dpclient *c, const char *const *parts,
		      struct err *reterr)
{
	char head[64];
	int fd, rc, n;

	fd = sealed_memfd(parts, reterr);
	if (fd < 0)
		return fd;
	n = snprintf(head, sizeof head, "{\"id\":%u,\"memfd\":true}",
		     c->last_id);
	rc = send_datagram(c, head, (size_t)n, fd, reterr);
	close(fd);
	return rc;
}

static int send_request(const struct dpclient *c, const json_t *message,
			struct err *reterr)
{
	json_t *with_id = json_copy((json_t *)(uintptr_t)message);
	const char *parts[2] = { NULL, NULL };
	char *text;
	size_t len;
	int rc;

	if (!with_id ||
	    json_object_set_new(with_id, "id", json_integer(c->last_id)) < 0) {
		json_decref(with_id);
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	text = json_dumps(with_id, JSON_COMPACT);
	json_decref(with_id);
	if (!text)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	len = strlen(text);
	if (len <= OWN_MSG_MAX) {
		rc = send_datagram(c, text, len, -1, reterr);
	} else {
		free(text);
		parts[0] = text = json_dumps(message, JSON_COMPACT);
		rc = text ? send_large(c, parts, reterr)
			  : err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	free(text);
	return rc;
}

/* {"NAME":BODY}, and in a datagram the id. */
static int send_text(const struct dpclient *c, const char *name,
		     const char *body, struct err *reterr)
{
	char head[64], id[32];
	const char *const parts[] = { head, body, "}", NULL };
	struct text small = { 0 };
	int rc;

	(void)snprintf(head, sizeof head, "{\"%s\":", name);
	(void)snprintf(id, sizeof id, ",\"id\":%u}", c->last_id);
	if (strlen(head) + strlen(body) + strlen(id) > OWN_MSG_MAX)
		return send_large(c, parts, reterr);
	text_add_word(&small, head);
	text_add_word(&small, body);
	text_add_word(&small, id);
	rc = small.failed ? err_set(reterr, ENOMEM, NULL, "out of memory")
			  : send_datagram(c, small.at, small.len, -1, reterr);
	text_done(&small);
	return rc;
}

/* The descriptor that came with it, or -1. */
static int passed_fd(struct msghdr *m)
{
	struct cmsghdr *cm = CMSG_FIRSTHDR(m);
	int fd = -1;

	if (cm && cm->cmsg_level == SOL_SOCKET && cm->cmsg_type == SCM_RIGHTS &&
	    cm->cmsg_len == CMSG_LEN(sizeof fd))
		memcpy(&fd, CMSG_DATA(cm), sizeof fd);
	return fd;
}

/* One datagram. *ret_fd: what came with it, the caller's to close, or -1. */
static int recv_datagram(const struct dpclient *c, char *buf, size_t size,
			 size_t *ret_len, int *ret_fd, struct err *reterr)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.buf,
			      .msg_controllen = sizeof control.buf };
	ssize_t n;
	int fd;

	do
		n = recvmsg(c->fd, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR && c->unsignalled);
	if (n <= 0)
		return io_error(n < 0 ? errno : ECONNRESET, reterr);
	fd = passed_fd(&msg);
	if (msg.msg_flags & MSG_TRUNC) {
		if (fd >= 0)
			close(fd);
		return io_error(EMSGSIZE, reterr);
	}
	*ret_len = (size_t)n;
	*ret_fd = fd;
	return 0;
}

static json_t *parse_answer(const char *text, size_t len, struct err *reterr)
{
	struct err why;
	json_t *v = ctrl_load(text, len, &why);

	if (!v)
		(void)err_set(reterr, EPROTO, NULL,
			      "the data plane's answer is %s", why.text);
	return v;
}

/*
 * Read, not mapped: its size cannot change under us then, sealed or not. NULL
 * and *reterr on failure.
 */
static json_t *read_memfd(int fd, struct err *reterr)
{
	off_t len = lseek(fd, 0, SEEK_END);
	json_t *v = NULL;
	char *text;

	if (len <= 0 || len > OWN_MEMFD_MAX) {
		(void)err_set(reterr, EPROTO, NULL,
			      "the data plane's answer has no bytes, or more "
			      "than %u",
			      OWN_MEMFD_MAX);
		return NULL;
	}
	text = malloc((size_t)len);
	if (!text)
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
	else if (pread(fd, text, (size_t)len, 0) != len)
		(void)err_set(reterr, EPROTO, NULL,
			      "the data plane's answer cannot be read");
	else
		v = parse_answer(text, (size_t)len, reterr);
	free(text);
	return v;
}

/* *ret_fd: what else came, or -1. */
static int recv_answer(const struct dpclient *c, json_t **ret, int *ret_fd,
		       struct err *reterr)
{
	char *buf = malloc(OWN_MSG_MAX);
	json_t *v, *large;
	int fd = -1;
	size_t len = 0;
	int rc;

	if (!buf)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	rc = recv_datagram(c, buf, OWN_MSG_MAX, &len, &fd, reterr);
	if (rc < 0) {
		free(buf);
		return rc;
	}
	v = parse_answer(buf, len, reterr);
	free(buf);
	if (v && fd >= 0 && json_is_true(json_object_get(v, "memfd"))) {
		large = read_memfd(fd, reterr);
		json_decref(v);
		v = large;
		close(fd);
		fd = -1;
	}
	if (!v) {
		if (fd >= 0)
			close(fd);
		return -EPROTO;
	}
	*ret = v;
	*ret_fd = fd;
	return 0;
}

/* Of an earlier request, which there was no memory to take it for? */
static bool is_late(const json_t *answer, uint32_t last_id)
{
	const json_t *id = json_object_get(answer, "id");

	return json_is_integer(id) && json_integer_value(id) >= 0 &&
	       json_integer_value(id) < last_id;
}

/* Of what was sent last. *ret_fd: as dpclient_ask_fd(). */
static int take_answer(const struct dpclient *c, json_t **ret, int *ret_fd,
		       struct err *reterr)
{
	json_t *answer = NULL;
	int rc, fd = -1;

	do {
		if (fd >= 0)
			close(fd);
		json_decref(answer);
		answer = NULL;
		rc = recv_answer(c, &answer, &fd, reterr);
		if (rc < 0)
			return rc;
	} while (is_late(answer, c->last_id));
	rc = answer_check(answer, c->last_id, "the data plane", reterr);
	if (rc < 0) {
		if (fd >= 0)
			close(fd);
		json_decref(answer);
		return rc;
	}
	*ret = answer;
	*ret_fd = fd;
	return 0;
}

int dpclient_ask_fd(struct dpclient *c, const json_t *message, json_t **ret,
		    int *ret_fd, struct err *reterr)
{
	int rc;

	c->last_id++;
	rc = send_request(c, message, reterr);
	return rc < 0 ? rc : take_answer(c, ret, ret_fd, reterr);
}

int dpclient_ask(struct dpclient *c, const json_t *message, json_t **ret,
		 struct err *reterr)
{
	int fd, rc = dpclient_ask_fd(c, message, ret, &fd, reterr);

	if (rc == 0 && fd >= 0)
		close(fd);
	return rc;
}

int dpclient_ask_text(struct dpclient *c, const char *name, const char *body,
		      json_t **ret, struct err *reterr)
{
	int fd = -1, rc;

	c->last_id++;
	rc = send_text(c, name, body, reterr);
	if (rc == 0)
		rc = take_answer(c, ret, &fd, reterr);
	if (rc == 0 && fd >= 0)
		close(fd);
	return rc;
}

int dpclient_ask_name(struct dpclient *c, const char *name, json_t **ret,
		      struct err *reterr)
{
	json_t *message = json_pack("{s:{}}", name);
	int rc;

	if (!message)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	rc = dpclient_ask(c, message, ret, reterr);
	json_decref(message);
	return rc;
}

/* *ret_next: the cursor, or 0 at the end */
static int ask_page(struct dpclient *c, json_int_t after, json_t *sessions,
		    json_int_t *ret_next, struct err *reterr)
{
	json_t *message, *answer = NULL, *page;
	int rc;

	message = json_pack("{s:{s:I, s:i}}", "ctrl_list_session", "after",
			    after, "limit", FLOWS_PER_QUESTION);
	if (!message)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	rc = dpclient_ask(c, message, &answer, reterr);
	json_decref(message);
	if (rc < 0)
		return rc;
	page = json_object_get(answer, "sessions");
	if (!json_is_array(page))
		rc = err_set(reterr, EPROTO, "sessions", "expected an array");
	else if (json_array_extend(sessions, page) < 0)
		rc = err_set(reterr, ENOMEM, NULL, "out of memory");
	else
		*ret_next = json_integer_value(json_object_get(answer, "next"));
	json_decref(answer);
	return rc;
}

int dpclient_flows(struct dpclient *c, json_t **ret, struct err *reterr)
{
	json_t *sessions = json_array();
	json_int_t next = 0;
	json_t *answer;
	int rc;

	do {
		rc = ask_page(c, next, sessions, &next, reterr);
	} while (rc == 0 && next > 0);
	if (rc < 0) {
		json_decref(sessions);
		return rc;
	}
	answer = json_pack("{s:b, s:o}", "ok", 1, "sessions", sessions);
	if (!answer)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	*ret = answer;
	return 0;
}

struct told_place {
	json_int_t after, epoch, missed;
	bool raw;
	bool more; /* there are others behind it */
};

/* One page, behind *place, which is moved. */
static int ask_told_page(struct dpclient *c, const char *name, json_t *list,
			 struct told_place *place, struct err *reterr)
{
	json_t *message, *answer = NULL, *page;
	char full[32];
	int rc;

	(void)snprintf(full, sizeof full, "weir_%s", name);
	message = json_pack("{s:{s:I, s:I, s:o*}}", full, "after", place->after,
			    "epoch", place->epoch, "raw",
			    place->raw ? json_true() : NULL);
	if (!message)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	rc = dpclient_ask(c, message, &answer, reterr);
	json_decref(message);
	if (rc < 0)
		return rc;
	page = json_object_get(answer, name);
	if (!json_is_array(page))
		rc = err_set(reterr, EPROTO, name, "expected an array");
	else if (json_array_extend(list, page) < 0)
		rc = err_set(reterr, ENOMEM, NULL, "out of memory");
	place->after = json_integer_value(json_object_get(answer, "next"));
	place->epoch = json_integer_value(json_object_get(answer, "epoch"));
	place->missed += json_integer_value(json_object_get(answer, "missed"));
	place->more = json_is_true(json_object_get(answer, "more"));
	json_decref(answer);
	return rc;
}

int dpclient_told(struct dpclient *c, const char *name, bool raw, json_t **ret,
		  struct err *reterr)
{
	struct told_place place = { .raw = raw };
	json_t *list = json_array(), *answer;
	int rc;

	/* by one connection, so it is the same run to the end */
	do {
		rc = ask_told_page(c, name, list, &place, reterr);
	} while (rc == 0 && place.more);
	if (rc < 0) {
		json_decref(list);
		return rc;
	}
	answer = json_pack("{s:b, s:o, s:I, s:I, s:I}", "ok", 1, name, list,
			   "next", place.after, "epoch", place.epoch, "missed",
			   place.missed);
	if (!answer)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	*ret = answer;
	return 0;
}
