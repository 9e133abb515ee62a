/*
 * weir-dp. Start-up as a list; who does what afterwards is told in opener.h
 * and control.h.
 */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/log.h"
#include "dp/control.h"
#include "dp/crash.h"
#include "dp/door.h"
#include "dp/load.h"
#include "dp/opener.h"
#include "dp/options.h"
#include "dp/replay.h"
#include "dp/sandbox.h"

static int bind_or_die(const char *path, int type)
{
	struct err err;
	int fd;

	if (!path[0])
		return -1;
	fd = door_bind(path, type, &err);
	if (fd < 0)
		die("%s: %s", err.at, err.text);
	return fd;
}

static int run_worker(const struct options *opt, const struct door_fds *doors,
		      int opener_fd, pid_t parent, struct heartbeat *heartbeat,
		      char *load_text, size_t load_len)
{
	struct err err;
	json_t *load;
	int status;

	if (opener_drop(opt->user, &err) < 0)
		die("%s: %s", err.at, err.text);
	/* after the change of uid, which clears it (prctl(2)) */
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		return 1;
	crash_watch();
	json_object_seed(0); /* of a file that is out of reach from here on */
	if (sandbox_worker(&err) < 0)
		die("%s: %s", err.at, err.text);
	load = load_parse(opt->load, load_text, load_len);
	status = control_run(doors, opener_fd, opt, heartbeat, load);
	json_decref(load);
	return status;
}

/* Every port takes up to two here, and three in the worker. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	/* if not, the port that finds none is refused: EMFILE */
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int run_live(const struct options *opt, char *load_text, size_t load_len)
{
	struct opener_door compat;
	struct door_fds doors;
	struct heartbeat *heartbeat = NULL;
	pid_t self = getpid(), child;
	int pair[2], status;
	sigset_t signals;
	struct err err;

	if (!opt->standalone &&
	    heartbeat_open(HEARTBEAT_NAME, &heartbeat, &err) < 0)
		die("%s: %s", err.at, err.text);

	raise_descriptor_limit();
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGQUIT);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	doors.compat = bind_or_die(opt->listen, SOCK_DGRAM);
	doors.own = bind_or_die(opt->control, SOCK_SEQPACKET);
	doors.notify = -1;
	if (opt->notify[0])
		doors.notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		die("socketpair: %s", strerror(errno));
	child = fork();
	if (child < 0)
		die("fork: %s", strerror(errno));
	if (child == 0) {
		close(pair[0]);
		exit(run_worker(opt, &doors, pair[1], self, heartbeat,
				load_text, load_len));
	}
	free(load_text);
	close(pair[1]);
	compat = (struct opener_door){ opt->listen, doors.compat, opt->notify,
				       doors.notify };
	status = opener_serve(pair[0], child, &compat);
	door_unlink(opt->listen, doors.compat);
	door_unlink(opt->control, doors.own);
	close(pair[0]);
	return status;
}

int main(int argc, char **argv)
{
	struct options opt;
	size_t load_len = 0;
	char *load_text;
	int status;

	/*
	 * A policy is read as a hundred thousand small pieces. They are joined when
	 * they are freed, not all of them each time a large one is asked for: two
	 * fifths less time. Frames need no memory.
	 */
	(void)mallopt(M_MXFAST, 0);
	if (options_parse(&opt, argc, argv, &status) < 0)
		return status;
	load_text = load_read(opt.load, &load_len);
	if (opt.replay) {
		json_t *load = load_parse(opt.load, load_text, load_len);

		status = replay_run(&opt, load);
		json_decref(load);
		return status;
	}
	return run_live(&opt, load_text, load_len);
}
