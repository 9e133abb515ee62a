/*
 * Names with the addresses the agent gave them (ctrl_cfg_set_fqdn): kept until
 * they are deleted. What names gain from DNS answers is the worker's
 * (inspect/learned.h). Control thread only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "base/err.h"
#include "wire/ctrl.h"

struct fqdn_entry {
	char *name; /* lower case */
	bool vhost;
	struct ip_addr *ips; /* each once */
	size_t n_ips;	     /* 0..FQDN_IPS_MAX */
};

struct fqdns;

/* NULL: out of memory. */
struct fqdns *fqdns_new(void);
/* NULL: out of memory. */
struct fqdns *fqdns_copy(const struct fqdns *f);
/* NULL is accepted. */
void fqdns_free(struct fqdns *f);

/*
 * CFG_SET_FQDN: adds its addresses to the name's. -E2BIG or -ENOMEM with
 * *reterr, and nothing is changed.
 */
int fqdns_set(struct fqdns *f, const struct ctrl_msg *m, struct err *reterr);
/* CFG_DEL_FQDN: are all names there? -ENOENT and *reterr. */
int fqdns_check(const struct fqdns *f, const struct ctrl_msg *m,
		struct err *reterr);
/* CFG_DEL_FQDN; how many of the names there were. */
size_t fqdns_del(struct fqdns *f, const struct ctrl_msg *m);

/* All names, in the order they came; borrowed until the next change. */
const struct fqdn_entry *fqdns_all(const struct fqdns *f, size_t *ret_n);
