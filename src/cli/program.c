#include "cli/program.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <link.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/clock.h"
#include "base/limits.h"
#include "cli/stop.h"

/* --- where they are --------------------------------------------------- */

void program_self(char ret[static PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", ret, PATH_MAX - 1);

	ret[n > 0 ? n : 0] = '\0';
}

void program_ours(const char *variable, const char *folder, const char *name,
		  char ret[static PATH_MAX])
{
	const char *given = getenv(variable);
	char self[PATH_MAX], places[3][64];
	const char *dir;
	int n;

	if (given && given[0]) {
		(void)snprintf(ret, PATH_MAX, "%s", given);
		return;
	}
	program_self(self);
	dir = dirname(self);
	(void)snprintf(places[0], sizeof places[0], "%s", name);
	(void)snprintf(places[1], sizeof places[1], "../%s/%s", folder, name);
	(void)snprintf(places[2], sizeof places[2], "../sbin/%s", name);
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		n = snprintf(ret, PATH_MAX, "%s/%s", dir, places[i]);
		if (n > 0 && n < PATH_MAX && access(ret, X_OK) == 0)
			return;
	}
	(void)snprintf(ret, PATH_MAX, "%s", name);
}

bool program_find(const char *name, char ret[static PATH_MAX])
{
	const char *path = getenv("PATH");
	int n;

	while (path && *path) {
		size_t len = strcspn(path, ":");

		n = snprintf(ret, PATH_MAX, "%.*s/%s", (int)len, path, name);
		if (n > 0 && n < PATH_MAX && access(ret, X_OK) == 0)
			return true;
		path += len + (path[len] == ':');
	}
	return false;
}

bool program_is_static(const char *path)
{
	FILE *f = fopen(path, "re");
	ElfW(Ehdr) head;
	ElfW(Phdr) part;
	bool ok = f && fread(&head, sizeof head, 1, f) == 1 &&
		  memcmp(head.e_ident, ELFMAG, SELFMAG) == 0 &&
		  head.e_phentsize == sizeof part &&
		  fseek(f, (long)head.e_phoff, SEEK_SET) == 0;

	for (int i = 0; ok && i < head.e_phnum; i++)
		ok = fread(&part, sizeof part, 1, f) == 1 &&
		     part.p_type != PT_INTERP;
	if (f)
		(void)fclose(f); /* opened for reading */
	return ok;
}

/* --- starting ----------------------------------------------------------- */

struct start {
	struct program *p;
	const char *const *argv;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
};

static int spawn_here(void *arg, struct err *reterr)
{
	struct start *s = arg;
	int rc = posix_spawnp(&s->p->pid, s->argv[0], &s->actions, &s->attr,
			      (char *const *)(uintptr_t)s->argv, environ);

	return rc == 0 ? 0
		       : err_set(reterr, rc, s->argv[0], "start it: %s",
				 strerror(rc));
}

/* Outputs: to the log, or to the pipe's end. -errno */
static int prepare(struct start *s, const char *log, int pipe_end)
{
	sigset_t all;
	int rc;

	(void)sigfillset(&all);
	rc = posix_spawn_file_actions_addopen(&s->actions, 0, "/dev/null",
					      O_RDONLY, 0);
	if (rc == 0 && log)
		rc = posix_spawn_file_actions_addopen(
			&s->actions, 1, log, O_WRONLY | O_CREAT | O_APPEND,
			0600);
	else if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&s->actions, pipe_end, 1);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&s->actions, 1, 2);
	if (rc == 0)
		rc = posix_spawnattr_setsigdefault(&s->attr, &all);
	if (rc == 0)
		rc = posix_spawnattr_setflags(
			&s->attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF);
	return -rc;
}

