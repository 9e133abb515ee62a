/*
 * weir-agent: finds workloads, diverts them, keeps a data plane told, records
 * what it sees, and does what `weir` asks.
 *
 * What it did to the kernel stays when it ends, and is found by the next; only
 * `weir release --all` gives everything back.
 */
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/aside.h"
#include "agent/captures.h"
#include "agent/cursors.h"
#include "agent/door.h"
#include "agent/guard.h"
#include "agent/hits.h"
#include "agent/inventory.h"
#include "agent/kept.h"
#include "agent/kubernetes.h"
#include "agent/learn.h"
#include "agent/map.h"
#include "agent/member.h"
#include "agent/member_learn.h"
#include "agent/policy.h"
#include "agent/record.h"
#include "agent/reload.h"
#include "agent/responses.h"
#include "agent/rules.h"
#include "agent/settings.h"
#include "agent/study.h"
#include "agent/throughput.h"
#include "agent/trail.h"
#include "agent/world.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/manager.h"
#include "wire/json_memory.h"

#define CONFIG_DEFAULT "/etc/weir/weir.yaml"

static const char help_text[] =
	"Usage: weir-agent [OPTION]...\n"
	"\n"
	"Finds the containers, namespaces and VMs of this host, diverts them "
	"to\n"
	"weir-dp, which it starts, and does what weir(1) asks. Runs in the\n"
	"foreground; what it set up stays when it ends.\n"
	"\n"
	"  --config FILE  configuration (default " CONFIG_DEFAULT
	", if there is one)\n"
	"  --check        only say whether the configuration is right\n"
	"  -h, --help     this\n"
	"  -V, --version  version\n"
	"\n"
	"SIGHUP reads the configuration again; one that is wrong changes "
	"nothing.\n";

struct main_state {
	struct agent agent;
	int signal_fd;
	struct loop_fd *signal_loop_fd;
};

/* --- the world around -------------------------------------------------------------- */

/* Two descriptors a workload, and some. */
static void raise_limits(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return;
	r.rlim_cur = r.rlim_max;
	/* with fewer, some workloads' changes are seen later */
	(void)setrlimit(RLIMIT_NOFILE, &r);
}

/*
 * A policy of ten thousand rules is read, compared and compiled in tens of
 * megabytes that are free a moment later: they are given back.
 */
static void keep_small(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, 128 << 10); /* and stays there */
	(void)mallopt(M_TRIM_THRESHOLD, 1 << 20);
	/*
	 * Small pieces are joined when they are freed, not all of them each time
	 * a large one is asked for: a quarter less time for objects of JSON.
	 */
	(void)mallopt(M_MXFAST, 0);
}

static void on_signal(void *arg, uint32_t events)
{
	struct main_state *m = arg;
	struct signalfd_siginfo s;

	while (read(m->signal_fd, &s, sizeof s) == sizeof s) {
		if (s.ssi_signo == SIGHUP)
			reload_begin(&m->agent);
		else
			loop_stop(m->agent.loop);
	}
}

static int take_signals(struct main_state *m, struct err *reterr)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	/* threads inherit it */
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	m->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (m->signal_fd < 0)
		return err_set(reterr, errno, NULL, "signalfd: %s",
			       strerror(errno));
	m->signal_loop_fd =
		loop_add(m->agent.loop, m->signal_fd, EPOLLIN, on_signal, m);
	return m->signal_loop_fd
		       ? 0
		       : err_set(reterr, ENOMEM, NULL, "out of memory");
}

/* --- start and end ------------------------------------------------------------------- */

