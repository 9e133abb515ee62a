#include "dp/workers.h"

#include <errno.h>
#include <sys/random.h>

#include "base/spread.h"

static int start_one(struct workers *ws, const struct workers_options *opt,
		     struct err *reterr)
{
	struct inspect_options in_opt = {
		.pools = opt->pools,
		.workers = opt->n,
		.number = ws->n,
		.breadth = true,
		.detection = true,
	};
	struct worker_options w_opt = {
		.lost_fd = opt->lost_fd,
		.pulse = ws->pulse,
		.number = ws->n,
		.heartbeat = ws->n == 0 ? opt->heartbeat : NULL,
	};
	struct inspect *in;

	if (getrandom(&in_opt.seed, sizeof in_opt.seed, 0) !=
	    sizeof in_opt.seed)
		return err_set(reterr, EIO, NULL, "no random numbers");
	in = inspect_new(&in_opt);
	if (!in)
		return err_set(reterr, ENOMEM, "--flows",
			       "out of memory for %u flows",
			       opt->pools->n[POOL_FLOWS]);
	ws->at[ws->n] = worker_start(in, &w_opt, reterr);
	if (!ws->at[ws->n])
		return -EAGAIN;
	ws->n++;
	return 0;
}

int workers_start(struct workers *ws, const struct workers_options *opt,
		  struct err *reterr)
{
	*ws = (struct workers){ .pulse = opt->pulse };
	if (!ws->pulse)
		ws->pulse = &ws->own;
	pulse_begin(ws->pulse, opt->n);
	while (ws->n < opt->n) {
		int rc = start_one(ws, opt, reterr);

		if (rc < 0) {
			workers_stop(ws);
			return rc;
		}
	}
	return 0;
}

void workers_stop(struct workers *ws)
{
	while (ws->n)
		worker_stop(ws->at[--ws->n]);
}

unsigned workers_of(const struct workers *ws, const struct endpoint *e)
{
	return spread_workload(e->mac, e->ucmac, ws->n);
}

void workers_ask(const struct workers *ws,
		 void (*fn)(struct worker_view *, void *), void *arg)
{
	for (unsigned i = 0; i < ws->n; i++)
		worker_ask(ws->at[i], fn, arg);
}