int program_start(struct program *p, const struct netns *ns,
		  const char *const argv[], const char *log, struct err *reterr)
{
	struct start s = { .p = p, .argv = argv };
	int fds[2] = { -1, -1 };
	int rc;

	*p = (struct program){ .out = -1 };
	if (!log && pipe2(fds, O_CLOEXEC) < 0)
		return err_set(reterr, errno, NULL, "pipe: %s",
			       strerror(errno));
	if (posix_spawn_file_actions_init(&s.actions) ||
	    posix_spawnattr_init(&s.attr))
		die("out of memory");
	rc = prepare(&s, log, fds[1]);
	if (rc < 0)
		(void)err_set(reterr, -rc, argv[0], "prepare its start: %s",
			      strerror(-rc));
	else
		rc = ns ? netns_call(ns, spawn_here, &s, reterr)
			: spawn_here(&s, reterr);
	posix_spawn_file_actions_destroy(&s.actions);
	posix_spawnattr_destroy(&s.attr);
	if (fds[1] >= 0)
		close(fds[1]);
	if (rc == 0)
		p->out = fds[0];
	else if (fds[0] >= 0)
		close(fds[0]);
	return rc;
}

/* --- and their end ------------------------------------------------------- */

static int status_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool program_runs(struct program *p)
{
	siginfo_t info = { 0 };

	return p->pid > 0 &&
	       waitid(P_PID, (id_t)p->pid, &info,
		      WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == 0;
}

int program_end(struct program *p, int sig, int ms)
{
	struct pollfd gone = { .events = POLLIN };
	int status = 0;
	pid_t rc;

	if (p->out >= 0)
		close(p->out);
	p->out = -1;
	if (p->pid <= 0)
		return -1;
	gone.fd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	(void)kill(p->pid, sig);
	if (gone.fd < 0 || poll(&gone, 1, ms) <= 0)
		(void)kill(p->pid, SIGKILL);
	if (gone.fd >= 0)
		close(gone.fd);
	do {
		rc = waitpid(p->pid, &status, 0);
	} while (rc < 0 && errno == EINTR);
	p->pid = 0;
	return rc < 0 ? -1 : status_of(status);
}

/* Some more of it; 0: it has said all. */
static int read_more(struct program *p, char *buf, size_t *len, int ms,
		     struct err *reterr)
{
	struct pollfd said = { .fd = p->out, .events = POLLIN };
	char drop[4096];
	bool full = *len == PROGRAM_TEXT_MAX;
	ssize_t n;
	int rc = stop_poll(&said, 1, ms);

	if (rc < 0)
		return err_set(reterr, EINTR, NULL, "stopped");
	if (rc == 0)
		return err_set(reterr, ETIMEDOUT, NULL, "took too long");
	n = full ? read(p->out, drop, sizeof drop)
		 : read(p->out, buf + *len, PROGRAM_TEXT_MAX - *len);
	if (n > 0 && !full)
		*len += (size_t)n;
	return n > 0 ? 1 : 0;
}

int program_collect(struct program *p, int ms, char **ret_text, int *ret_status,
		    struct err *reterr)
{
	usec_t end = usec_add(clock_now(), (uint64_t)ms * 1000);
	char *buf = malloc(PROGRAM_TEXT_MAX + 1);
	size_t len = 0;
	int rc = 1;

	if (!buf)
		die("out of memory");
	while (rc > 0) {
		usec_t now = clock_now();

		rc = read_more(p, buf, &len,
			       usec_before(now, end)
				       ? (int)(usec_since(end, now) / 1000)
				       : 0,
			       reterr);
	}
	buf[len] = '\0';
	*ret_status = program_end(p, rc < 0 ? SIGKILL : 0, ms);
	if (rc < 0)
		free(buf);
	else
		*ret_text = buf;
	return rc;
}

void program_last_words(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t end = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	const char *nl;
	ssize_t n;

	buf[0] = '\0';
	if (fd < 0)
		return;
	n = pread(fd, buf, size - 1,
		  end > (off_t)size - 1 ? end - (off_t)size + 1 : 0);
	close(fd);
	while (n > 0 && buf[n - 1] == '\n')
		n--;
	buf[n > 0 ? n : 0] = '\0';
	nl = strrchr(buf, '\n');
	if (nl)
		memmove(buf, nl + 1, strlen(nl + 1) + 1);
}
