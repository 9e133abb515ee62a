/*
 * The folders of pins beside our own: of other network namespaces, and of other
 * versions of Weir. For inplace.c only; with bpffs_lock() held.
 */
#pragma once

#include "base/err.h"

/*
 * dir: our own. Removes the folders whose devices are all gone, as they are when
 * their namespace has ended. -EBUSY: another version of Weir diverts in our
 * namespace; both would see each frame.
 */
int inplace_dirs_check(const char *dir, struct err *reterr);
