#include "net/splice_base.h"

#include <errno.h>

#include "net/link.h"
#include "net/splice.h"

static int set_up(struct nl *in_agent, const char *name, uint32_t *ret,
		  struct err *reterr)
{
	int rc = link_index(in_agent, name, ret, reterr);

	if (rc == 0)
		rc = link_set_quiet(in_agent, *ret, reterr);
	if (rc == 0)
		rc = link_set_up(in_agent, *ret, true, reterr);
	return rc;
}

static int raise_mtu(struct nl *in_agent, const struct link_stat *l,
		     uint32_t mtu, struct err *reterr)
{
	if (l->mtu >= mtu)
		return 0;
	return link_set_mtu(in_agent, l->ifindex, mtu, reterr);
}

static int not_ours(const char *name, struct err *reterr)
{
	return err_set(reterr, EEXIST, name,
		       "is there, but is no veth of a splice's; "
		       "the agent's namespace needs the names %s and %s",
		       SPLICE_VBR, SPLICE_VTH);
}

/* Both are there: ours, each other's end, and wide enough? */
static int use(struct nl *in_agent, const struct link_stat *vbr, uint32_t mtu,
	       struct err *reterr)
{
	struct link_stat vth;
	uint32_t ifindex;
	int rc;

	if (link_get(in_agent, SPLICE_VTH, &vth, NULL) < 0 ||
	    vbr->group != SPLICE_GROUP || vbr->peer != vth.ifindex)
		return not_ours(SPLICE_VBR, reterr);
	rc = raise_mtu(in_agent, vbr, mtu, reterr);
	if (rc == 0)
		rc = raise_mtu(in_agent, &vth, mtu, reterr);
	/* an `up` that was killed may have left them down */
	if (rc == 0)
		rc = set_up(in_agent, SPLICE_VBR, &ifindex, reterr);
	if (rc == 0)
		rc = set_up(in_agent, SPLICE_VTH, &ifindex, reterr);
	return rc;
}

int base_ensure(struct nl *in_agent, uint32_t mtu, uint32_t *ret_vbr,
		bool *ret_made, struct err *reterr)
{
	struct veth_end a = { .name = SPLICE_VBR,
			      .mtu = mtu,
			      .group = SPLICE_GROUP };
	struct veth_end b = { .name = SPLICE_VTH,
			      .mtu = mtu,
			      .group = SPLICE_GROUP };
	struct link_stat vbr;
	struct err ignored; /* the first failure is told */
	uint32_t vth, made;
	int rc;

	if (link_get(in_agent, SPLICE_VBR, &vbr, NULL) == 0) {
		rc = use(in_agent, &vbr, mtu, reterr);
		if (rc == 0) {
			*ret_vbr = vbr.ifindex;
			*ret_made = false;
		}
		return rc;
	}
	if (link_index(in_agent, SPLICE_VTH, &vth, NULL) == 0)
		return not_ours(SPLICE_VTH, reterr);
	rc = link_add_veth(in_agent, &a, &b, reterr);
	if (rc < 0)
		return rc;
	rc = set_up(in_agent, SPLICE_VBR, &made, reterr);
	if (rc == 0)
		rc = set_up(in_agent, SPLICE_VTH, &vth, reterr);
	if (rc < 0) {
		(void)base_remove(in_agent, NULL, &ignored);
		return rc;
	}
	*ret_vbr = made;
	*ret_made = true;
	return 0;
}

int base_remove(struct nl *in_agent, bool *ret_removed, struct err *reterr)
{
	struct link_stat vbr;
	int rc;

	if (ret_removed)
		*ret_removed = false;
	if (link_get(in_agent, SPLICE_VBR, &vbr, NULL) < 0 ||
	    vbr.group != SPLICE_GROUP)
		return 0;
	rc = link_delete(in_agent, vbr.ifindex, reterr);
	if (rc == 0 && ret_removed)
		*ret_removed = true;
	return rc;
}
