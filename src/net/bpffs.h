/*
 * Where what we pin lives: below /sys/fs/bpf/weir, a folder for each network
 * namespace, since an ifindex means something in one only.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>

#include "base/err.h"

#define BPFFS_ROOT "/sys/fs/bpf"
#define BPFFS_WEIR BPFFS_ROOT "/weir"

/*
 * The caller's namespace's folder, *ret by `format` with own_netns_id().
 * create: mounts the file system and makes the folders where they are not there;
 * else -ENOENT.
 */
int bpffs_dir(const char *format, bool create, char ret[static PATH_MAX],
	      struct err *reterr);
/* Removes the folder if nothing is in it. */
void bpffs_remove_dir(const char *dir);
/*
 * Waits until nobody else, in whatever namespace, changes anything there: what
 * is read, decided and written then goes together. Returns a descriptor, to be
 * closed when done; -ENOENT: nothing of ours is pinned, and `create` was not
 * said.
 */
int bpffs_lock(bool create, struct err *reterr);
