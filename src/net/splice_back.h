/*
 * Taking a splice's port away and putting the old device back. For splice*.c
 * only.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "net/splice_job.h"

/*
 * Finds out, into j->conf, what the device is to be: what the port is now; or,
 * when there is no port or an `up` was killed before it was complete, what the
 * journal says. *ret_known false: neither (somebody deleted the port).
 */
int back_recall(struct job *j, bool *ret_known, struct err *reterr);
/*
 * Makes it so. j->s tells the splice; its vex_ifindex 0 means that the device
 * is back already, unfinished. known false: it goes back without addresses.
 */
int back_put(struct job *j, bool known, struct err *reterr);
/* Takes the rules away; bears that there are none. */
void back_disconnect(struct job *j);
