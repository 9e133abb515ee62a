/*
 * Three processes:
 *
 *   outside        who called: passes signals on, waits, removes control groups
 *     first        number 1 of a new PID namespace, in new network, mount and
 *                  IPC namespaces: makes the mounts, reaps who lost its parent
 *       story      plays
 *
 * When the first one ends, the kernel kills everything in its namespace -
 * dockerd, containers, agent, data plane - and drops network and mounts with it.
 * It dies with who called (PR_SET_PDEATHSIG), unless the story stays up: then
 * it goes on alone, under the name by which --down finds it.
 *
 * /run, /dev/shm and what is written to /etc are memory of this world, so that
 * the well-known paths are its own: /run/docker.sock, /run/weir/agent.sock,
 * /run/netns. Only control groups have no such copy; they carry the first
 * process's number in their name, so whose process is gone can be removed.
 */
#include "cli/demo_world.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/stop.h"

#define NAME_RUNNING  "weir-demo"
#define NAME_KEPT     "weir-demo-kept"
#define CGROUP_ROOT   "/sys/fs/cgroup"
#define STATUS_MAX    256 /* of a line that is looked at */
#define REAP_EVERY_MS 200
#define TRY_EVERY_MS  10

/* --- control groups --------------------------------------------------- */

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *where)
{
	/* its files go with a group; one that is in use is tried again */
	if (type == FTW_DP)
		(void)rmdir(path);
	return 0;
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

static bool remove_tree(const char *path)
{
	(void)nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	return is_there(path);
}

/*
 * Of version 2 it is a folder of the root, of version 1 one of each kind: is any
 * of them such that `is` says so? Asks all.
 */
static bool any_cgroup(const char *cgroup, bool (*is)(const char *path))
{
	char path[PATH_MAX];
	const struct dirent *e;
	bool any;
	DIR *dir = opendir(CGROUP_ROOT);

	if (!dir)
		return false;
	(void)snprintf(path, sizeof path, CGROUP_ROOT "/%s", cgroup);
	any = is(path);
	while ((e = readdir(dir))) {
		if (e->d_name[0] == '.' || e->d_type != DT_DIR)
			continue;
		(void)snprintf(path, sizeof path, CGROUP_ROOT "/%s/%s",
			       e->d_name, cgroup);
		any = is(path) || any;
	}
	closedir(dir);
	return any;
}

bool demo_world_has_cgroups(const char *cgroup)
{
	return any_cgroup(cgroup, is_there);
}

void demo_world_remove_cgroups(const char *cgroup)
{
	/* A process that was killed is still in its group for a moment. */
	for (int ms = 0; ms < DEMO_CGROUP_WAIT_MS; ms += TRY_EVERY_MS) {
		if (!any_cgroup(cgroup, remove_tree))
			return;
		(void)poll(NULL, 0, TRY_EVERY_MS);
	}
}

/* --- who is who -------------------------------------------------------- */

static bool is_number(const char *text, int *ret)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (text[0] < '1' || text[0] > '9' || *end || n > INT_MAX)
		return false;
	*ret = (int)n;
	return true;
}

static bool is_named(int pid, const char *name)
{
	char path[64], comm[32] = "";
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof path, "/proc/%d/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, comm, sizeof comm - 1);
	close(fd);
	comm[n > 0 ? n : 0] = '\0';
	comm[strcspn(comm, "\n")] = '\0';
	return strcmp(comm, name) == 0;
}

/* A line of /proc/PID/status, without its name and tab; "" if there is none. */
static void status_of(int pid, const char *name, char ret[static STATUS_MAX])
{
	char path[64], line[STATUS_MAX];
	size_t len = strlen(name);
	FILE *f;

	ret[0] = '\0';
	(void)snprintf(path, sizeof path, "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && !ret[0] && fgets(line, sizeof line, f)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, name, len) == 0 && line[len] == '\t')
			memcpy(ret, line + len + 1, strlen(line + len + 1) + 1);
	}
	if (f)
		(void)fclose(f); /* opened for reading */
}

/*
 * Is it the first process of a PID namespace just below ours, and alive? Its
 * numbers in both, as "4711\t1".
 */
static bool is_first(int pid)
{
	char numbers[STATUS_MAX], state[STATUS_MAX];
	const char *tab;

	status_of(pid, "NSpid:", numbers);
	status_of(pid, "State:", state);
	tab = strchr(numbers, '\t');
	return tab && strcmp(tab, "\t1") == 0 && state[0] && state[0] != 'Z' &&
	       state[0] != 'X';
}

