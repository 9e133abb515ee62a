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
#include <linux/netlink.h>
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
#include "dp/opener_deaf.h"
#include "dp/opener_port.h"
#include "dp/opener_relay.h"
#include "dp/passing.h"
#include "dp/sandbox.h"
#include "dp/watchdog.h"
#include "wire/dp_exit.h"

struct request {
	enum {
		SERVE,
		OPEN_PORT,
		RELEASE_PORT,
		SEND_REPLY,
		SEND_NOTICE,
		GIVE_SIGN,
		TAKE_DEAF,  /* with the sign */
		TAKE_QUEUE, /* with the queue's descriptor */
	} what;
	struct opener_port port; /* OPEN_, RELEASE_PORT, TAKE_DEAF, _QUEUE */
	uint64_t owner;		 /* TAKE_DEAF */
	struct sockaddr_un to;	 /* SEND_REPLY: this and the rest */
	size_t len;
	uint8_t data[COMPAT_REPLY_MAX];
};

struct answer {
	int rc; /* 0 or -errno */
	struct err err;
	uint64_t owner; /* GIVE_SIGN */
	/* What comes with it, in this order. */
	unsigned ports;
	bool verdicts, netns, sign;
};

/* The same, sorted. */
struct passed {
	struct opener_fds fds; /* fds.n 0: none */
	int netns, sign;       /* -1: none */
};

/* What the opener keeps for the worker. */
struct kept {
	struct relays relays;
	struct deaf_list deaf;
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

/* *p stays the caller's. */
static void send_answer(int fd, struct answer *a, const struct passed *p)
{
	int all[PASSING_MAX], rc;
	size_t n = 0;

	for (; n < p->fds.n; n++)
		all[n] = p->fds.port[n];
	a->ports = p->fds.n;
	a->verdicts = p->fds.verdicts >= 0;
	if (a->verdicts)
		all[n++] = p->fds.verdicts;
	a->netns = p->netns >= 0;
	if (a->netns)
		all[n++] = p->netns;
	a->sign = p->sign >= 0;
	if (a->sign)
		all[n++] = p->sign;
	rc = passing_send(fd, a, sizeof *a, all, n);
	if (rc < 0 && rc != -EPIPE && rc != -ECONNRESET) {
		/* it waits; and for what it does not get it shall not look */
		*a = (struct answer){ 0 };
		a->rc = err_set(&a->err, -rc, NULL,
				"the opener cannot answer: %s", strerror(-rc));
		rc = passing_send(fd, a, sizeof *a, NULL, 0);
	}
	/* a worker that cannot be answered even so is ending, and so shall we */
	if (rc < 0)
		(void)shutdown(fd, SHUT_RDWR);
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

/* Where the kernel refuses that it is a port nonetheless, and the log says so. */
static void make_deaf(struct deaf_list *deaf, const char *iface)
{
	struct err err;

	if (deaf_add(deaf, iface, &err) < 0)
		log_warn("opener: the own IP stack hears what comes by a port, "
			 "ignoring: %s iface=%s",
			 err.text, iface);
}

static int open_port(struct kept *kept, const struct opener_port *p, int *netns,
		     struct opener_fds *fds, struct err *reterr)
{
	int rc = opener_open(p, netns, fds->port, reterr);

	if (rc < 0)
		return rc;
	fds->n = p->sockets;
	if (p->deaf && !p->netns[0])
		make_deaf(&kept->deaf, p->iface);
	if (p->kind != OPENER_NFQ)
		return 0;
	rc = relays_add(&kept->relays, fds->port[0], p->queue, reterr);
	if (rc < 0) {
		opener_fds_close(fds);
		return rc;
	}
	fds->verdicts = rc;
	return 0;
}

static void close_all(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
}

void opener_fds_close(struct opener_fds *fds)
{
	for (unsigned i = 0; i < fds->n; i++)
		close(fds->port[i]);
	fds->n = 0;
	if (fds->verdicts >= 0)
		close(fds->verdicts);
	fds->verdicts = -1;
}

/* held: the namespace that came with it, or -1. */
static void open_and_answer(int fd, struct kept *kept, const struct request *q,
			    int held)
{
	struct passed p = { .fds.verdicts = -1, .netns = -1, .sign = -1 };
	struct answer a = { 0 };
	int netns = held;

	a.rc = open_port(kept, &q->port, &netns, &p.fds, &a.err);
	if (held < 0)
		p.netns = netns;
	send_answer(fd, &a, &p);
	opener_fds_close(&p.fds);
	if (p.netns >= 0)
		close(p.netns);
}

/* Its descriptor stays kept->deaf's. */
static void give_sign(int fd, const struct kept *kept)
{
	struct passed p = { .fds.verdicts = -1, .netns = -1, .sign = -1 };
	struct answer a = { .owner = kept->deaf.owner };

	if (a.owner)
		p.sign = kept->deaf.sign;
	send_answer(fd, &a, &p);
}

/* Verdicts are written to it with our capabilities. */
static bool is_queue(int fd)
{
	int domain = 0, protocol = 0;
	socklen_t len = sizeof domain;

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 &&
	       domain == AF_NETLINK &&
	       getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) == 0 &&
	       protocol == NETLINK_NETFILTER;
}

/* came: the one descriptor that came with q, which stays the caller's. */
static void take_over(int fd, struct kept *kept, const struct request *q,
		      int came)
{
	struct passed p = { .fds.verdicts = -1, .netns = -1, .sign = -1 };
	struct answer a = { 0 };

	if (!memchr(q->port.iface, '\0', sizeof q->port.iface)) {
		a.rc = err_set(&a.err, EINVAL, NULL, "not a request");
	} else if (q->what == TAKE_DEAF) {
		a.rc = deaf_take(&kept->deaf, q->port.iface, q->owner, came,
				 &a.err);
	} else if (!is_queue(came)) {
		a.rc = err_set(&a.err, EINVAL, NULL, "not an NFQUEUE's socket");
	} else {
		a.rc = relays_add(&kept->relays, came, q->port.queue, &a.err);
		if (a.rc >= 0)
			p.fds.verdicts = a.rc;
	}
	send_answer(fd, &a, &p);
	opener_fds_close(&p.fds);
}

static int release_port(struct kept *kept, const struct opener_port *p)
{
	if (!memchr(p->iface, '\0', sizeof p->iface))
		return -EINVAL;
	deaf_remove(&kept->deaf, p->iface);
	return 0;
}

/* false: the worker is gone */
static bool serve_one(int fd, const struct opener_door *compat,
		      struct kept *kept)
{
	static const struct passed none = { .fds.verdicts = -1,
					    .netns = -1,
					    .sign = -1 };
	struct request q;
	struct answer a = { 0 };
	int came[PASSING_MAX];
	size_t n;
	ssize_t len = passing_recv(fd, &q, sizeof q, came, &n);

