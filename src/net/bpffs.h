/*
 * Where what we pin lives: below /sys/fs/bpf/weir, a folder for each network
 * namespace, since an ifindex means something in one only.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>

#include "base/err.h"

#define BPFFS_ROOT "/sys/fs/bpf"

/*
 * The caller's namespace's folder, *ret by `format` with its inode (uint64_t).
 * create: mounts the file system and makes the folders where they are not there;
 * else -ENOENT.
 */
int bpffs_dir(const char *format, bool create, char ret[static PATH_MAX],
	      struct err *reterr);
/* Removes the folder if nothing is in it. */
void bpffs_remove_dir(const char *dir);
