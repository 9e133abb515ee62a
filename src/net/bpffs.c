#include "net/bpffs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/own_netns.h"

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

static int nothing_diverted(struct err *reterr)
{
	return err_set(reterr, ENOENT, NULL,
		       "nothing is diverted in this namespace");
}

static int ensure_root(struct err *reterr)
{
	int rc = ensure_mounted(reterr);

	return rc < 0 ? rc : ensure_dir(BPFFS_WEIR, reterr);
}

int bpffs_dir(const char *format, bool create, char ret[static PATH_MAX],
	      struct err *reterr)
{
	struct stat st;
	uint64_t id;
	int rc = own_netns_id(&id, reterr);

	if (rc == 0 && create)
		rc = ensure_root(reterr);
	if (rc < 0)
		return rc;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)snprintf(ret, PATH_MAX, format, id);
#pragma GCC diagnostic pop
	if (create)
		return ensure_dir(ret, reterr);
	if (!is_mounted() || stat(ret, &st) < 0)
		return nothing_diverted(reterr);
	return 0;
}

void bpffs_remove_dir(const char *dir)
{
	/* somebody else's pins keep theirs; an empty folder does no harm */
	if (rmdir(dir) == 0 && rmdir(BPFFS_WEIR) < 0)
		return;
}

/* Is what fd is open on still at the path? Its last user may have removed it. */
static bool is_at_root(int fd)
{
	struct stat here, there;

	return fstat(fd, &here) == 0 && stat(BPFFS_WEIR, &there) == 0 &&
	       here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

int bpffs_lock(bool create, struct err *reterr)
{
	int fd, rc;

	for (;;) {
		rc = create ? ensure_root(reterr) : 0;
		if (rc < 0)
			return rc;
		fd = open(BPFFS_WEIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT && create)
			continue;
		if (fd < 0 && errno == ENOENT)
			return nothing_diverted(reterr);
		if (fd < 0)
			return err_set(reterr, errno, BPFFS_WEIR, "open: %s",
				       strerror(errno));
		if (flock(fd, LOCK_EX) < 0) {
			rc = err_set(reterr, errno, BPFFS_WEIR, "lock: %s",
				     strerror(errno));
			close(fd);
			return rc;
		}
		if (is_at_root(fd))
			return fd;
		close(fd);
	}
}
