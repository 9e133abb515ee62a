#include "dp/opener_deaf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "ring/deaf.h"

static void remove_at(struct deaf_list *d, size_t i)
{
	struct err err;

	if (ring_deafen(d->list[i].ifindex, false, &err) < 0)
		log_warn("opener: interface stays deaf, ignoring: %s iface=%s",
			 err.text, d->list[i].iface);
	d->list[i] = d->list[--d->n];
}

void deaf_remove(struct deaf_list *d, const char *iface)
{
	for (size_t i = 0; i < d->n; i++)
		if (strcmp(d->list[i].iface, iface) == 0) {
			remove_at(d, i);
			return;
		}
}

void deaf_remove_all(struct deaf_list *d)
{
	while (d->n)
		remove_at(d, d->n - 1);
}

int deaf_add(struct deaf_list *d, const char *iface, struct err *reterr)
{
	unsigned ifindex = if_nametoindex(iface);
	struct deaf *one;
	int rc;

	if (ifindex == 0)
		return err_set(reterr, ENODEV, NULL, "no interface %s", iface);
	deaf_remove(d, iface);
	if (d->n == WORKER_PORTS_MAX)
		return err_set(reterr, ENOSPC, NULL, "too many interfaces");
	rc = ring_deafen(ifindex, true, reterr);
	if (rc < 0)
		return rc;
	one = &d->list[d->n++];
	one->ifindex = ifindex;
	/* the kernel has one of that name, so it fits */
	(void)snprintf(one->iface, sizeof one->iface, "%s", iface);
	return 0;
}