static int start(struct main_state *m, struct err *reterr)
{
	struct agent *a = &m->agent;
	int rc;

	a->started_s = clock_unix_us() / USEC_PER_SEC;
	a->loop = loop_new(reterr);
	if (!a->loop)
		return -reterr->code;
	raise_limits();
	keep_small();
	rc = take_signals(m, reterr);
	/*
	 * First, because it is locked: of two agents at once the one that comes
	 * too late must not have taken the other's door away.
	 */
	if (rc == 0)
		rc = store_open(a->config.store_dir, &a->store, reterr);
	if (rc == 0)
		rc = door_start(a, reterr);
	if (rc == 0)
		rc = kept_start(a, reterr);
	if (rc == 0)
		rc = record_start(a, reterr);
	if (rc == 0)
		rc = cursors_start(a, reterr);
	if (rc == 0)
		rc = map_start(a, reterr);
	if (rc == 0)
		rc = captures_start(a, reterr);
	if (rc == 0)
		rc = responses_start(a, reterr);
	if (rc == 0)
		rc = settings_start(a, reterr);
	if (rc == 0)
		rc = throughput_start(a, reterr);
	if (rc == 0)
		rc = trail_start(a, reterr);
	if (rc == 0)
		rc = learn_start(a, reterr);
	if (rc == 0)
		rc = hits_start(a, reterr);
	if (rc == 0)
		rc = rules_start(a, reterr);
	if (rc == 0)
		rc = policy_start(a, reterr);
	if (rc == 0)
		rc = kubernetes_start(a, reterr);
	if (rc == 0)
		rc = member_start(a, reterr);
	if (rc == 0)
		rc = guard_start(a, reterr);
	if (rc == 0)
		rc = inventory_start(a, reterr);
	return rc;
}

static void stop(struct main_state *m)
{
	struct agent *a = &m->agent;

	member_learned_end(a);
	aside_stop(a);
	studies_stop(a);
	inventory_stop(a);
	kubernetes_stop(a);
	guard_stop(a);
	member_stop(a);
	policy_stop(a);
	rules_stop(a);
	settings_stop(a);
	captures_stop(a);
	responses_stop(a);
	record_stop(a);
	cursors_stop(a);
	map_stop(a);
	throughput_stop(a);
	hits_stop(a);
	learn_stop(a);
	trail_stop(a);
	kept_stop(a);
	door_stop(a);
	for (struct workload *w = a->registry.workloads; w; w = w->next)
		loop_remove(w->watch_fd);
	registry_done(&a->registry);
	world_free(a->world);
	store_free(a->store);
	loop_remove(m->signal_loop_fd);
	if (m->signal_fd >= 0)
		close(m->signal_fd);
	loop_free(a->loop);
	config_done(&a->config);
}

static int run(struct main_state *m)
{
	struct err err = { 0 };
	int rc = start(m, &err);

	if (rc == 0) {
		log_info("weir-agent " WEIR_VERSION " ready pid=%d",
			 (int)getpid());
		manager_tell("READY=1");
		loop_run(m->agent.loop);
		manager_tell("STOPPING=1");
	} else {
		log_error("cannot start: %s%s%s", err.at, err.at[0] ? ": " : "",
			  err.text);
	}
	stop(m);
	return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, 'k' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	struct main_state m = { .agent.config_path = CONFIG_DEFAULT,
				.signal_fd = -1 };
	bool only_check = false;
	struct err err;
	int c;

	if (json_memory_watch() < 0) {
		fputs("weir-agent: out of memory\n", stderr);
		return 1;
	}
	while ((c = getopt_long(argc, argv, "hV", longs, NULL)) >= 0) {
		switch (c) {
		case 'c':
			m.agent.config_path = optarg;
			m.agent.config_must = true;
			break;
		case 'k': only_check = true; break;
		case 'h': fputs(help_text, stdout); return 0;
		case 'V': puts("weir-agent " WEIR_VERSION); return 0;
		default: return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "weir-agent: %s: unexpected argument\n",
			argv[optind]);
		return 2;
	}
	if (config_read_if(m.agent.config_path, m.agent.config_must,
			   &m.agent.config, &err) < 0) {
		fprintf(stderr, "weir-agent: %s%s%s\n", err.at,
			err.at[0] ? ": " : "", err.text);
		return 2;
	}
	if (only_check) {
		puts("the configuration is right");
		config_done(&m.agent.config);
		return 0;
	}
	return run(&m);
}
