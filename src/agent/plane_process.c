/*
 * Theory. A successor ends by itself when it cannot take over, and then nothing has
 * changed. When it has, its predecessor ends, which is seen by the connection to
 * it: that is the one sign there is, for a predecessor that this agent has not
 * started is no child of ours.
 *
 *   start ──▶ the successor ends: refused, the old one goes on
 *         └─▶ the old one's door hangs up: the new one has it
 *         └─▶ neither in PLANE_SUCCEED_US: it is ended
 */
#include "agent/plane_process.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/blame.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/limits_door.h"
#include "base/log.h"
#include "net/netns.h"
#include "wire/dp_exit.h"

/* How often it is looked whether something has ended. */
#define LOOK_MS 5

struct start {
	const struct plane_process *p;
	bool take_over;
	pid_t child;
};

static int start_here(void *arg, struct err *reterr)
{
	struct start *s = arg;
	const struct plane_process *p = s->p;
	char workers[12];
	char *argv[] = { (char *)(uintptr_t)p->program,
			 (char *)"-n",
			 workers,
			 (char *)"--listen",
			 (char *)"",
			 (char *)"--notify",
			 (char *)"",
			 (char *)"--control",
			 (char *)(uintptr_t)p->door,
			 NULL,
			 NULL,
			 NULL,
			 NULL };
	size_t n = 9;
	posix_spawnattr_t attr;
	sigset_t none;
	int rc;

	if (p->crash) {
		argv[n++] = (char *)"--crash";
		argv[n++] = (char *)(uintptr_t)p->crash;
	}
	if (s->take_over)
		argv[n++] = (char *)"--take-over";
	(void)snprintf(workers, sizeof workers, "%u", p->workers);
	sigemptyset(&none);
	rc = posix_spawnattr_init(&attr);
	if (rc != 0)
		return err_set(reterr, rc, NULL, "start weir-dp: %s",
			       strerror(rc));
	/* its own session: what ends the agent does not end it */
	(void)posix_spawnattr_setsigmask(&attr, &none);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
						      POSIX_SPAWN_SETSID);
	rc = posix_spawn(&s->child, p->program, NULL, &attr, argv, environ);
	(void)posix_spawnattr_destroy(&attr);
	if (rc != 0)
		return err_set(reterr, rc, NULL, "start %s: %s", p->program,
			       strerror(rc));
	log_info("data plane: started pid=%d%s", (int)s->child,
		 s->take_over ? ", to take over" : "");
	return 0;
}

static int start(const struct plane_process *p, bool take_over,
		 pid_t *ret_child, struct err *reterr)
{
	struct start s = { .p = p, .take_over = take_over };
	struct netns ns;
	int rc;

	if (!p->netns) {
		rc = start_here(&s, reterr);
	} else {
		rc = netns_open(p->netns, &ns, reterr);
		if (rc < 0)
			return rc;
		rc = netns_call(&ns, start_here, &s, reterr);
		netns_done(&ns);
	}
	if (rc == 0)
		*ret_child = s.child;
	return rc;
}

int plane_process_start(struct plane_process *p, struct err *reterr)
{
	if (usec_before(clock_now(), p->parked))
		return err_set(reterr, EAGAIN, NULL,
			       "the data plane died too often and is not "
			       "started for a while");
	return start(p, false, &p->child, reterr);
}

/* Is that child still there? What it ended with is told once. */
static bool runs(pid_t *child, int *ret_status)
{
	int status;

	if (!*child)
		return false;
	if (waitpid(*child, &status, WNOHANG) != *child)
		return true;
	if (WIFSIGNALED(status))
		log_warn("data plane: ended by signal %d pid=%d",
			 WTERMSIG(status), (int)*child);
	else
		log_warn("data plane: exit status %d pid=%d",
			 WEXITSTATUS(status), (int)*child);
	*child = 0;
	*ret_status = status;
	return false;
}

bool plane_process_runs(struct plane_process *p)
{
	pid_t was = p->child;
	bool is = runs(&p->child, &p->status);

	if (was && !is)
		p->ended = was;
	return is;
}

/* --- deaths ------------------------------------------------------------------ */

/* The path of what it wrote when it died, if that was kept. */
static bool find_report(const struct plane_process *p, char *ret, size_t size)
{
	DIR *d = p->crash ? opendir(p->crash) : NULL;
	const struct dirent *e;
	char end[32];
	bool found = false;

	if (!d)
		return false;
	(void)snprintf(end, sizeof end, "-%d.txt", (int)p->ended);
	while (!found && (e = readdir(d))) {
		size_t len = strlen(e->d_name), n = strlen(end);

		found = len > n && strcmp(e->d_name + len - n, end) == 0 &&
			snprintf(ret, size, "%s/%s", p->crash, e->d_name) <
				(int)size;
	}
	(void)closedir(d);
	return found;
}

