/*
 * The per-device sysctls of IPv4, IPv6 and their neighbour tables, which die
 * with a device and start from the "default" set with a new one.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "net/netns.h"

struct ifsysctl {
	char dir[16];	/* "ipv4/conf" */
	char name[64];	/* "rp_filter" */
	char value[96]; /* as read, without the newline */
};

/*
 * Those of device dev (in ns) that differ from the default, or all where there
 * is no default, in *ret, the caller's to free(). An unreadable one does not
 * count.
 */
int ifsysctl_read(const struct netns *ns, const char *dev,
		  struct ifsysctl **ret, size_t *ret_count, struct err *reterr);
int ifsysctl_write(const struct netns *ns, const char *dev,
		   const struct ifsysctl *list, size_t count,
		   struct err *reterr);
