/*
 * The protocol is two fixed structs; an answer carries the descriptor as
 * SCM_RIGHTS. The opener believes nothing the worker says beyond the names of
 * what is to be opened or of a client's socket: it is the stronger of the two
 * and the one that parses least.
 *
 * A reply goes only to a socket beside the compatible door's own, where the
 * agent has its own; a worker that was taken over could otherwise speak to any
 * service of the host in root's name. The socket is opened without following
 * a link and addressed by that descriptor, so it cannot be exchanged meanwhile.
 */
#include "dp/opener.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "dp/opener_port.h"
#include "dp/opener_relay.h"

struct request {
	enum { OPEN_PORT, SEND_REPLY, SEND_NOTICE } what;
	struct opener_port port; /* OPEN_PORT */
	struct sockaddr_un to;	 /* SEND_REPLY: this and the rest */
	size_t len;
	uint8_t data[COMPAT_REPLY_MAX];
};

struct answer {
	int rc; /* 0, of OPEN_PORT with a descriptor, or -errno */
	struct err err;
};

int opener_drop(const char *user, struct err *reterr)
{
	const struct passwd *pw;

	if (geteuid() != 0)
		return 0;
	pw = getpwnam(user ? user : "weir-dp");
	if (!pw && !user)
		pw = getpwnam("nobody");
	if (!pw)
		return err_set(reterr, ENOENT, "--user", "no account %s",
			       user ? user : "weir-dp or nobody");
	if (pw->pw_uid == 0)
		return err_set(reterr, EINVAL, "--user",
			       "%s is root; the worker must not be",
			       pw->pw_name);
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_change_id((int)pw->pw_uid, (int)pw->pw_gid,
			    CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING) != 0)
		return err_set(reterr, EPERM, "--user",
			       "cannot become %s without capabilities",
			       pw->pw_name);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(reterr, errno, NULL, "no_new_privs: %s",
			       strerror(errno));
	return 0;
}

static int keep_opening_capabilities(void)
{
	capng_clear(CAPNG_SELECT_BOTH);
	/* DAC_OVERRIDE: the doors' paths are removed from wherever they are */
	capng_updatev(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_RAW,
		      CAP_NET_ADMIN, CAP_KILL, CAP_DAC_OVERRIDE, CAP_SYS_ADMIN,
		      CAP_SYS_PTRACE, -1);
	return capng_apply(CAPNG_SELECT_CAPS);
}

/* passed: descriptors that go with it, -1 where there is none. */
static void send_answer(int fd, const struct answer *a,
			const struct opener_fds *passed)
{
	struct iovec iov = { (void *)(uintptr_t)a, sizeof *a };
	union {
		char buf[CMSG_SPACE(sizeof *passed)];
		struct cmsghdr align;
	} control = { 0 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (passed->port >= 0) {
		size_t n = passed->verdicts >= 0 ? 2 : 1;
		struct cmsghdr *c = &control.align;

		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(n * sizeof(int));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(c), passed, n * sizeof(int));
	}
	/* a worker that cannot be answered is ending, and so shall we */
	(void)sendmsg(fd, &m, MSG_NOSIGNAL);
}

/* Is it the name of something in the same directory as the door's socket? */
static bool is_beside(const char *path, const char *door)
{
	const char *name = strrchr(door, '/');
	size_t dir_len = name ? (size_t)(name - door) + 1 : 0;

	return strncmp(path, door, dir_len) == 0 &&
	       !strchr(path + dir_len, '/');
}

/*
 * To a socket at path, which is not followed if it is a link. trusted_only: it
 * must be root's or our own, since anybody may make one in /tmp.
 */