/* By somebody else: that says nothing of what the next one would do. */
static bool was_killed(int status)
{
	return WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL
				   : WEXITSTATUS(status) == DP_EXIT_KILLED;
}

/* Was that one too many? */
static bool count_death(struct plane_process *p)
{
	usec_t now = clock_now(), first;

	if (atomic_exchange(&p->forgiven, false))
		p->n_deaths = 0;
	p->deaths[p->n_deaths++ % PLANE_DEATHS] = now;
	if (p->n_deaths < PLANE_DEATHS)
		return false;
	first = p->deaths[p->n_deaths % PLANE_DEATHS];
	if (usec_since(now, first) > PLANE_DEATHS_US)
		return false;
	p->n_deaths = 0;
	p->parked = usec_add(now, PLANE_PARKED_US);
	return true;
}

/* What PLANE_DOWN brings; NULL: nothing is known, or no memory. */
static json_t *frame_of(const char *report)
{
	char to[MAC_TEXT_MAX], from[MAC_TEXT_MAX];
	struct mac macs[2];

	if (!blame_read(report, macs))
		return NULL;
	return json_pack("{s:[s, s]}", "frame", mac_format(macs[0], to),
			 mac_format(macs[1], from));
}

bool plane_process_died(struct plane_process *p, json_t **ret_about,
			struct err *reterr)
{
	char report[256] = "", parked[160] = "";
	usec_t until = usec_add(clock_now(), PLANE_DEATH_WAIT_US);

	*ret_about = NULL;
	if (!p->child)
		return false;
	while (plane_process_runs(p)) {
		if (!usec_before(clock_now(), until))
			return false;
		(void)poll(NULL, 0, LOOK_MS);
	}
	if (WIFEXITED(p->status) && WEXITSTATUS(p->status) == 0)
		return false;
	if (!was_killed(p->status) && count_death(p))
		(void)snprintf(parked, sizeof parked,
			       "; the %dth time in %u s: none is started for "
			       "%u s, workloads are as guard.on_failure says",
			       PLANE_DEATHS,
			       (unsigned)(PLANE_DEATHS_US / USEC_PER_SEC),
			       (unsigned)(PLANE_PARKED_US / USEC_PER_SEC));
	if (find_report(p, report, sizeof report))
		*ret_about = frame_of(report);
	(void)err_set(reterr, ECONNRESET, NULL, "the data plane died%s%s%s",
		      report[0] ? ": " : "", report, parked);
	return true;
}

/* --- the end, and another one ------------------------------------------------ */

/* One that hangs does not take the agent's end with it. */
static void end(pid_t *child)
{
	usec_t until = usec_add(clock_now(), PLANE_END_US);
	int status;

	if (*child)
		(void)kill(*child, SIGTERM);
	while (runs(child, &status)) {
		if (!usec_before(clock_now(), until))
			/* and its worker: they are a session of their own */
			(void)kill(-*child, SIGKILL);
		(void)poll(NULL, 0, LOOK_MS);
	}
}

void plane_process_end(struct plane_process *p)
{
	end(&p->child);
}

/* Who served the door serves it no more. */
static bool has_gone(const struct dpclient *now)
{
	struct pollfd pfd = { .fd = now->fd, .events = POLLIN };

	/* it says nothing unasked */
	return poll(&pfd, 1, LOOK_MS) > 0;
}

/* 0: `now` has gone, and the successor is there. */
static int await_change(pid_t *next, const struct dpclient *now,
			bool (*stop)(void *arg), void *arg, struct err *reterr)
{
	usec_t until = usec_add(clock_now(), PLANE_SUCCEED_US);
	int status;

	while (!has_gone(now)) {
		if (!runs(next, &status))
			return err_set(reterr, ECHILD, NULL,
				       "the successor could not take over; its "
				       "log says why");
		if (stop(arg))
			return err_set(reterr, ECANCELED, NULL,
				       "the agent ends");
		if (!usec_before(clock_now(), until))
			return err_set(
				reterr, ETIMEDOUT, NULL,
				"the successor has not taken over in "
				"%u s",
				(unsigned)(PLANE_SUCCEED_US / USEC_PER_SEC));
	}
	return 0;
}

int plane_process_succeed(struct plane_process *p, const struct dpclient *now,
			  bool (*stop)(void *arg), void *arg,
			  struct dpclient *ret, struct err *reterr)
{
	pid_t next = 0, before = p->child;
	int rc;

	if (!p->program)
		return err_set(reterr, ENOTSUP, NULL,
			       "the data plane is not the agent's to start "
			       "(data_plane.managed)");
	rc = start(p, true, &next, reterr);
	if (rc < 0)
		return rc;
	rc = await_change(&next, now, stop, arg, reterr);
	if (rc < 0) {
		/* the agent ends: it may have taken over just now, and goes on */
		if (rc != -ECANCELED)
			end(&next);
		return rc;
	}
	/* it ends by itself, and at once */
	end(&before);
	p->child = next;
	return dpclient_open(p->door, ret, reterr);
}
