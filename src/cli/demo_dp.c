/*
 * The child enters the namespace, leads a session of its own (Ctrl-C at the
 * terminal is for us; we end it when it is its turn), dies with us unless the
 * demo is to be kept, and writes what it has to say to a file.
 *
 * It is ready when its door accepts a connection. There is nothing to wait on
 * for that, so it is tried again and again for a bounded time.
 */
#include "cli/demo_dp.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/program.h"
#include "cli/stop.h"
#include "door/dpclient.h"

#define TRY_EVERY_MS 10
/* How long all processes of one that was killed may take to be gone. */
#define GONE_TRIES   500
#define GONE_STEP_MS 10

const struct demo_dp_files demo_dp_files[DEMO_LAYOUT__MAX] = {
	[DEMO_SPLICED] = { "dp.sock", "dp_listen.sock", "weir-dp.log" },
	[DEMO_INPLACE] = { "inplace.sock", "inplace_listen.sock",
			   "weir-dp-inplace.log" },
};

struct paths {
	char program[PATH_MAX];
	char control[DEMO_PATH_MAX], listen[DEMO_PATH_MAX], log[DEMO_PATH_MAX];
};

static void set_paths(const struct demo *d, struct paths *p)
{
	const struct demo_dp_files *f = &demo_dp_files[d->layout];

	program_ours("WEIR_DP", "dp", "weir-dp", p->program);
	(void)demo_path(&d->state, f->control, p->control);
	(void)demo_path(&d->state, f->listen, p->listen);
	(void)demo_path(&d->state, f->log, p->log);
}

