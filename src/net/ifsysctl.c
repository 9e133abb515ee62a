/*
 * /proc/sys/net shows the namespace of the thread that looks, so reading and
 * writing happen inside (netns_call); no mount is needed.
 *
 * Left out: the IPv6 "mtu", which follows the device's, "addr_gen_mode", which
 * goes by netlink because its moment matters, and what cannot be written.
 */
#include "net/ifsysctl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"

static const char *const dirs[] = { "ipv4/conf", "ipv6/conf", "ipv4/neigh",
				    "ipv6/neigh" };

struct work {
	const char *dev;
	struct ifsysctl *list; /* IFCONF_SYSCTLS_MAX of them when reading */
	size_t count;
};

static int open_dir(const char *dir, const char *dev)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "/proc/sys/net/%s/%s", dir, dev);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Reads one line; false if it cannot be read or is too long. */
static bool read_value(int dir, const char *name, char *ret, size_t size)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, ret, size - 1);
	(void)close(fd); /* opened for reading */
	if (n <= 0 || (size_t)n == size - 1)
		return false;
	ret[n] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
	return true;
}

static bool is_of_interest(int dir, const char *name)
{
	struct stat st;

	return name[0] != '.' && strcmp(name, "mtu") != 0 &&
	       strcmp(name, "addr_gen_mode") != 0 &&
	       fstatat(dir, name, &st, 0) == 0 && st.st_mode & S_IWUSR;
}

static int compare_dir(struct work *w, const char *dir, int own, int standard,
		       struct err *reterr)
{
	DIR *names = fdopendir(own);
	const struct dirent *d;
	char usual[sizeof(w->list->value)];

	if (!names) {
		(void)close(own); /* opened for reading */
		return err_set(reterr, ENOMEM, NULL, "no memory");
	}
	while ((d = readdir(names))) {
		struct ifsysctl s = { 0 };

		if (!is_of_interest(own, d->d_name) ||
		    strlen(d->d_name) >= sizeof(s.name) ||
		    !read_value(own, d->d_name, s.value, sizeof(s.value)))
			continue;
		if (standard >= 0 &&
		    read_value(standard, d->d_name, usual, sizeof(usual)) &&
		    strcmp(s.value, usual) == 0)
			continue;
		if (w->count == IFCONF_SYSCTLS_MAX) {
			(void)closedir(names); /* opened for reading */
			return err_set(reterr, E2BIG, NULL,
				       "more than %d sysctls of %s are set",
				       IFCONF_SYSCTLS_MAX, w->dev);
		}
		(void)snprintf(s.dir, sizeof(s.dir), "%s", dir);
		if (snprintf(s.name, sizeof(s.name), "%s", d->d_name) >=
		    (int)sizeof(s.name)) {
			(void)closedir(names); /* opened for reading */
			return err_set(reterr, E2BIG, NULL,
				       "a sysctl of %s has too long a name",
				       w->dev);
		}
		w->list[w->count++] = s;
	}
	(void)closedir(names); /* opened for reading */
	return 0;
}

static int read_here(void *arg, struct err *reterr)
{
	struct work *w = arg;
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(dirs) / sizeof(*dirs); i++) {
		int own = open_dir(dirs[i], w->dev);
		int standard = open_dir(dirs[i], "default");

		/*
		 * No directory of its own: no such protocol in this kernel.
		 * No default (ipv4/neigh outside the first namespace): all.
		 */
		if (own >= 0)
			r = compare_dir(w, dirs[i], own, standard, reterr);
		if (standard >= 0)
			(void)close(standard); /* opened for reading */
	}
	return r;
}

int ifsysctl_read(const struct netns *ns, const char *dev,
		  struct ifsysctl **ret, size_t *ret_count, struct err *reterr)
{
	struct work w = { .dev = dev };
	int r;

	w.list = calloc(IFCONF_SYSCTLS_MAX, sizeof(*w.list));
	if (!w.list)
		return err_set(reterr, ENOMEM, NULL, "no memory");
	r = netns_call(ns, read_here, &w, reterr);
	if (r < 0) {
		free(w.list);
		return r;
	}
	*ret = w.list;
	*ret_count = w.count;
	return 0;
}

static int write_value(const char *dev, const struct ifsysctl *s,
		       struct err *reterr)
{
	int dir = open_dir(s->dir, dev), fd = -1, r = 0;
	size_t len = strlen(s->value);
	char now[sizeof(s->value)];

	if (dir >= 0 && read_value(dir, s->name, now, sizeof(now)) &&
	    strcmp(now, s->value) == 0) {
		(void)close(dir); /* opened for reading */
		return 0;
	}
	if (dir >= 0)
		fd = openat(dir, s->name, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, s->value, len) != (ssize_t)len)
		r = err_set(reterr, errno, NULL, "sysctl net/%s/%s/%s: %s",
			    s->dir, dev, s->name, strerror(errno));
	if (fd >= 0)
		(void)close(fd); /* write told already */
	if (dir >= 0)
		(void)close(dir); /* opened for reading */
	return r;
}

static int write_here(void *arg, struct err *reterr)
{
	const struct work *w = arg;
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->count; i++)
		r = write_value(w->dev, &w->list[i], reterr);
	return r;
}

int ifsysctl_write(const struct netns *ns, const char *dev,
		   const struct ifsysctl *list, size_t count,
		   struct err *reterr)
{
	struct work w = { .dev = dev,
			  .list = (struct ifsysctl *)list,
			  .count = count };

	return count == 0 ? 0 : netns_call(ns, write_here, &w, reterr);
}
