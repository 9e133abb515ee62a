/*
 * Named network namespaces: a folder of files, each of which has a namespace
 * mounted on it, as `ip netns` and CNI make them. The file is there before the
 * mount, so inotify alone would come too early: changes of the mounts, which
 * /proc/self/mountinfo tells to poll(2), are what brings and ends a namespace.
 * Either only says that the folder is to be read again; it is small.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "runtime/about.h"
#include "runtime/source.h"

struct folder {
	struct source *source;
	int inotify;
	int mounts;
};

static int open_watch(struct folder *f, struct err *reterr)
{
	const uint32_t mask = IN_CREATE | IN_DELETE | IN_MOVE | IN_DELETE_SELF |
			      IN_MOVE_SELF | IN_ONLYDIR;

	f->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (f->inotify < 0 ||
	    inotify_add_watch(f->inotify, f->source->path, mask) < 0)
		return err_set(reterr, errno, NULL, "%s", strerror(errno));
	f->mounts = open("/proc/thread-self/mountinfo", O_RDONLY | O_CLOEXEC);
	if (f->mounts < 0)
		return err_set(reterr, errno, NULL, "mountinfo: %s",
			       strerror(errno));
	return 0;
}

static int look(struct source *s, const char *name, struct err *reterr)
{
	char path[PATH_MAX];
	struct process p = { .ns.fd = -1 };
	json_t *about;
	int n = snprintf(path, sizeof path, "%s/%s", s->path, name);

	if (n < 0 || (size_t)n >= sizeof path || strlen(name) >= RUNTIME_ID_MAX)
		return 0; /* `ip netns` makes none of that length */
	if (netns_open(path, &p.ns, reterr) < 0)
		return 0; /* no namespace is mounted there, or not yet */
	about = json_object();
	about_place(about, name);
	about_text(about, "state", "running");
	return source_found(s, name, about, &p, 1);
}

/* -ENOENT: the folder is no more. */
static int read_folder(struct source *s, bool first, struct err *reterr)
{
	char gone[RUNTIME_ID_MAX];
	DIR *dir = opendir(s->path);
	const struct dirent *e;
	int r;

	if (!dir)
		return err_set(reterr, errno, NULL, "%s", strerror(errno));
	r = source_list_begin(s, first);
	while (r == 0 && (e = readdir(dir)))
		if (e->d_name[0] != '.')
			r = look(s, e->d_name, reterr);
	closedir(dir);
	while (r == 0 && source_list_missing(s, gone))
		r = source_gone(s, gone);
	return r == 0 ? source_list_end(s) : r;
}

/* What events there are does not matter, but that the folder itself goes. */
static bool folder_went(struct folder *f)
{
	_Alignas(struct inotify_event) char events[4096];
	bool went = false;
	ssize_t n;

	while ((n = read(f->inotify, events, sizeof events)) > 0)
		for (char *p = events; p < events + n;) {
			const struct inotify_event *e = (void *)p;

			if (e->mask & (IN_DELETE_SELF | IN_MOVE_SELF |
				       IN_IGNORED | IN_UNMOUNT))
				went = true;
			p += sizeof *e + e->len;
		}
	return went;
}

static int wait_for_change(struct folder *f, struct err *reterr)
{
	struct pollfd p[] = {
		{ .fd = f->source->stop_fd, .events = POLLIN },
		{ .fd = f->inotify, .events = POLLIN },
		{ .fd = f->mounts, .events = POLLPRI },
	};

	if (poll(p, 3, RUNTIME_RELIST_MS) > 0 && p[0].revents)
		return -ECANCELED;
	if (folder_went(f))
		return err_set(reterr, ENOENT, NULL, "%s", strerror(ENOENT));
	/* a change seldom comes alone */
	return source_wait(f->source, RUNTIME_RESCAN_MS);
}

static int run(struct folder *f, struct err *reterr)
{
	struct source *s = f->source;
	int r = open_watch(f, reterr);

	if (r == 0)
		r = source_up(s);
	for (bool first = true; r == 0; first = false) {
		r = read_folder(s, first, reterr);
		if (r == 0)
			r = wait_for_change(f, reterr);
	}
	return r;
}

int netns_dir_session(struct source *s, struct err *reterr)
{
	struct folder f = { .source = s, .inotify = -1, .mounts = -1 };
	int r = run(&f, reterr);

	if (f.inotify >= 0)
		close(f.inotify);
	if (f.mounts >= 0)
		close(f.mounts);
	return r;
}
