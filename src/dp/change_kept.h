/*
 * The `change` parts of handlers.c's table for messages whose effect is kept
 * beside the snapshot (kept.h). Each: 0 or -errno with *reterr, and nothing is
 * changed then.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "dp/control.h"
#include "wire/ctrl.h"

/* CFG_MAC: tap in the snapshot, apps beside it. */
int change_cfg_mac(struct control *ctl, struct ctrl_msg *m, bool strict,
		   struct err *reterr);
int change_cfg_dlp(struct control *ctl, struct ctrl_msg *m, bool strict,
		   struct err *reterr);
int change_cfg_dlpmac(struct control *ctl, struct ctrl_msg *m, bool strict,
		      struct err *reterr);
int change_bld_dlp(struct control *ctl, struct ctrl_msg *m, bool strict,
		   struct err *reterr);
int change_bld_dlpmac(struct control *ctl, struct ctrl_msg *m, bool strict,
		      struct err *reterr);
/*
 * What workers have seen to speak on listening ports goes into the maps; every
 * 2 s, also when it is called more often.
 */
void change_ports_seen(struct control *ctl, usec_t now);