	if (len <= 0)
		return len < 0 && errno == EINTR;
	if (len == sizeof q && q.what == OPEN_PORT && n <= 1) {
		open_and_answer(fd, kept, &q, n ? came[0] : -1);
		close_all(came, n);
		return true;
	}
	if (len == sizeof q && n == 1 &&
	    (q.what == TAKE_DEAF || q.what == TAKE_QUEUE)) {
		take_over(fd, kept, &q, came[0]);
		close_all(came, n);
		return true;
	}
	close_all(came, n);
	if (len == sizeof q && q.what == GIVE_SIGN) {
		give_sign(fd, kept);
		return true;
	}
	if (len != sizeof q)
		a.rc = err_set(&a.err, EINVAL, NULL, "not a request");
	else if (q.what == SERVE)
		a.rc = 0;
	else if (q.what == RELEASE_PORT)
		a.rc = release_port(kept, &q.port);
	else if (q.what == SEND_REPLY)
		a.rc = send_reply(compat, &q);
	else if (q.what == SEND_NOTICE)
		a.rc = send_notice(compat, &q);
	else
		a.rc = err_set(&a.err, EINVAL, NULL, "not a request");
	send_answer(fd, &a, &none);
	return true;
}

static int exit_status_of(pid_t child, const struct watchdog *dog,
			  const struct opener_watch *watch)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return 1;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	log_error("worker died: %s pid=%d", strsignal(WTERMSIG(status)),
		  (int)child);
	watchdog_keep(dog, watch->dir, watch->report_fd, WTERMSIG(status));
	return WTERMSIG(status) == SIGKILL && !dog->told.us ? DP_EXIT_KILLED
							    : 1;
}

int opener_serve(int fd, pid_t child, const struct opener_door *compat,
		 const struct opener_watch *watch)
{
	struct watchdog dog = { .pulse = watch->pulse, .child = child };
	struct signalfd_siginfo si;
	struct pollfd fds[2 + WORKER_PORTS_MAX] = { { .fd = fd,
						      .events = POLLIN } };
	struct kept kept = { .relays.n = 0 };
	struct relays *relays = &kept.relays;
	struct err err;
	sigset_t set;
	int status;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGQUIT);
	fds[1] = (struct pollfd){ .fd = signalfd(-1, &set, SFD_CLOEXEC),
				  .events = POLLIN };
	if (geteuid() == 0 && keep_opening_capabilities() < 0)
		log_warn("opener: cannot give up capabilities, keeping them");
	if (fds[1].fd < 0 || sandbox_opener(&err) < 0) {
		/* by the signals' descriptor alone it could be ended */
		log_error("opener: cannot start: %s",
			  fds[1].fd < 0 ? "no descriptor" : err.text);
		(void)shutdown(fd, SHUT_RDWR); /* the worker sees that */
		(void)exit_status_of(child, &dog, watch);
		return 1;
	}
	deaf_sweep();
	for (;;) {
		relays_poll_set(relays, fds + 2);
		watchdog_look(&dog, clock_now());
		if (poll(fds, 2 + relays->n, watchdog_wait_ms(&dog)) < 0) {
			if (errno == EINTR)
				continue;
			break;
		}
		relays_serve(relays, fds + 2);
		if (fds[1].revents & POLLIN &&
		    read(fds[1].fd, &si, sizeof si) == sizeof si)
			/* gone already: then waitpid says so */
			(void)kill(child, SIGTERM);
		if (fds[0].revents && !serve_one(fd, compat, &kept))
			break;
	}
	/* if it was poll(): the worker is not to wait for us */
	(void)shutdown(fd, SHUT_RDWR);
	relays_close(relays);
	close(fds[1].fd);
	status = exit_status_of(child, &dog, watch);
	if (status != WORKER_HANDED_OVER)
		deaf_remove_all(&kept.deaf);
	return status;
}

