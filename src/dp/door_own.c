/*
 * Our own door: each request gets exactly one answer, also a request that is
 * not even JSON (its id is then null). A body or an answer that is larger than
 * a datagram travels as a memfd: sealed, so that it cannot change while it is
 * read.
 *
 *   small   {"id":7,"NAME":{...}}          {"id":7,"ok":true,...}
 *   large   {"id":7,"memfd":true} + fd     {"id":7,"ok":true,"memfd":true} + fd
 *
 * A message may pass a descriptor along with its answer (weir_capture's ring).
 * A client that does not take its answers is disconnected.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "dp/door.h"
#include "dp/handlers.h"
#include "wire/json_memory.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

union fd_control {
	char buf[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
	struct cmsghdr align;
};

int own_accept(struct own_clients *clients, int listen_fd)
{
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ucred cred;
	socklen_t len = sizeof cred;

	if (fd < 0) /* or he has gone again */
		return errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
				       errno == ENOMEM
			       ? -errno
			       : 0;
	if (clients->n == OWN_CLIENTS_MAX) {
		close(fd);
		return -EUSERS;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0 ||
	    (cred.uid != 0 && cred.uid != geteuid())) {
		close(fd);
		return 0;
	}
	clients->fds[clients->n++] = fd;
	return 0;
}

static void drop_client(struct control *ctl, struct own_clients *clients,
			unsigned i)
{
	captures_end(ctl, clients->fds[i]);
	close(clients->fds[i]);
	clients->fds[i] = clients->fds[--clients->n];
}

int own_release(struct own_clients *clients, unsigned i)
{
	int fd = clients->fds[i];

	clients->fds[i] = clients->fds[--clients->n];
	return fd;
}

void own_close_all(struct control *ctl, struct own_clients *clients)
{
	while (clients->n)
		drop_client(ctl, clients, 0);
}

/* A sealed memfd with that text; -errno. */
static int make_memfd(const char *text, size_t len)
{
	int fd = memfd_create("weir-answer", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	size_t done = 0;

	if (fd < 0)
		return -errno;
	while (done < len) {
		ssize_t n = write(fd, text + done, len - done);

		if (n <= 0 && errno != EINTR)
			goto err_close;
		if (n > 0)
			done += (size_t)n;
	}
	if (fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		goto err_close;
	return fd;
err_close:
	close(fd);
	return -EIO;
}

/* passed -1: none. false: the client does not take it. */
static bool send_text(int fd, const char *text, size_t len, int passed)
{
	struct iovec iov = { (void *)(uintptr_t)text, len };
	union fd_control control = { .buf = { 0 } };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (passed >= 0) {
		struct cmsghdr *c = &control.align;

		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(sizeof passed);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof passed);
		memcpy(CMSG_DATA(c), &passed, sizeof passed);
	}
	return sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len;
}

static bool send_large(int fd, const json_t *id, const char *text, size_t len)
{
	json_t *head =
		json_pack("{s:O?,s:b,s:b}", "id", id, "ok", 1, "memfd", 1);
	char *small = json_text_whole(head);
	int memfd = make_memfd(text, len);
	bool sent = small && memfd >= 0 &&
		    send_text(fd, small, strlen(small), memfd);

	if (memfd >= 0)
		close(memfd);
	free(small);
	json_decref(head);
	return sent;
}

/* passed: -1, or what goes with an answer that is not large. */
static bool send_answer(int fd, const json_t *id, const json_t *answer,
			int passed)
{
	char *text = json_text_whole(answer);
	size_t len = text ? strlen(text) : 0;
	bool sent;

	if (!text)
		return false;
	sent = len > OWN_MSG_MAX ? send_large(fd, id, text, len)
				 : send_text(fd, text, len, passed);
	free(text);
	return sent;
}

static json_t *error_answer(const json_t *id, const struct err *e)
{
	return json_pack("{s:O?,s:b,s:{s:s,s:s,s:s}}", "id", id, "ok", 0,
			 "error", "code", err_code_name(e->code), "at", e->at,
			 "text", e->text);
}

/* The one member of the request besides "id". */
static int message_of(const json_t *request, const char **ret_name,
		      const json_t **ret_body, struct err *reterr)
{
	const char *key;
	json_t *value;

	*ret_name = NULL;
	/* jansson's iteration wants a non-const object but changes nothing */
	json_object_foreach ((json_t *)(uintptr_t)request, key, value) {
		if (strcmp(key, "id") == 0)
			continue;
		if (*ret_name)
			return err_set(reterr, EINVAL, key,
				       "one message a request, there is "
				       "%.64s already",
				       *ret_name);
		*ret_name = key;
		*ret_body = value;
	}
	if (!*ret_name)
		return err_set(reterr, EINVAL, NULL,
			       "no message: expected {\"id\": N, \"NAME\": "
			       "{...}}");
	return 0;
}

static bool answer_request(struct control *ctl, int fd, const json_t *id,
			   const json_t *request)
{
	json_t *answer = json_pack("{s:O?,s:b}", "id", id, "ok", 1);
	struct err err = { 0 };
	const json_t *body = NULL;
	const char *name = NULL;
	bool sent;
	int rc;

	/* without one it would be the other door's message */
	rc = answer ? message_of(request, &name, &body, &err)
		    : err_set(&err, ENOMEM, NULL, "out of memory");
	if (rc == 0)
		rc = handle_message(ctl, name, body, answer, NULL, NULL, &err);
	if (rc < 0) {
		if (rc == -ENOENT)
			ctl->own.unknown++;
		else
			door_refused(&ctl->own, rc);
		json_decref(answer);
		answer = error_answer(id, &err);
	} else {
		ctl->own.messages++;
	}
	sent = send_answer(fd, id, answer, ctl->answer_fd);
	ctl->answer_fd = -1;
	json_decref(answer);
	return sent;
}

static bool answer_garbage(struct control *ctl, int fd, const struct err *err)
{
	json_t *answer = error_answer(NULL, err);
	bool sent = send_answer(fd, NULL, answer, -1);

	ctl->own.garbage++;
	json_decref(answer);
	return sent;
}

/* The body in a memfd, as JSON; NULL and *reterr. */
static json_t *load_memfd(int memfd, struct err *reterr)
{
	struct stat st;
	int seals = fcntl(memfd, F_GET_SEALS);
	json_t *v;
	void *text;

	if (seals < 0 || (seals & SEALS) != SEALS || fstat(memfd, &st) < 0) {
		(void)err_set(reterr, EINVAL, "memfd",
			      "expected a memfd sealed against shrinking, "
			      "growing and writing");
		return NULL;
	}
	if (st.st_size <= 0 || st.st_size > OWN_MEMFD_MAX) {
		(void)err_set(reterr, E2BIG, "memfd",
			      "expected 1..%u bytes, got %lld", OWN_MEMFD_MAX,
			      (long long)st.st_size);
		return NULL;
	}
	text = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, memfd, 0);
	if (text == MAP_FAILED) {
		(void)err_set(reterr, errno, "memfd", "cannot be read: %s",
			      strerror(errno));
		return NULL;
	}
	v = ctrl_load(text, (size_t)st.st_size, reterr);
	(void)munmap(text, (size_t)st.st_size);
	return v;
}

