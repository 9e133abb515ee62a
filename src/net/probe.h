/*
 * What can this kernel do? Found out by doing it, in a new empty network
 * namespace that dies with the try - never from a version.
 */
#pragma once

#include "base/err.h"
#include "net/redirector.h"

/*
 * Can this kernel run the redirector (REDIRECTOR_BPF: clsact and a
 * direct-action program; REDIRECTOR_U32: cls_u32, act_pedit, act_mirred)?
 * 0, or -errno with what is missing in the kernel's words in *reterr.
 */
int probe_redirector(enum redirector r, struct err *reterr);

/* The best one that works: bpf before u32. -EOPNOTSUPP says why for both. */
int probe_best(enum redirector *ret, struct err *reterr);
