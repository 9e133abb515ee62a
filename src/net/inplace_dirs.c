/*
 * A folder's name is LAYOUT-NAMESPACE (bpf/inplace.h). That of a namespace which
 * has ended is known by its links: the kernel parts them from devices that go.
 * Where clsact filters are used instead there are none, and so nothing that
 * tells: such a folder stays, and means nothing to anybody.
 */
#include "net/inplace_dirs.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "net/bpffs.h"
#include "net/hook.h"
#include "net/inplace_progs.h"

/* What all layouts' names begin with. */
#define ANY_LAYOUT "inplace"

struct links {
	int dead, alive;
};

static int for_each_pin(const char *dir,
			void (*fn)(const char *pin, const char *name,
				   struct links *arg),
			struct links *arg)
{
	char pin[INPLACE_PIN_MAX];
	DIR *d = opendir(dir);
	struct dirent *e;

	if (!d)
		return -errno;
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(pin, sizeof pin, "%s/%.63s", dir, e->d_name);
		fn(pin, e->d_name, arg);
	}
	(void)closedir(d); /* it was only read */
	return 0;
}

static void count_link(const char *pin, const char *name, struct links *n)
{
	if (strncmp(name, "link_", 5) != 0)
		return;
	if (hook_pin_is_dead(pin))
		n->dead++;
	else
		n->alive++;
}

static void remove_pin(const char *pin, const char *name, struct links *unused)
{
	(void)unlink(pin); /* or the next one tries */
}

/* Of the same namespace as ours, but another layout? */
static bool is_our_namespace(const char *ours, const char *name)
{
	const char *a = strrchr(ours, '-'), *b = strrchr(name, '-');

	return a && b && strcmp(a, b) == 0;
}

static int check(const char *ours, const char *name, struct err *reterr)
{
	struct links n = { 0, 0 };
	char dir[PATH_MAX];

	(void)snprintf(dir, sizeof dir, BPFFS_WEIR "/%s", name);
	if (strcmp(dir, ours) == 0 || for_each_pin(dir, count_link, &n) < 0)
		return 0;
	if (n.dead > 0 && n.alive == 0) {
		(void)for_each_pin(dir, remove_pin, &n);
		bpffs_remove_dir(dir);
	} else if (is_our_namespace(ours, name)) {
		return err_set(reterr, EBUSY, dir,
			       "another version of Weir diverts in this "
			       "namespace; release all with it first");
	}
	return 0;
}

int inplace_dirs_check(const char *dir, struct err *reterr)
{
	DIR *d = opendir(BPFFS_WEIR);
	struct dirent *e;
	int rc = 0;

	if (!d)
		return err_set(reterr, errno, BPFFS_WEIR, "list: %s",
			       strerror(errno));
	while (rc == 0 && (e = readdir(d)) != NULL)
		if (strncmp(e->d_name, ANY_LAYOUT, strlen(ANY_LAYOUT)) == 0)
			rc = check(dir, e->d_name, reterr);
	(void)closedir(d); /* it was only read */
	return rc;
}
