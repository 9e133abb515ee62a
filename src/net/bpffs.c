#include "net/bpffs.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "net/netns.h"

static bool is_mounted(void)
{
	struct statfs fs;

	return statfs(BPFFS_ROOT, &fs) == 0 &&
	       (unsigned long)fs.f_type == BPF_FS_MAGIC;
}

static int ensure_mounted(struct err *reterr)
{
	if (is_mounted())
		return 0;
	if (mount("bpf", BPFFS_ROOT, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  "mode=0700") == 0)
		return 0;
	return err_set(reterr, errno, BPFFS_ROOT,
		       "is no bpf file system, and mounting one: %s",
		       strerror(errno));
}

static int ensure_dir(const char *path, struct err *reterr)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return 0;
	return err_set(reterr, errno, path, "make the folder: %s",
		       strerror(errno));
}

int bpffs_dir(const char *format, bool create, char ret[static PATH_MAX],
	      struct err *reterr)
{
	struct netns self;
	int rc = netns_open_self(&self, reterr);
	struct stat st;

	uint64_t ino = self.ino;

	if (rc < 0)
		return rc;
	netns_done(&self);
	if (create)
		rc = ensure_mounted(reterr);
	if (rc == 0 && create)
		rc = ensure_dir(BPFFS_ROOT "/weir", reterr);
	if (rc < 0)
		return rc;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)snprintf(ret, PATH_MAX, format, ino);
#pragma GCC diagnostic pop
	if (create)
		return ensure_dir(ret, reterr);
	if (!is_mounted() || stat(ret, &st) < 0)
		return err_set(reterr, ENOENT, NULL,
			       "nothing is diverted in this namespace");
	return 0;
}

void bpffs_remove_dir(const char *dir)
{
	/* somebody else's pins keep theirs; an empty folder does no harm */
	if (rmdir(dir) == 0 && rmdir(BPFFS_ROOT "/weir") < 0)
		return;
}
