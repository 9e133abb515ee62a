/*
 * NeuVector's datagram door (reference 1.1, 1.2). There are no answers, so what
 * is wrong is counted and told in the log, a few lines a second at most.
 *
 * Replies go to the sender of the request; one without an address (the
 * article's client never binds one) gets none. A client that does not take its
 * replies is waited for REPLY_WAIT_MS at most and loses the rest: the
 * reference's own reader allows few seconds, and nobody may hold this thread.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/limits.h"
#include "dp/door.h"
#include "dp/handlers.h"
#include "dp/opener.h"

struct sender {
	struct control *ctl;
	int fd;
	const struct sockaddr_un *to;
	socklen_t to_len;
	int wait_ms; /* what is left of REPLY_WAIT_MS */
};

/*
 * The agent's socket is root's and we are not: the kernel's EACCES. Then the
 * opener sends it.
 */
static int send_once(const struct sender *s, const uint8_t *buf, size_t len)
{
	int rc = sendto(s->fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL,
			(const struct sockaddr *)s->to, s->to_len) < 0
			 ? -errno
			 : 0;

	return rc == -EACCES ? opener_reply(s->ctl->opener_fd, s->to, buf, len)
			     : rc;
}

static bool send_reply(void *arg, const uint8_t *buf, size_t len)
{
	struct sender *s = arg;
	int rc;

	if (s->to_len <= sizeof(sa_family_t)) {
		s->ctl->compat.unanswered++;
		return false;
	}
	while ((rc = send_once(s, buf, len)) < 0) {
		if (rc != -EAGAIN || s->wait_ms <= 0) {
			s->ctl->compat.unanswered++;
			return false;
		}
		/* a datagram peer's queue cannot be polled from here */
		(void)poll(NULL, 0, REPLY_STEP_MS);
		s->wait_ms -= REPLY_STEP_MS;
	}
	return true;
}

static void tell(struct control *ctl, const char *what, const struct err *e)
{
	uint64_t held;

	if (!log_allowed(&ctl->input_log, clock_now(), &held))
		return;
	log_warn("%s: %s%s%s door=compat code=%s held_back=%llu", what, e->at,
		 e->at[0] ? ": " : "", e->text, err_code_name(e->code),
		 (unsigned long long)held);
}

static bool may_speak(const struct msghdr *m)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(m);
	struct ucred cred;

	if (!c || c->cmsg_level != SOL_SOCKET ||
	    c->cmsg_type != SCM_CREDENTIALS)
		return false;
	memcpy(&cred, CMSG_DATA(c), sizeof cred);
	return cred.uid == 0 || cred.uid == geteuid();
}

static void one_message(struct control *ctl, const char *name,
			const json_t *body, struct sender *s)
{
	struct err err;
	int rc = handle_message(ctl, name, body, NULL, send_reply, s, &err);

	if (rc == 0) {
		ctl->compat.messages++;
		return;
	}
	if (rc == -ENOENT) {
		/* a later NeuVector's; ignored, reference 1.2 */
		ctl->compat.unknown++;
		log_debug(LOG_CAT_CTRL, "unknown message %.64s, ignoring",
			  name);
		return;
	}
	door_refused(&ctl->compat, rc);
	tell(ctl, "message refused", &err);
}

static void one_datagram(struct control *ctl, const char *text, size_t len,
			 struct sender *s)
{
	struct err err;
	json_t *all = ctrl_load(text, len, &err), *body;
	const char *name;

	if (!json_is_object(all)) {
		if (all)
			(void)err_set(&err, EINVAL, NULL,
				      "expected a JSON object");
		ctl->compat.garbage++;
		tell(ctl, "datagram ignored", &err);
		json_decref(all);
		return;
	}
	json_object_foreach (all, name, body)
		one_message(ctl, name, body, s);
	json_decref(all);
}

bool compat_serve(struct control *ctl, int fd)
{
	char text[COMPAT_MSG_MAX];
	struct sockaddr_un from = { 0 };
	union {
		char buf[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { text, sizeof text };
	struct msghdr m = { .msg_name = &from,
			    .msg_namelen = sizeof from,
			    .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof control };
	ssize_t len = recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct sender s = { .ctl = ctl,
			    .fd = fd,
			    .to = &from,
			    .to_len = m.msg_namelen,
			    .wait_ms = REPLY_WAIT_MS };
	struct err err;

	if (len < 0)
		return false;
	if (!may_speak(&m)) {
		ctl->compat.garbage++;
		(void)err_set(&err, EPERM, NULL, "the sender may not speak");
		tell(ctl, "datagram ignored", &err);
	} else if (m.msg_flags & MSG_TRUNC) {
		ctl->compat.garbage++;
		(void)err_set(&err, EMSGSIZE, NULL, "longer than %d bytes",
			      COMPAT_MSG_MAX);
		tell(ctl, "datagram ignored", &err);
	} else {
		one_datagram(ctl, text, (size_t)len, &s);
	}
	return true;
}
