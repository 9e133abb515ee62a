/*
 * The handler raises a flag and writes a byte to a pipe that every wait looks
 * at as well: a signal between looking at the flag and starting to wait is not
 * lost.
 */
#include "cli/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/bug.h"

static volatile sig_atomic_t stop;
static int pipe_fds[2] = { -1, -1 };

static const int caught[] = { SIGINT, SIGTERM, SIGHUP };

static void on_signal(int sig)
{
	int saved = errno;

	stop = sig;
	/* A full pipe says it as well. */
	(void)!write(pipe_fds[1], "", 1);
	errno = saved;
}

static bool is_ignored(int sig)
{
	struct sigaction sa;

	return sigaction(sig, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN;
}

static void set_handlers(void (*handler)(int), void (*on_pipe)(int))
{
	struct sigaction sa = { .sa_handler = handler };

	(void)sigemptyset(&sa.sa_mask);
	for (unsigned i = 0; i < sizeof caught / sizeof *caught; i++)
		if (!(caught[i] == SIGHUP && is_ignored(SIGHUP)))
			(void)sigaction(caught[i], &sa, NULL);
	sa.sa_handler = on_pipe;
	(void)sigaction(SIGPIPE, &sa, NULL);
}

void stop_catch(void)
{
	if (pipe_fds[0] < 0 && pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) < 0)
		die("no pipe for signals: %s", strerror(errno));
	set_handlers(on_signal, SIG_IGN);
}

void stop_forget(void)
{
	set_handlers(SIG_DFL, SIG_DFL);
}

bool stop_wanted(void)
{
	return stop != 0;
}

const volatile sig_atomic_t *stop_flag(void)
{
	return &stop;
}

int stop_poll(struct pollfd *fds, unsigned n, int timeout_ms)
{
	struct pollfd all[STOP_POLL_MAX + 1];
	int rc;

	BUG_ON(n > STOP_POLL_MAX);
	if (n > 0)
		memcpy(all, fds, n * sizeof *fds);
	all[n] = (struct pollfd){ .fd = pipe_fds[0], .events = POLLIN };
	do {
		rc = poll(all, n + 1, timeout_ms);
	} while (rc < 0 && errno == EINTR && !stop);
	if (stop)
		return -EINTR;
	if (rc < 0)
		die("poll: %s", strerror(errno));
	if (n > 0)
		memcpy(fds, all, n * sizeof *fds);
	return rc;
}
