/*
 * The bpf redirector: loads bpf/divert.bpf.c, attaches it, and edits its maps.
 *
 * One set of programs and maps serves an agent namespace. It is found again by
 * the program on vbr, so any process can go on where another has stopped.
 * Needs CAP_BPF and CAP_NET_ADMIN. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "bpf/shared.h"
#include "net/netns.h"

struct divert;

/*
 * The set that is attached to vbr in ns; when there is none: loads one (create)
 * or -ENOENT. -EPROTO: what is there is of another version of Weir.
 */
int divert_open(const struct netns *ns, uint32_t vbr, bool create,
		struct divert **ret, struct err *reterr);
/* Closes descriptors; what is attached stays. NULL is accepted. */
void divert_free(struct divert *d);

/*
 * Puts the endpoint into the maps and the programs on its vex, vin and, if
 * they are not there yet, on vbr. Undoes itself.
 */
int divert_add(struct divert *d, const struct divert_endpoint *ep,
	       struct err *reterr);
/*
 * Takes the endpoint out of the maps. The programs go with their devices;
 * from a device that stays (vex) they are taken off. Bears what is not there.
 */
int divert_del(struct divert *d, const struct divert_endpoint *ep,
	       struct err *reterr);
/* One map write. -ENOENT: no such endpoint. */
int divert_set_mode(struct divert *d, uint32_t vex, enum divert_mode mode,
		    struct err *reterr);
/* -ENOENT: no such endpoint. ret_counts may be NULL. */
int divert_get(struct divert *d, uint32_t vex, struct divert_endpoint *ret,
	       struct divert_counts *ret_counts, struct err *reterr);

/* Can a set be loaded and attached to a device in the caller's namespace? */
int divert_try(uint32_t ifindex, struct err *reterr);