static bool exe_of(int pid, char ret[static PATH_MAX])
{
	char path[64];
	ssize_t n;

	(void)snprintf(path, sizeof path, "/proc/%d/exe", pid);
	n = readlink(path, ret, PATH_MAX - 1);
	ret[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* Who called it was killed: it is about to end, too. */
static bool is_orphan(int pid)
{
	char text[STATUS_MAX], ours[PATH_MAX], theirs[PATH_MAX];
	int parent;

	status_of(pid, "PPid:", text);
	return !is_number(text, &parent) || !exe_of(pid, ours) ||
	       !exe_of(parent, theirs) || strcmp(ours, theirs) != 0;
}

/* Was it left: kept, or without who called it? */
static bool is_left(int pid)
{
	if (is_named(pid, NAME_KEPT))
		return is_first(pid);
	return is_named(pid, NAME_RUNNING) && is_first(pid) && is_orphan(pid);
}

static void name_cgroup(struct demo_world *w)
{
	(void)snprintf(w->cgroup, sizeof w->cgroup, "weir-demo-%d", w->pid);
}

/* Groups whose process is gone: its caller was killed, too. */
static void sweep_cgroups(const char *folder)
{
	const struct dirent *e;
	DIR *dir = opendir(folder);
	int pid;

	while (dir && (e = readdir(dir)))
		if (strncmp(e->d_name, "weir-demo-", 10) == 0 &&
		    is_number(e->d_name + 10, &pid) && !is_first(pid))
			demo_world_remove_cgroups(e->d_name);
	if (dir)
		closedir(dir);
}

static void sweep(void)
{
	sweep_cgroups(CGROUP_ROOT);
	sweep_cgroups(CGROUP_ROOT "/pids");
}

static void wait_gone(int pid)
{
	struct pollfd p = { .fd = (int)syscall(SYS_pidfd_open, pid, 0),
			    .events = POLLIN };

	if (p.fd < 0)
		return;
	/* It was killed: what is waited for is the end of all within. */
	while (poll(&p, 1, -1) < 0 && errno == EINTR)
		;
	close(p.fd);
}

int demo_world_down(unsigned *ret_n, struct err *reterr)
{
	struct demo_world w;
	const struct dirent *e;
	DIR *dir = opendir("/proc");

	*ret_n = 0;
	if (!dir)
		return err_set(reterr, errno, "/proc", "%s", strerror(errno));
	while ((e = readdir(dir))) {
		if (!is_number(e->d_name, &w.pid) || !is_left(w.pid))
			continue;
		if (kill(w.pid, SIGKILL) < 0)
			continue;
		wait_gone(w.pid);
		name_cgroup(&w);
		demo_world_remove_cgroups(w.cgroup);
		(*ret_n)++;
	}
	closedir(dir);
	sweep();
	return 0;
}

unsigned demo_world_count_others(void)
{
	const struct dirent *e;
	DIR *dir = opendir("/proc");
	unsigned n = 0;
	int pid;

	while (dir && (e = readdir(dir)))
		n += is_number(e->d_name, &pid) && pid != 1 && pid != getpid();
	if (dir)
		closedir(dir);
	return n;
}

/* --- the first process -------------------------------------------------- */

static int mount_one(const char *type, const char *to, const char *options,
		     struct err *reterr)
{
	if (mount(type, to, type, MS_NOSUID | MS_NODEV, options) == 0)
		return 0;
	return err_set(reterr, errno, to, "mount %s there: %s", type,
		       strerror(errno));
}

static int make_mounts(struct err *reterr)
{
	static const char *const dirs[] = { DEMO_WORLD_DIR,
					    DEMO_WORLD_DIR "/etc",
					    DEMO_WORLD_DIR "/etc.work",
					    DEMO_WORLD_DIR "/tmp" };
	int rc;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_set(reterr, errno, NULL, "private mounts: %s",
			       strerror(errno));
	rc = mount_one("proc", "/proc", NULL, reterr);
	if (rc == 0)
		rc = mount_one("tmpfs", "/run", "mode=755", reterr);
	if (rc == 0)
		rc = mount_one("tmpfs", "/dev/shm", "mode=1777", reterr);
	if (rc == 0)
		rc = mount_one("bpf", "/sys/fs/bpf", NULL, reterr);
	for (size_t i = 0; rc == 0 && i < sizeof dirs / sizeof *dirs; i++)
		if (mkdir(dirs[i], 0755) < 0)
			rc = err_set(reterr, errno, dirs[i], "%s",
				     strerror(errno));
	/* A runtime writes a key there. Without overlay it does. */
	if (rc == 0 &&
	    mount("overlay", "/etc", "overlay", 0,
		  "lowerdir=/etc,upperdir=" DEMO_WORLD_DIR
		  "/etc,workdir=" DEMO_WORLD_DIR "/etc.work") < 0 &&
	    errno != ENODEV && errno != EINVAL)
		rc = err_set(reterr, errno, "/etc", "mount overlay there: %s",
			     strerror(errno));
	return rc;
}

static int enter(struct demo_world *w, struct err *reterr)
{
	char text[32];
	ssize_t n;

	/* Before /proc is another: our number where the caller is. */
	n = readlink("/proc/self", text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	if (!is_number(text, &w->pid))
		return err_set(reterr, ESRCH, "/proc/self", "no process");
	name_cgroup(w);
	if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC) < 0)
		return err_set(reterr, errno, NULL, "new namespaces: %s",
			       strerror(errno));
	return make_mounts(reterr);
}

/* Reaps all; returns the story's status when that has ended. */
static int wait_story(pid_t story)
{
	struct pollfd p = { .fd = (int)syscall(SYS_pidfd_open, story, 0),
			    .events = POLLIN };
	bool told = false;
	int status;
	pid_t pid;

	for (;;) {
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
			if (pid == story)
				return WIFEXITED(status) ? WEXITSTATUS(status)
							 : CLI_FAILED;
		if (told) {
			/* the same signal again makes nothing faster */
			(void)poll(&p, 1, REAP_EVERY_MS);
		} else if (stop_poll(&p, 1, REAP_EVERY_MS) == -EINTR) {
			(void)kill(story, SIGTERM);
			told = true;
		}
	}
}

/* It stays up: nobody's child, no terminal; reaps until it is killed. */
static _Noreturn void stay(int caller)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)prctl(PR_SET_NAME, NAME_KEPT);
	(void)prctl(PR_SET_PDEATHSIG, 0);
	(void)setsid();
	for (int fd = 0; fd < 3; fd++)
		(void)dup2(null, fd);
	(void)send(caller, "k", 1, MSG_NOSIGNAL);
	close(caller);
	for (;;) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		(void)poll(NULL, 0, 5 * REAP_EVERY_MS);
	}
}

