#include "net/splice_job.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>

void job_done(struct job *j)
{
	divert_free(j->divert);
	ifconf_done(&j->conf);
	nl_free(j->in_workload);
	nl_free(j->in_agent);
	netns_done(&j->workload);
	netns_done(&j->agent);
}

int job_open(struct job *j, const char *workload, const char *agent,
	     struct err *reterr)
{
	int rc;

	*j = (struct job){ .workload.fd = -1, .agent.fd = -1 };
	rc = netns_open(agent, &j->agent, reterr);
	if (rc == 0)
		rc = nl_open(&j->agent, &j->in_agent, reterr);
	if (rc == 0 && workload)
		rc = netns_open(workload, &j->workload, reterr);
	if (rc == 0 && workload)
		rc = nl_open(&j->workload, &j->in_workload, reterr);
	if (rc == 0 && workload && netns_equal(&j->workload, &j->agent))
		rc = err_set(reterr, EINVAL, "--agent",
			     "workload and agent are the same namespace");
	if (rc < 0)
		job_done(j);
	return rc;
}

static int lock_one(const struct netns *ns, struct err *reterr)
{
	if (ns->fd < 0 || flock(ns->fd, LOCK_EX) == 0)
		return 0;
	if (errno == EINTR)
		return err_set(reterr, EINTR, NULL, "stopped");
	return err_set(reterr, errno, NULL, "lock %s: %s", ns->path,
		       strerror(errno));
}

int job_lock(const struct job *j, struct err *reterr)
{
	/* always in the same order, whichever is the agent of whom */
	bool agent_first = j->agent.ino < j->workload.ino;
	int rc = lock_one(agent_first ? &j->agent : &j->workload, reterr);

	return rc < 0 ? rc
		      : lock_one(agent_first ? &j->workload : &j->agent,
				 reterr);
}

struct divert_endpoint job_endpoint(const struct job *j)
{
	struct divert_endpoint ep = { .vex = j->s.vex_ifindex,
				      .vin = j->s.vin_ifindex,
				      .vbr = j->vbr,
				      .mode = j->s.mode };

	memcpy(ep.mac, j->s.mac.b, sizeof ep.mac);
	memcpy(ep.mark, j->s.ucmac.b, sizeof ep.mark);
	return ep;
}