static bool serve_text(struct control *ctl, int fd, const char *text,
		       size_t len, int memfd)
{
	struct err err = { 0 };
	json_t *request = ctrl_load(text, len, &err), *large = NULL;
	const json_t *id = json_object_get(request, "id");
	bool is_large, sent;

	if (!json_is_object(request)) {
		if (request)
			(void)err_set(&err, EINVAL, NULL,
				      "expected a JSON object");
		sent = answer_garbage(ctl, fd, &err);
		json_decref(request);
		return sent;
	}
	is_large = json_is_true(json_object_get(request, "memfd"));
	if (is_large && memfd < 0)
		(void)err_set(&err, EINVAL, "memfd", "no descriptor came");
	else if (is_large)
		large = load_memfd(memfd, &err);
	if (is_large && large && !json_is_object(large))
		(void)err_set(&err, EINVAL, "memfd", "expected a JSON object");
	if (err.code) {
		json_t *answer = error_answer(id, &err);

		sent = send_answer(fd, id, answer, -1);
		door_refused(&ctl->own, -err.code);
		json_decref(answer);
	} else {
		sent = answer_request(ctl, fd, id, large ? large : request);
	}
	json_decref(large);
	json_decref(request);
	return sent;
}

/* The descriptor that came with a message, -1 if none; others are closed. */
static int passed_fd(struct msghdr *m)
{
	int found = -1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; CMSG_LEN(at + sizeof(int)) <= c->cmsg_len;
		     at += sizeof(int)) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + at, sizeof fd);
			if (found >= 0)
				close(fd);
			else
				found = fd;
		}
	}
	return found;
}

bool own_serve(struct control *ctl, struct own_clients *clients, unsigned i)
{
	static char text[OWN_MSG_MAX]; /* one thread, too large for its stack */
	union fd_control control;
	struct iovec iov = { text, sizeof text };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof control };
	int fd = clients->fds[i], memfd;
	ssize_t len = recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct err err;
	bool alive;

	if (len < 0 && errno == EAGAIN)
		return true;
	if (len <= 0) {
		drop_client(ctl, clients, i);
		return false;
	}
	memfd = passed_fd(&m);
	if (m.msg_flags & MSG_TRUNC) {
		(void)err_set(&err, EMSGSIZE, NULL,
			      "a request has at most %d bytes; send a larger "
			      "body as a sealed memfd",
			      OWN_MSG_MAX);
		alive = answer_garbage(ctl, fd, &err);
	} else {
		ctl->client = fd;
		alive = serve_text(ctl, fd, text, (size_t)len, memfd);
		ctl->client = -1;
	}
	if (memfd >= 0)
		close(memfd);
	if (!alive) {
		ctl->own.unanswered++;
		drop_client(ctl, clients, i);
	}
	return alive;
}