/* Those that came, by what they are; false: one found no place here. */
static bool sort_passed(const struct answer *a, const int *came, size_t n,
			struct passed *ret)
{
	size_t at = 0;

	*ret = (struct passed){ .fds.verdicts = -1, .netns = -1, .sign = -1 };
	if (a->ports > WORKERS_MAX ||
	    n != a->ports + a->verdicts + a->netns + a->sign)
		return false;
	for (; at < a->ports; at++)
		ret->fds.port[at] = came[at];
	ret->fds.n = a->ports;
	if (a->verdicts)
		ret->fds.verdicts = came[at++];
	if (a->netns)
		ret->netns = came[at++];
	if (a->sign)
		ret->sign = came[at];
	return true;
}

/* q with n (0, 1) descriptors, and its answer with what comes. -EPIPE, -EMFILE. */
static int ask(int fd, const struct request *q, const int *pass, size_t n_pass,
	       struct answer *ret, struct passed *ret_p, struct err *reterr)
{
	int came[PASSING_MAX];
	size_t n = 0;

	if (passing_send(fd, q, sizeof *q, pass, n_pass) < 0 ||
	    passing_recv(fd, ret, sizeof *ret, came, &n) != sizeof *ret) {
		close_all(came, n);
		return err_set(reterr, EPIPE, NULL, "the opener is gone");
	}
	if (sort_passed(ret, came, n, ret_p))
		return 0;
	close_all(came, n);
	return err_set(reterr, EMFILE, NULL, "no descriptor came");
}

int opener_serves(int fd, struct err *reterr)
{
	struct request q = { .what = SERVE };
	struct passed p = { .fds.verdicts = -1, .netns = -1, .sign = -1 };
	struct answer a = { 0 };

	return ask(fd, &q, NULL, 0, &a, &p, reterr);
}

int opener_ask(int fd, const struct opener_port *port, int *netns,
	       struct opener_fds *ret, struct err *reterr)
{
	struct request q = { .what = OPEN_PORT, .port = *port };
	struct passed p = { .fds.verdicts = -1, .netns = -1, .sign = -1 };
	struct answer a = { 0 };
	int rc = ask(fd, &q, netns, *netns >= 0, &a, &p, reterr);

	if (rc < 0)
		return rc;
	if (p.netns >= 0)
		*netns = p.netns;
	if (a.rc < 0) {
		*reterr = a.err;
		return a.rc;
	}
	*ret = p.fds;
	return 0;
}

int opener_give_sign(int fd, uint64_t *ret_owner, int *ret_sign)
{
	struct request q = { .what = GIVE_SIGN };
	struct passed p = { .fds.verdicts = -1, .netns = -1, .sign = -1 };
	struct answer a = { 0 };
	struct err err; /* the caller knows what it asked for */
	int rc = ask(fd, &q, NULL, 0, &a, &p, &err);

	if (rc < 0)
		return rc;
	*ret_owner = a.owner;
	*ret_sign = p.sign;
	return 0;
}

int opener_take_deaf(int fd, const char *iface, uint64_t owner, int sign,
		     struct err *reterr)
{
	struct request q = { .what = TAKE_DEAF, .owner = owner };
	struct passed p = { .fds.verdicts = -1, .netns = -1, .sign = -1 };
	struct answer a = { 0 };
	int rc;

	(void)snprintf(q.port.iface, sizeof q.port.iface, "%s", iface);
	rc = ask(fd, &q, &sign, 1, &a, &p, reterr);
	if (rc == 0 && a.rc < 0)
		*reterr = a.err;
	return rc < 0 ? rc : a.rc;
}

int opener_take_queue(int fd, uint16_t queue, int queue_fd, struct err *reterr)
{
	struct request q = { .what = TAKE_QUEUE, .port.queue = queue };
	struct passed p = { .fds.verdicts = -1, .netns = -1, .sign = -1 };
	struct answer a = { 0 };
	int rc = ask(fd, &q, &queue_fd, 1, &a, &p, reterr);

	if (rc < 0)
		return rc;
	if (a.rc < 0) {
		*reterr = a.err;
		return a.rc;
	}
	return p.fds.verdicts;
}

void opener_release(int fd, const struct opener_port *port)
{
	struct request q = { .what = RELEASE_PORT, .port = *port };
	struct answer a;

	/* an opener that is gone has done it */
	if (send(fd, &q, sizeof q, MSG_NOSIGNAL) == sizeof q)
		(void)recv(fd, &a, sizeof a, 0);
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
