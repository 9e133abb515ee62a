/*
 * Theory. /proc/self/cgroup says in which group it is, by hierarchy:
 *
 *   0::/a/b            version 2
 *   4:memory:/a/b      version 1
 *
 * and /proc/self/mountinfo where a hierarchy is mounted, and which of its groups is
 * seen there (in a container often its own, as "/"):
 *
 *   34 30 0:31 /a /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
 *
 * The group's own folder, and those above it up to where it is mounted, have a file
 * with a limit. The kernel's root has none in version 2.
 */
#include "base/cgroup.h"

#include <errno.h>
#include <linux/limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the kernel writes in version 1 where there is none is near 2^63. */
#define NO_LIMIT (UINT64_C(1) << 60)

struct hierarchy {
	bool second;	     /* version 2 */
	bool found, mounted; /* in the first file, in the second */
	char group[PATH_MAX], from[PATH_MAX], at[PATH_MAX];
};

/* fn(arg, line) for each, which it may cut up. 0 or -errno. */
static int each_line(const char *root, const char *path,
		     void (*fn)(void *arg, char *line), void *arg,
		     struct err *reterr)
{
	char where[PATH_MAX];
	char *line = NULL;
	size_t room = 0;
	FILE *f;
	int rc = 0;

	(void)snprintf(where, sizeof where, "%s%s", root, path);
	f = fopen(where, "re");
	if (!f)
		return err_set(reterr, errno, path, "%s", strerror(errno));
	errno = 0;
	while (getline(&line, &room, f) > 0) {
		line[strcspn(line, "\n")] = '\0';
		fn(arg, line);
		errno = 0;
	}
	if (!feof(f))
		rc = err_set(reterr, errno ? errno : EIO, path,
			     "cannot be read");
	free(line);
	(void)fclose(f); /* it was only read */
	return rc;
}

/* Is word one of those in list, between commas? */
static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at += len)
		if ((at == list || at[-1] == ',') &&
		    (at[len] == ',' || at[len] == '\0'))
			return true;
	return false;
}

static void take_group(void *arg, char *line)
{
	struct hierarchy *h = arg;
	char *controllers = strchr(line, ':');
	char *group = controllers ? strchr(controllers + 1, ':') : NULL;

	if (!group)
		return;
	*group++ = '\0';
	controllers++;
	if (h->second ? controllers[0] != '\0'
		      : !has_word(controllers, "memory"))
		return;
	h->found = true;
	(void)snprintf(h->group, sizeof h->group, "%s", group);
}

static void take_mount(void *arg, char *line)
{
	struct hierarchy *h = arg;
	char *end = strstr(line, " - "), *word, *more = NULL;
	char *type, *options;
	const char *from, *at;

	if (!end || h->mounted)
		return;
	*end = '\0';
	type = strtok_r(end + 3, " ", &more);
	(void)strtok_r(NULL, " ", &more);
	options = strtok_r(NULL, " ", &more);
	if (!type || !options ||
	    strcmp(type, h->second ? "cgroup2" : "cgroup") != 0 ||
	    (!h->second && !has_word(options, "memory")))
		return;
	word = strtok_r(line, " ", &more);
	for (int i = 0; word && i < 2; i++)
		word = strtok_r(NULL, " ", &more);
	from = word ? strtok_r(NULL, " ", &more) : NULL;
	at = from ? strtok_r(NULL, " ", &more) : NULL;
	if (!at)
		return;
	h->mounted = true;
	(void)snprintf(h->from, sizeof h->from, "%s", from);
	(void)snprintf(h->at, sizeof h->at, "%s", at);
}

/* The limit that a file has; 0: none, or no such file. */
static uint64_t limit_of(const char *path)
{
	FILE *f = fopen(path, "re");
	char text[32] = "", *end = text;
	uint64_t v = 0;

	/* "max" is no number */
	if (f && fgets(text, sizeof text, f))
		v = strtoull(text, &end, 10);
	if (f)
		(void)fclose(f);
	return end == text || v >= NO_LIMIT ? 0 : v;
}

static uint64_t least_of(const char *root, const struct hierarchy *h)
{
	const char *name = h->second ? "memory.max" : "memory.limit_in_bytes";
	size_t seen = strcmp(h->from, "/") == 0 ? 0 : strlen(h->from);
	char group[PATH_MAX], path[2 * PATH_MAX + 64];
	uint64_t least = 0, one;
	char *up;

	/* one that is not below what is mounted: what is mounted is all we see */
	if (strncmp(h->group, h->from, seen) != 0 ||
	    (h->group[seen] != '/' && h->group[seen] != '\0'))
		group[0] = '\0';
	else
		(void)snprintf(group, sizeof group, "%s", h->group + seen);
	for (;;) {
		(void)snprintf(path, sizeof path, "%s%s%s/%s", root, h->at,
			       group, name);
		one = limit_of(path);
		if (one && (!least || one < least))
			least = one;
		up = strrchr(group, '/');
		if (!up)
			return least;
		*up = '\0';
	}
}

int cgroup_memory_limit(const char *root, uint64_t *ret, struct err *reterr)
{
	uint64_t least = 0;

	for (int second = 0; second < 2; second++) {
		struct hierarchy h = { .second = second };
		uint64_t one;
		int rc = each_line(root, "/proc/self/cgroup", take_group, &h,
				   reterr);

		if (rc == 0)
			rc = each_line(root, "/proc/self/mountinfo", take_mount,
				       &h, reterr);
		if (rc < 0)
			return rc;
		one = h.found && h.mounted ? least_of(root, &h) : 0;
		if (one && (!least || one < least))
			least = one;
	}
	*ret = least;
	return 0;
}
