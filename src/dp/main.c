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
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/log.h"
#include "detect/threat.h"
#include "dp/control.h"
#include "dp/crash.h"
#include "dp/door.h"
#include "dp/handover.h"
#include "dp/load.h"
#include "dp/opener.h"
#include "dp/options.h"
#include "dp/replay.h"
#include "dp/sandbox.h"
#include "wire/json_memory.h"

/* It cannot start; what it has bound goes with it, unless somebody else serves it. */
static _Noreturn void give_up(const struct options *opt,
			      const struct door_fds *doors, const char *what,
			      const char *why)
{
	if (!opt->take_over) {
		door_unlink(opt->listen, doors->compat);
		door_unlink(opt->control, doors->own);
	}
	die("%s: %s", what, why);
}

static int bind_or_give_up(const struct options *opt,
			   const struct door_fds *doors, const char *path,
			   int type)
{
	struct err err;
	int fd;

	if (!path[0])
		return -1;
	fd = door_bind(path, type, &err);
	if (fd < 0)
		give_up(opt, doors, err.at, err.text);
	return fd;
}

/* The array of messages to begin with; NULL: there are none. Takes its text. */
static json_t *first_messages(const struct options *opt, char *text, size_t len)
{
	json_t *load = load_parse(opt->take_over ? "--take-over" : opt->load,
				  text, len);

	if (opt->tls_10)
		load = load_threat(load, THREAT_TLS_10);
	if (opt->tls_11)
		load = load_threat(load, THREAT_TLS_11);
	return load;
}

/* What both processes begin with. */
struct both {
	const struct options *opt;
	struct door_fds doors;
	struct heartbeat *heartbeat;
	struct pulse *pulse; /* shared */
	int report_fd;	     /* likewise; -1: none */
	int pair[2];	     /* the parent's end, the child's */
	pid_t parent;
};

/* from: its text is taken; its descriptor is -1 without a predecessor. */
static int run_worker(const struct both *b, const struct handover_from *from)
{
	struct control_begin begin = { .doors = b->doors,
				       .opener_fd = b->pair[1],
				       .from = from->fd,
				       .options = b->opt,
				       .heartbeat = b->heartbeat,
				       .pulse = b->pulse };
	struct err err;
	json_t *load;
	int status;

	if (opener_drop(b->opt->user, &err) < 0)
		die("%s: %s", err.at, err.text);
	/* after the change of uid, which clears it (prctl(2)) */
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != b->parent)
		return 1;
	crash_also_to(b->report_fd);
	crash_watch();
	json_object_seed(0); /* of a file that is out of reach from here on */
	begin.fit_fd = fit_open(&b->opt->fit);
	if (sandbox_worker(&err) < 0)
		die("%s: %s", err.at, err.text);
	begin.load = load =
		first_messages(b->opt, from->config, from->config_len);
	status = control_run(&begin);
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

static void open_doors(const struct options *opt, struct door_fds *doors,
		       struct handover_from *from)
{
	struct err err;

	*doors = (struct door_fds){ .compat = -1, .own = -1, .notify = -1 };
	if (!opt->take_over) {
		doors->compat =
			bind_or_give_up(opt, doors, opt->listen, SOCK_DGRAM);
		doors->own = bind_or_give_up(opt, doors, opt->control,
					     SOCK_SEQPACKET);
	} else if (handover_connect(opt, doors, from, &err) < 0) {
		die("%s: %s", err.at, err.text);
	}
	if (!opt->notify[0])
		return;
	doors->notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (doors->notify < 0)
		give_up(opt, doors, "--notify", strerror(errno));
}

static void block_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGQUIT);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
}

/* What both processes need beside the doors, and the second of them. */
static pid_t fork_worker(struct both *b)
{
	const struct options *opt = b->opt;
	pid_t child;

	b->pulse = mmap(NULL, sizeof *b->pulse, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (b->pulse == MAP_FAILED)
		give_up(opt, &b->doors, "mmap", strerror(errno));
	if (opt->crash) {
		b->report_fd = memfd_create("weir-crash", MFD_CLOEXEC);
		if (b->report_fd < 0)
			give_up(opt, &b->doors, "--crash", strerror(errno));
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, b->pair) < 0)
		give_up(opt, &b->doors, "socketpair", strerror(errno));
	child = fork();
	if (child < 0)
		give_up(opt, &b->doors, "fork", strerror(errno));
	return child;
}

static int serve_worker(const struct both *b, pid_t child)
{
	const struct options *opt = b->opt;
	struct opener_door compat = { opt->listen, b->doors.compat, opt->notify,
				      b->doors.notify };
	struct opener_watch watch = { .pulse = opt->no_watchdog ? NULL
								: b->pulse,
				      .dir = opt->crash,
				      .report_fd = b->report_fd };
	int status = opener_serve(b->pair[0], child, &compat, &watch);

	close(b->pair[0]);
	if (status == WORKER_HANDED_OVER)
		return 0;
	door_unlink(opt->listen, b->doors.compat);
	door_unlink(opt->control, b->doors.own);
	return status;
}

/* from: the text of messages to begin with, if any; taken. */
static int run_live(struct options *opt, struct handover_from *from)
{
	struct both b = { .opt = opt, .parent = getpid(), .report_fd = -1 };
	struct err err;
	pid_t child;

	if (!opt->standalone &&
	    heartbeat_open(HEARTBEAT_NAME, &b.heartbeat, &err) < 0)
		die("%s: %s", err.at, err.text);

	raise_descriptor_limit();
	fit_find(&opt->fit, opt->max_flows, opt->workers);
	block_signals();
	open_doors(opt, &b.doors, from);
	child = fork_worker(&b);
	if (child == 0) {
		close(b.pair[0]);
		exit(run_worker(&b, from));
	}
	free(from->config);
	close(b.pair[1]);
	/* the worker's alone: its end is to be seen by the predecessor */
	if (from->fd >= 0)
		close(from->fd);
	return serve_worker(&b, child);
}

int main(int argc, char **argv)
{
	struct options opt;
	struct handover_from from = { .fd = -1 };
	int status;

	/*
	 * A policy is read as a hundred thousand small pieces. They are joined when
	 * they are freed, not all of them each time a large one is asked for: two
	 * fifths less time. Frames need no memory.
	 */
	(void)mallopt(M_MXFAST, 0);
	if (json_memory_watch() < 0)
		die("out of memory");
	if (options_parse(&opt, argc, argv, &status) < 0)
		return status;
	from.config = load_read(opt.load, &from.config_len);
	if (opt.replay) {
		json_t *load =
			first_messages(&opt, from.config, from.config_len);

		status = replay_run(&opt, load);
		json_decref(load);
		return status;
	}
	return run_live(&opt, &from);
}