static _Noreturn void first(int caller,
			    int (*play)(void *, const struct demo_world *),
			    void *arg)
{
	struct err err = { 0 };
	struct demo_world w;
	pid_t story;
	int code;

	(void)prctl(PR_SET_NAME, NAME_RUNNING);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Who called was killed before that: then nobody hears this. */
	if (send(caller, "b", 1, MSG_NOSIGNAL) < 0)
		_exit(CLI_FAILED);
	if (enter(&w, &err) < 0) {
		(void)send(caller, &err, sizeof err, MSG_NOSIGNAL);
		_exit(CLI_FAILED);
	}
	story = fork();
	if (story == 0) {
		close(caller);
		code = play(arg, &w);
		(void)fflush(stdout); /* a closed one was told to main() */
		_exit(code);
	}
	code = story < 0 ? CLI_FAILED : wait_story(story);
	if (code == DEMO_WORLD_KEEP)
		stay(caller);
	_exit(code);
}

/* --- outside -------------------------------------------------------------- */

/* true: it stays up. An error of the first process goes to *reterr. */
static bool listen_to(int fd, pid_t pid, struct err *reterr)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	bool told = false;
	struct err err;
	ssize_t n;

	for (;;) {
		if (!told && stop_poll(&p, 1, -1) == -EINTR) {
			(void)kill(pid, SIGTERM);
			told = true;
		}
		n = recv(fd, &err, sizeof err, 0);
		if (n == (ssize_t)sizeof err)
			*reterr = err;
		else if (n == 1 && *(const char *)&err == 'k')
			return true;
		else if (n == 0 || (n < 0 && errno != EINTR))
			return false;
	}
}

int demo_world_run(int (*play)(void *arg, const struct demo_world *w),
		   void *arg, struct err *reterr)
{
	struct demo_world w;
	struct err err = { 0 };
	int fds[2], status = 0, home;
	pid_t pid;

	sweep();
	(void)fflush(stdout);
	home = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
	if (home < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0 ||
	    unshare(CLONE_NEWPID) < 0)
		return err_set(reterr, errno, NULL, "new namespaces: %s",
			       strerror(errno));
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		first(fds[1], play, arg);
	}
	close(fds[1]);
	/* Later children of the caller are none of that world. */
	if (setns(home, CLONE_NEWPID) < 0)
		die("back to the own PID namespace: %s", strerror(errno));
	close(home);
	if (pid < 0)
		return err_set(reterr, errno, NULL, "fork: %s",
			       strerror(errno));
	w.pid = pid;
	if (listen_to(fds[0], pid, &err))
		return CLI_OK;
	close(fds[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	name_cgroup(&w);
	demo_world_remove_cgroups(w.cgroup);
	if (err.code) {
		*reterr = err;
		return -err.code;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : CLI_FAILED;
}