static int send_to(int from, const char *path, bool trusted_only,
		   const struct request *q)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct stat st;
	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC), rc = 0;

	if (fd < 0)
		return -errno;
	(void)snprintf(to.sun_path, sizeof to.sun_path, "/proc/self/fd/%d", fd);
	if (fstat(fd, &st) < 0 || !S_ISSOCK(st.st_mode))
		rc = -ENOTSOCK;
	else if (trusted_only && st.st_uid != 0 && st.st_uid != geteuid())
		rc = -EPERM;
	else if (sendto(from, q->data, q->len, MSG_DONTWAIT | MSG_NOSIGNAL,
			(const struct sockaddr *)&to, sizeof to) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

static int send_reply(const struct opener_door *door, const struct request *q)
{
	if (door->fd < 0 || q->len > sizeof q->data ||
	    !memchr(q->to.sun_path, '\0', sizeof q->to.sun_path) ||
	    !is_beside(q->to.sun_path, door->path))
		return -EPERM;
	return send_to(door->fd, q->to.sun_path, false, q);
}

static int send_notice(const struct opener_door *door, const struct request *q)
{
	if (door->notify_fd < 0 || q->len > sizeof q->data)
		return -EPERM;
	return send_to(door->notify_fd, door->notify, true, q);
}

static int open_port(struct relays *relays, const struct opener_port *p,
		     struct opener_fds *ret, struct err *reterr)
{
	int rc = opener_open(p, reterr);

	if (rc < 0)
		return rc;
	ret->port = rc;
	if (p->kind != OPENER_NFQ)
		return 0;
	rc = relays_add(relays, ret->port, p->queue, reterr);
	if (rc >= 0) {
		ret->verdicts = rc;
		return 0;
	}
	close(ret->port);
	ret->port = -1;
	return rc;
}

/* false: the worker is gone */
static bool serve_one(int fd, const struct opener_door *compat,
		      struct relays *relays)
{
	struct request q;
	struct answer a = { 0 };
	ssize_t len = recv(fd, &q, sizeof q, 0);
	struct opener_fds fds = { -1, -1 };

	if (len <= 0)
		return len < 0 && errno == EINTR;
	if (len == sizeof q && q.what == SEND_REPLY) {
		a.rc = send_reply(compat, &q);
	} else if (len == sizeof q && q.what == SEND_NOTICE) {
		a.rc = send_notice(compat, &q);
	} else if (len != sizeof q || q.what != OPEN_PORT) {
		a.rc = err_set(&a.err, EINVAL, NULL, "not a request");
	} else {
		a.rc = open_port(relays, &q.port, &fds, &a.err);
	}
	send_answer(fd, &a, &fds);
	if (fds.port >= 0)
		close(fds.port);
	if (fds.verdicts >= 0)
		close(fds.verdicts);
	return true;
}

static int exit_status_of(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return 1;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	log_error("worker died: %s pid=%d", strsignal(WTERMSIG(status)),
		  (int)child);
	return 1;
}

int opener_serve(int fd, pid_t child, const struct opener_door *compat)
{
	struct signalfd_siginfo si;
	struct pollfd fds[2 + WORKER_PORTS_MAX] = { { .fd = fd,
						      .events = POLLIN } };
	struct relays relays = { .n = 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGQUIT);
	fds[1] = (struct pollfd){ .fd = signalfd(-1, &set, SFD_CLOEXEC),
				  .events = POLLIN };
	if (geteuid() == 0 && keep_opening_capabilities() < 0)
		log_warn("opener: cannot give up capabilities, keeping them");
	for (;;) {
		relays_poll_set(&relays, fds + 2);
		if (poll(fds, 2 + relays.n, -1) < 0) {
			if (errno == EINTR)
				continue;
			break;
		}
		relays_serve(&relays, fds + 2);
		if (fds[1].revents & POLLIN &&
		    read(fds[1].fd, &si, sizeof si) == sizeof si)
			/* gone already: then waitpid says so */
			(void)kill(child, SIGTERM);
		if (fds[0].revents && !serve_one(fd, compat, &relays))
			break;
	}
	relays_close(&relays);
	close(fds[1].fd);
	return exit_status_of(child);
}

int opener_ask(int fd, const struct opener_port *port, struct opener_fds *ret,
	       struct err *reterr)
{
	struct request q = { .what = OPEN_PORT, .port = *port };
	size_t n = port->kind == OPENER_NFQ ? 2 : 1;
	struct answer a;
	struct iovec iov = { &a, sizeof a };
	union {
		char buf[CMSG_SPACE(sizeof *ret)];
		struct cmsghdr align;
	} control;
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof control };
	struct cmsghdr *c;

	if (send(fd, &q, sizeof q, MSG_NOSIGNAL) != sizeof q ||
	    recvmsg(fd, &m, MSG_CMSG_CLOEXEC) != sizeof a)
		return err_set(reterr, EPIPE, NULL, "the opener is gone");
	if (a.rc < 0) {
		*reterr = a.err;
		return a.rc;
	}
	c = CMSG_FIRSTHDR(&m);
	*ret = (struct opener_fds){ -1, -1 };
	if (c && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len <= CMSG_LEN(n * sizeof(int)))
		memcpy(ret, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
	if (ret->port >= 0 && (n == 1 || ret->verdicts >= 0))
		return 0;
	/* one of two: the other found no place among our descriptors */
	if (ret->port >= 0)
		close(ret->port);
	return err_set(reterr, EMFILE, NULL, "no descriptor came");
}

static int ask_to_send(int fd, struct request *q, const uint8_t *buf,
		       size_t len)
{
	struct answer a;

	if (len > sizeof q->data)
		return -EMSGSIZE;
	q->len = len;
	memcpy(q->data, buf, len);
	if (send(fd, q, sizeof *q, MSG_NOSIGNAL) != sizeof *q ||
	    recv(fd, &a, sizeof a, 0) != sizeof a)
		return -EPIPE;
	return a.rc;
}

int opener_reply(int fd, const struct sockaddr_un *to, const uint8_t *buf,
		 size_t len)
{
	struct request q = { .what = SEND_REPLY, .to = *to };

	return ask_to_send(fd, &q, buf, len);
}

int opener_notify(int fd, const uint8_t *buf, size_t len)
{
	struct request q = { .what = SEND_NOTICE };

	return ask_to_send(fd, &q, buf, len);
}
