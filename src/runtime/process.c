/*
 * A descriptor of /proc/PID stands for one process: when that has ended, what
 * is opened through it fails, also when the number has a new owner. So what is
 * read below is all of one process. Whose it is, its cgroup tells: Docker,
 * Podman, containerd and Kubernetes name a container's cgroup by its id, as a
 * whole part of the path ("/docker/ID") or within ("docker-ID.scope"). Where
 * it is not so, who asks has to ask the runtime again.
 */
#include "runtime/process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TEXT_MAX 8192
/* Ids as long as this are random: no path has them by chance. */
#define UNIQUE_ID_LEN 32

/* -ESRCH also when it ends while it is read. */
static int read_text(int dir, const char *name, char ret[TEXT_MAX])
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	do {
		n = read(fd, ret + len, TEXT_MAX - 1 - len);
		if (n > 0)
			len += (size_t)n;
	} while (n > 0 && len < TEXT_MAX - 1);
	close(fd);
	ret[len] = '\0';
	return n < 0 ? -errno : 0;
}

/* Field 22 of proc(5)'s stat; the name in field 2 may hold anything. */
static bool parse_start(const char *stat, uint64_t *ret)
{
	const char *p = strrchr(stat, ')');

	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	return p && sscanf(p, " %" SCNu64, ret) == 1; /* NOLINT(cert-err34-c) */
}

static bool is_part(const char *path, const char *end, const char *id,
		    size_t len)
{
	while (path < end) {
		const char *slash = memchr(path, '/', (size_t)(end - path));
		const char *part_end = slash ? slash : end;

		if ((size_t)(part_end - path) == len &&
		    memcmp(path, id, len) == 0)
			return true;
		path = part_end + 1;
	}
	return false;
}

bool process_cgroup_names(const char *text, const char *id)
{
	size_t len = strlen(id);

	if (len == 0)
		return false;
	if (len >= UNIQUE_ID_LEN)
		return strstr(text, id) != NULL;
	while (*text) { /* "4:memory:/docker/ID" */
		const char *end = strchrnul(text, '\n');
		const char *path = memchr(text, '/', (size_t)(end - text));

		if (path && is_part(path, end, id, len))
			return true;
		text = *end ? end + 1 : end;
	}
	return false;
}

static int open_parts(int dir, const char *id, struct process *p,
		      struct err *reterr)
{
	char text[TEXT_MAX], path[64];
	int r = read_text(dir, "stat", text);

	if (r < 0 || !parse_start(text, &p->start))
		return err_set(reterr, r < 0 ? -r : EBADMSG, NULL,
			       "process %d cannot be read", (int)p->pid);
	r = read_text(dir, "cgroup", text);
	p->named = r == 0 && process_cgroup_names(text, id);
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d/ns/net", dir);
	r = netns_open(path, &p->ns, reterr);
	if (r < 0)
		return r;
	(void)snprintf(p->ns.path, sizeof p->ns.path, "/proc/%d/ns/net",
		       (int)p->pid);
	return 0;
}

int process_open(pid_t pid, const char *id, struct process *ret,
		 struct err *reterr)
{
	struct process p = { .pid = pid, .ns.fd = -1 };
	char path[32];
	int dir, r;

	(void)snprintf(path, sizeof path, "/proc/%d", (int)pid);
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_set(reterr, errno == ENOENT ? ESRCH : errno, NULL,
			       "no process %d here", (int)pid);
	r = open_parts(dir, id, &p, reterr);
	close(dir);
	if (r < 0) /* a zombie has no namespace any more: ENOENT */
		return r == -ENOENT ? -ESRCH : r;
	*ret = p;
	return 0;
}

bool process_alive(pid_t pid, uint64_t start)
{
	char text[TEXT_MAX], path[32];
	uint64_t now;

	(void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	return read_text(AT_FDCWD, path, text) == 0 &&
	       parse_start(text, &now) && now == start;
}

uint64_t process_started_s(uint64_t start)
{
	struct timespec wall, boot;
	uint64_t age_s;

	if (clock_gettime(CLOCK_REALTIME, &wall) < 0 ||
	    clock_gettime(CLOCK_BOOTTIME, &boot) < 0)
		return 0;
	age_s = (uint64_t)boot.tv_sec - start / (uint64_t)sysconf(_SC_CLK_TCK);
	return (uint64_t)wall.tv_sec - age_s;
}