/* Returns an errno when it could not become weir-dp. */
static int become_dp(const struct demo *d, struct paths *p, pid_t parent)
{
	char *argv[] = { p->program,	  (char[]){ "-n" },
			 (char[]){ "1" }, (char[]){ "--listen" },
			 p->listen,	  (char[]){ "--control" },
			 p->control,	  NULL };
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int log = open(p->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	stop_forget();
	if (null < 0 || log < 0 || setsid() < 0 ||
	    (!d->opt.keep && prctl(PR_SET_PDEATHSIG, SIGTERM) < 0) ||
	    setns(d->ns[demo_dp_role(d)].fd, CLONE_NEWNET) < 0 ||
	    dup2(null, STDIN_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0 ||
	    dup2(log, STDERR_FILENO) < 0)
		return errno;
	/* The parent may have died before the death signal was set. */
	if (getppid() != parent)
		return ESRCH;
	execvp(p->program, argv);
	return errno;
}

static int spawn(struct demo *d, struct paths *p, struct err *reterr)
{
	pid_t parent = getpid(), pid;
	int fds[2], error = 0;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set(reterr, errno, NULL, "pipe: %s",
			       strerror(errno));
	pid = fork();
	if (pid == 0) {
		error = become_dp(d, p, parent);
		/* Nobody reads it: then nobody is there to be told. */
		(void)!write(fds[1], &error, sizeof error);
		_exit(127);
	}
	close(fds[1]);
	if (pid < 0)
		error = errno;
	else
		while (read(fds[0], &error, sizeof error) < 0 && errno == EINTR)
			;
	close(fds[0]);
	if (error) {
		while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		return err_set(reterr, error, NULL, "start %s: %s%s",
			       p->program, strerror(error),
			       error == ENOENT ? " (set WEIR_DP to its path)"
					       : "");
	}
	d->state.dp[d->layout] = (struct demo_proc){ .pid = pid };
	/* A zombie already: told by wait_ready(). */
	(void)demo_proc_of(pid, &d->state.dp[d->layout]);
	return demo_state_save(&d->state, reterr);
}

static int wait_ready(struct demo *d, const struct paths *p, struct err *reterr)
{
	usec_t end = usec_add(clock_now(), DEMO_DP_START_WAIT_MS * 1000ULL);
	struct dpclient c;
	char words[160];
	int rc;

	while ((rc = dpclient_open(p->control, &c, reterr)) < 0) {
		if (waitpid(d->state.dp[d->layout].pid, NULL, WNOHANG) > 0) {
			d->state.dp[d->layout] = (struct demo_proc){ 0 };
			program_last_words(p->log, words, sizeof words);
			return err_set(reterr, ECHILD, NULL,
				       "weir-dp ended at once: %s", words);
		}
		if (!usec_before(clock_now(), end))
			return rc;
		if (stop_poll(NULL, 0, TRY_EVERY_MS) < 0)
			return err_set(reterr, EINTR, NULL, "stopped");
	}
	dpclient_done(&c);
	return 0;
}

int demo_dp_start(struct demo *d, struct err *reterr)
{
	struct paths p;
	int rc;

	set_paths(d, &p);
	rc = spawn(d, &p, reterr);
	return rc < 0 ? rc : wait_ready(d, &p, reterr);
}

void demo_dp_kill(struct demo *d)
{
	pid_t pid = d->state.dp[d->layout].pid;

	if (pid <= 0)
		return;
	(void)kill(-pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	/* its worker would still answer for the next one; init ends it */
	for (int i = 0; i < GONE_TRIES && kill(-pid, 0) == 0; i++)
		(void)poll(NULL, 0, GONE_STEP_MS);
	d->state.dp[d->layout] = (struct demo_proc){ 0 };
}

/* --- questions -------------------------------------------------------- */

static int open_client(const struct demo *d, struct dpclient *c,
		       struct err *reterr)
{
	char path[DEMO_PATH_MAX];

	return dpclient_open(
		demo_path(&d->state, demo_dp_files[d->layout].control, path), c,
		reterr);
}

int demo_dp_ask(struct demo *d, const json_t *message, json_t **ret,
		struct err *reterr)
{
	struct dpclient c;
	int rc;

	if (!message)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	rc = open_client(d, &c, reterr);
	if (rc < 0)
		return rc;
	rc = dpclient_ask(&c, message, ret, reterr);
	dpclient_done(&c);
	return rc;
}

int demo_dp_ask_name(struct demo *d, const char *name, json_t **ret,
		     struct err *reterr)
{
	json_t *m = json_pack("{s:{}}", name);
	int rc = demo_dp_ask(d, m, ret, reterr);

	json_decref(m);
	return rc;
}

int demo_dp_flows(struct demo *d, json_t **ret, struct err *reterr)
{
	struct dpclient c;
	int rc;

	rc = open_client(d, &c, reterr);
	if (rc < 0)
		return rc;
	rc = dpclient_flows(&c, ret, reterr);
	dpclient_done(&c);
	return rc;
}

/* --- the article's messages ------------------------------------------- */

/*
 * Byte for byte what json.dumps() makes of the article's Python. With --ipv6
 * the IPv6 prefix is one more internal net.
 */
#define INTERNAL_NET(more)                                             \
	"{\"ctrl_cfg_internal_net\": {\"flag\": 3, \"subnet_addr\": [" \
	"{\"ip\": \"172.17.0.0\", \"mask\": \"255.255.0.0\"}, "        \
	"{\"ip\": \"179.20.23.0\", \"mask\": \"255.255.255.0\"}, "     \
	"{\"ip\": \"10.10.10.0\", \"mask\": \"255.255.255.0\"}, "      \
	"{\"ip\": \"172.20.166.0\", \"mask\": \"255.255.255.0\"}, "    \
	"{\"ip\": \"10.10.10.66\", \"mask\": \"255.255.255.0\", "      \
	"\"iptype\": \"devip\"}, "                                     \
	"{\"ip\": \"10.10.10.88\", \"mask\": \"255.255.255.0\", "      \
	"\"iptype\": \"devip\"}" more "]}}"

static const char *const messages[DEMO_DP_MESSAGES] = {
	INTERNAL_NET(""),
	"{\"ctrl_add_srvc_port\": {\"iface\": \"" SPLICE_VTH "\", "
	"\"jumboframe\": false}}",
	"{\"ctrl_add_mac\": {\"iface\": \"" SPLICE_VTH "\", "
	"\"mac\": \"" DEMO_CONTAINER_MAC "\", \"ucmac\": \"" DEMO_UCMAC "\", "
	"\"bcmac\": \"" DEMO_BCMAC "\", \"oldmac\": \"\", \"pmac\": \"\", "
	"\"pips\": null}}",
	"{\"ctrl_cfg_mac\": {\"tap\": false, "
	"\"macs\": [\"" DEMO_CONTAINER_MAC "\"]}}",
};

static const char internal_net_ipv6[] =
	INTERNAL_NET(", {\"ip\": \"fd00:10:10:10::\", "
		     "\"mask\": \"ffff:ffff:ffff:ffff::\"}");

const char *demo_dp_message(const struct demo *d, unsigned i)
{
	return i == 0 && d->opt.ipv6 ? internal_net_ipv6 : messages[i];
}

static int send_compat(const struct demo *d, int fd, const char *text,
		       struct err *reterr)
{
	char path[DEMO_PATH_MAX];
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	(void)demo_path(&d->state, demo_dp_files[d->layout].listen, path);
	memcpy(a.sun_path, path, strlen(path) + 1);
	if (sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&a,
		   sizeof a) < 0)
		return err_set(reterr, errno, NULL, "send to %s: %s", path,
			       strerror(errno));
	return 0;
}

/* *ret: messages carried out. A refused one is an error. */
static int compat_done(struct demo *d, json_int_t *ret, struct err *reterr)
{
	json_int_t done = 0, refused = 0;
	json_t *stats = NULL;
	int rc;

	rc = demo_dp_ask_name(d, "weir_stats", &stats, reterr);
	if (rc < 0)
		return rc;
	rc = json_unpack(stats, "{s:{s:{s:I, s:I}}}", "doors", "compat",
			 "messages", &done, "refused", &refused);
	json_decref(stats);
	if (rc < 0)
		return err_set(reterr, EPROTO, "weir_stats",
			       "no doors.compat.messages");
	if (refused > 0)
		return err_set(reterr, EREMOTEIO, NULL,
			       "weir-dp refused a message of the article; its "
			       "log is %s",
			       demo_dp_files[d->layout].log);
	*ret = done;
	return 0;
}

static int wait_done(struct demo *d, struct err *reterr)
{
	usec_t end = usec_add(clock_now(), DEMO_DP_START_WAIT_MS * 1000ULL);
	json_int_t done = 0;
	int rc;

	for (;;) {
		rc = compat_done(d, &done, reterr);
		if (rc < 0 || done >= DEMO_DP_MESSAGES)
			return rc;
		if (!usec_before(clock_now(), end))
			return err_set(reterr, ETIMEDOUT, NULL,
				       "weir-dp carried out %d of %d messages",
				       (int)done, DEMO_DP_MESSAGES);
		if (stop_poll(NULL, 0, TRY_EVERY_MS) < 0)
			return err_set(reterr, EINTR, NULL, "stopped");
	}
}

int demo_dp_configure(struct demo *d, struct err *reterr)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc = 0;

	if (fd < 0)
		return err_set(reterr, errno, NULL, "socket: %s",
			       strerror(errno));
	for (unsigned i = 0; rc == 0 && i < DEMO_DP_MESSAGES; i++)
		rc = send_compat(d, fd, demo_dp_message(d, i), reterr);
	close(fd);
	return rc < 0 ? rc : wait_done(d, reterr);
}
