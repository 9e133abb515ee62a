/*
 * A try makes devices like those of a splice (with invented MACs) in a
 * namespace of its own and puts the real rules on them. The namespace is gone
 * when the last socket in it is closed, with all that is in it.
 */
#include "net/probe.h"

#include <errno.h>

#include "base/bug.h"
#include "net/divert.h"
#include "net/link.h"
#include "net/netns.h"
#include "net/nl.h"
#include "net/tc_u32.h"

/* Locally administered, unicast. */
#define TRY_MAC                        \
	{                              \
		0x02, 0, 0, 0, 0, 0x01 \
	}
#define TRY_MARK                                \
	{                                       \
		0x4e, 0x65, 0x75, 0x56, 0, 0x01 \
	}

static int add_pair(struct nl *nl, const char *a, const char *b,
		    uint32_t *ret_a, uint32_t *ret_b, struct err *reterr)
{
	struct veth_end one = { .name = a }, other = { .name = b };
	int rc = link_add_veth(nl, &one, &other, reterr);

	if (rc == 0)
		rc = link_index(nl, a, ret_a, reterr);
	if (rc == 0)
		rc = link_index(nl, b, ret_b, reterr);
	return rc;
}

static int try_bpf(struct nl *nl, struct err *reterr)
{
	uint32_t vbr = 0, vth = 0;
	int rc = add_pair(nl, "vbr", "vth", &vbr, &vth, reterr);

	return rc < 0 ? rc : divert_try(vbr, reterr);
}

static int try_u32(struct nl *nl, struct err *reterr)
{
	struct divert_endpoint ep = { .mac = TRY_MAC,
				      .mark = TRY_MARK,
				      .mode = DIVERT_INLINE };
	uint32_t vth;
	int rc = add_pair(nl, "vbr", "vth", &ep.vbr, &vth, reterr);

	if (rc == 0)
		rc = add_pair(nl, "vex", "vin", &ep.vex, &ep.vin, reterr);
	return rc < 0 ? rc : u32_add(nl, &ep, reterr);
}

static int try_inside(void *arg, struct err *reterr)
{
	const enum redirector *r = arg;
	struct nl *nl;
	int rc = nl_open(NULL, &nl, reterr);

	if (rc < 0)
		return rc;
	rc = *r == REDIRECTOR_BPF ? try_bpf(nl, reterr) : try_u32(nl, reterr);
	nl_free(nl);
	return rc;
}

int probe_redirector(enum redirector r, struct err *reterr)
{
	BUG_ON((unsigned)r >= REDIRECTOR__MAX);
	return netns_call_scratch(try_inside, &r, reterr);
}

int probe_best(enum redirector *ret, struct err *reterr)
{
	struct err bpf, u32;

	if (probe_redirector(REDIRECTOR_BPF, &bpf) == 0) {
		*ret = REDIRECTOR_BPF;
		return 0;
	}
	if (probe_redirector(REDIRECTOR_U32, &u32) == 0) {
		*ret = REDIRECTOR_U32;
		return 0;
	}
	return err_set(reterr, EOPNOTSUPP, NULL, "bpf: %.90s; u32: %.90s",
		       bpf.text, u32.text);
}
