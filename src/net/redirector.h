/*
 * The two ways to have the kernel mark and redirect frames, and the modes of
 * a diverted workload, by name.
 */
#pragma once

#include "base/err.h"
#include "bpf/shared.h" /* enum divert_mode */

enum redirector {
	REDIRECTOR_BPF, /* tc direct-action programs of ours */
	REDIRECTOR_U32, /* the article's cls_u32 + act_pedit + act_mirred */
	REDIRECTOR__MAX,
};

/* "bpf", "u32"; "pass", "inline". Static storage. */
const char *redirector_name(enum redirector r);
const char *divert_mode_name(enum divert_mode m);

/* By name; -EINVAL says which names there are. */
int redirector_parse(const char *name, enum redirector *ret,
		     struct err *reterr);
int divert_mode_parse(const char *name, enum divert_mode *ret,
		      struct err *reterr);
