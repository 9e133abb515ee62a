/*
 * What a workload's port was, kept in a file while no device carries it: from
 * before a port is exchanged until its successor has all of it. A splice that
 * was killed in between is finished with it. For splice*.c only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "net/ifconf.h"

#define JOURNAL_DIR "/run/weir"

/*
 * Writes it for device c->link.ifindex of the namespace with that inode, in
 * place of an older one; whole or not at all. `unsettled`: a port that is
 * there meanwhile is not yet what c says (`up`), so c counts, not the port.
 */
int journal_write(uint64_t ns_ino, const struct ifconf_state *c, bool unsettled,
		  struct err *reterr);
/*
 * -ENOENT: there is none. -EBADMSG: what is there was not written by this
 * version of Weir as this user. *ret is for ifconf_done.
 */
int journal_read(uint64_t ns_ino, uint32_t ifindex, struct ifconf_state *ret,
		 bool *ret_unsettled, struct err *reterr);
void journal_remove(uint64_t ns_ino, uint32_t ifindex);
