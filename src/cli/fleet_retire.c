/*
 * weir fleet retire: the last step of a server that is removed (weir fleet init
 * --remove-server). It runs where the authority's key is, since what may do so is a
 * certificate that is made for this, in memory, and that holds for a day.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/fleet.h"
#include "cli/fleet_conf.h"
#include "cli/fleet_keys.h"
#include "cli/fleet_plan.h"
#include "cli/out.h"
#include "fleet/retire.h"

#define URL_MAX (FLEET_HOST_MAX + 32)

static const char help_text[] =
	"Usage: weir fleet retire DIR SERVER [-o text|json|yaml]\n"
	"\n"
	"A server that was removed with weir fleet init DIR --remove-server "
	"SERVER, and "
	"has\n"
	"ended: the others count it no more, and keep its share from then on. "
	"Returns when\n"
	"they have it. It asks the servers of DIR, with a certificate that it "
	"makes "
	"for that.\n"
	"Done again it says the same.\n";

struct retire {
	struct out out;
	struct fleet_plan *plan;
	struct fleet_ca ca;
	struct fleet_pair pair;
	char urls[FLEET_MADE_SERVERS_MAX][URL_MAX];
};

static int read_dir(struct retire *r, const char *dir, const char *server,
		    struct err *reterr)
{
	char user[FLEET_USER_MAX];
	int rc = fleet_plan_read(r->plan, dir, reterr);

	if (rc == 0 && !fleet_gone_has(&r->plan->gone_servers, server))
		rc = err_set(reterr, ENOENT, NULL,
			     "%.64s is none that was removed: first weir fleet "
			     "init %s --remove-server",
			     server, dir);
	if (rc == 0)
		rc = fleet_ca_read(&r->ca, dir, "ca", reterr);
	if (rc == 0)
		rc = fleet_pair_make(&r->ca, FLEET_USE_NODE, r->plan->name,
				     "servers", fleet_conf_admin(r->plan, user),
				     1, &r->pair, reterr);
	return rc;
}

static int retire(struct retire *r, const char *server, struct err *reterr)
{
	struct fleet_admin admin = { .n_servers = r->plan->n_servers,
				     .cert = r->pair.cert,
				     .key = r->pair.key };
	char *ca = fleet_ca_text(&r->ca);
	int rc;

	if (!ca)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	admin.ca = ca;
	for (size_t i = 0; i < admin.n_servers; i++) {
		const struct fleet_server *s = &r->plan->servers[i];
		bool v6 = strchr(s->host, ':');

		(void)snprintf(r->urls[i], URL_MAX, "tls://%s%s%s:%u",
			       v6 ? "[" : "", s->host, v6 ? "]" : "", s->port);
		admin.servers[i] = r->urls[i];
	}
	rc = fleet_retire(&admin, server, reterr);
	free(ca);
	return rc;
}

/* An exit code; *reterr says what it was. */
static int run(struct retire *r, int argc, char **argv, struct err *reterr)
{
	static const struct option longs[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *server;
	int c;

	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, "o:h", longs, NULL)) >= 0)
		switch (c) {
		case 'h': fputs(help_text, stdout); return CLI_OK;
		case 'o':
			if (out_set_format(&r->out, optarg, reterr) < 0)
				return CLI_USAGE;
			break;
		default:
			(void)err_set(reterr, EINVAL, argv[optind - 1],
				      "no such option");
			return CLI_USAGE;
		}
	if (optind + 2 != argc) {
		(void)err_set(reterr, EINVAL, NULL,
			      "say the folder and one server");
		return CLI_USAGE;
	}
	server = argv[optind + 1];
	if (read_dir(r, argv[optind], server, reterr) < 0 ||
	    retire(r, server, reterr) < 0)
		return CLI_FAILED;
	if (r->out.json)
		out_json(out_json_ok());
	else
		printf("%s counts no more; the others keep what there is\n",
		       server);
	return CLI_OK;
}

int fleet_retire_server(int argc, char **argv)
{
	struct retire r = { .out = out_default(), .plan = fleet_plan_new() };
	struct err err = { 0 };
	int status = CLI_FAILED;

	if (r.plan)
		status = run(&r, argc, argv, &err);
	else
		(void)err_set(&err, ENOMEM, NULL, "out of memory");
	if (status == CLI_USAGE)
		(void)out_usage(&r.out, "fleet retire", &err);
	else if (status == CLI_FAILED)
		(void)out_error(&r.out, "fleet retire", &err);
	fleet_pair_done(&r.pair);
	fleet_ca_done(&r.ca);
	fleet_plan_free(r.plan);
	return status;
}
