/*
 * The record stays in the device's alias until it is complete, and the journal
 * until after that. So whatever moment this is killed in, one of these is true,
 * and the next `down` goes on from there:
 *
 *   record on vex, port there       nothing has happened but for the rules
 *   record on vex, no port          the journal knows what the device was
 *   record on the device, no vex    the same; it is back, but not complete
 *   no record                       done; the journal is forgotten litter
 */
#include "net/splice_back.h"

#include <errno.h>
#include <string.h>

#include "net/journal.h"
#include "net/link.h"
#include "net/tc_u32.h"

void back_disconnect(struct job *j)
{
	struct divert_endpoint ep = job_endpoint(j);
	struct err ignored; /* rules that are not there need not go */
	struct divert *d;

	if (j->vbr == 0)
		return;
	if (j->s.redirector == REDIRECTOR_U32) {
		(void)u32_del(j->in_agent, &ep, &ignored);
		return;
	}
	if (divert_open(&j->agent, j->vbr, false, &d, &ignored) < 0)
		return;
	(void)divert_del(d, &ep, &ignored);
	divert_free(d);
}

/* Is the workload's device the other end of our vin? */
static bool has_new_port(struct job *j, uint32_t *ret_ifindex)
{
	struct link_stat port, vin;

	if (link_get(j->in_workload, j->s.dev, &port, NULL) < 0 ||
	    link_get(j->in_agent, j->s.vin, &vin, NULL) < 0 ||
	    strcmp(port.kind, "veth") != 0 || vin.peer != port.ifindex ||
	    port.peer != vin.ifindex)
		return false;
	*ret_ifindex = port.ifindex;
	return true;
}

/* The record stays in its alias until all is done. ifindex 0: any. */
static int move_back_as(struct job *j, uint32_t ifindex, struct err *reterr)
{
	_Alignas(struct nlmsghdr) char req[NL_REQUEST_MAX];
	struct link_move move = { .ifindex = j->s.vex_ifindex,
				  .to = &j->workload,
				  .name = j->s.dev,
				  .new_ifindex = ifindex };

	link_build_move(req, &move);
	return nl_ask(j->in_agent, (struct nlmsghdr *)(void *)req,
		      "move the device back", reterr);
}

static int move_back(struct job *j, struct err *reterr)
{
	int rc = move_back_as(j, j->s.dev_ifindex, reterr);

	/* its number was given to another device meanwhile */
	if (rc == -EBUSY || rc == -EEXIST)
		rc = move_back_as(j, 0, reterr);
	return rc;
}

/* The moved device, back in place, becomes what conf says. */
static int reconfigure(struct job *j, struct err *reterr)
{
	struct nl_batch b = { 0 };
	uint32_t ifindex;
	int rc = link_index(j->in_workload, j->s.dev, &ifindex, reterr);

	if (rc < 0)
		return rc;
	ifconf_retarget(&j->conf, ifindex);
	rc = ifconf_put(&j->conf, &b);
	if (rc < 0)
		rc = err_set(reterr, -rc, NULL, "restore the device: %s",
			     strerror(-rc));
	else
		rc = ifconf_send(j->in_workload, &b, "restore the device",
				 reterr);
	nl_batch_done(&b);
	if (rc == 0)
		rc = ifconf_settle(&j->workload, j->in_workload, &j->conf,
				   reterr);
	if (rc == 0)
		rc = link_set_alias(j->in_workload, ifindex, j->conf.link.alias,
				    reterr);
	return rc;
}

int back_recall(struct job *j, bool *ret_known, struct err *reterr)
{
	bool unsettled = false;
	uint32_t port;
	bool has_port = has_new_port(j, &port);
	int rc = journal_read(j->workload.ino, j->s.dev_ifindex, &j->conf,
			      &unsettled, reterr);

	*ret_known = true;
	/* a namespace's number may have been somebody else's before */
	if (rc == 0 && !mac_equal(j->conf.link.mac, j->s.mac)) {
		ifconf_done(&j->conf);
		rc = -ENOENT;
	}
	if (rc == 0 && (unsettled || !has_port))
		return 0;
	if (rc == 0)
		ifconf_done(&j->conf);
	if (!has_port) {
		*ret_known = false;
		return rc == -ENOENT ? 0 : rc;
	}
	rc = ifconf_read(&j->workload, j->in_workload, j->s.dev, &j->conf,
			 reterr);
	if (rc == 0)
		rc = journal_write(j->workload.ino, &j->conf, false, reterr);
	return rc;
}

static int forget_record(struct job *j, struct err *reterr)
{
	uint32_t ifindex;
	int rc = link_index(j->in_workload, j->s.dev, &ifindex, reterr);

	return rc < 0 ? rc
		      : link_set_alias(j->in_workload, ifindex, "", reterr);
}

int back_put(struct job *j, bool known, struct err *reterr)
{
	uint32_t port;
	bool has_port = has_new_port(j, &port);
	int rc = 0;

	if (j->s.vex_ifindex != 0 && !has_port &&
	    link_index(j->in_workload, j->s.dev, &port, NULL) == 0)
		return err_set(reterr, EEXIST, "--dev",
			       "%s is another device now; rename that first",
			       j->s.dev);
	back_disconnect(j);
	if (j->s.vex_ifindex != 0) {
		if (has_port)
			rc = link_delete(j->in_workload, port, reterr);
		if (rc == 0)
			rc = move_back(j, reterr);
	}
	if (rc == 0 && known)
		rc = reconfigure(j, reterr);
	if (rc == 0 && !known)
		rc = forget_record(j, reterr);
	if (rc == 0)
		journal_remove(j->workload.ino, j->s.dev_ifindex);
	return rc;
}
