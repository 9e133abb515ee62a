/*
 * weir fleet init: all files of a fleet that speaks through servers of NATS, made and
 * changed on one machine, from which they are carried to the others. Nothing here asks
 * an agent or a server.
 *
 *   DIR/ca.crt, ca.key                 who is a node, who is a server to nodes
 *   DIR/route-ca.crt, route-ca.key     who is a server to servers
 *   DIR/fleet.json                     what was made, for who changes it
 *   DIR/server-NAME/                   nats.conf, routes.conf, users.conf, certificates
 *   DIR/node-NAME/                     cluster.yaml, certificate
 */
#include "cli/fleet_init.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/fleet.h"

static const char help_text[] =
	"Usage: weir fleet init DIR --server NAME=HOST:PORT[:CLUSTERPORT]...\n"
	"                       --node NAME[=HOST]... [--editor NAME]...\n"
	"                       [--name weir] [--days 825] [--store DIR]\n"
	"                       [--monitor PORT]\n"
	"       weir fleet init DIR [--add NODE[=HOST]]... [--remove NODE]...\n"
	"                       [--editor NODE]... [--no-editor NODE]... "
	"[--days N]\n"
	"       weir fleet init DIR --renew NODE|SERVER... | --renew-all "
	"[--days N]\n"
	"       weir fleet init DIR --add-server "
	"NAME=HOST:PORT[:CLUSTERPORT]...\n"
	"       weir fleet init DIR --remove-server NAME\n"
	"       weir fleet init DIR --show\n"
	"\n"
	"Makes what a fleet needs: an authority, certificates, the "
	"configuration of\n"
	"nats-server for each server, and for each node its part of weir.yaml. "
	"DIR must\n"
	"not be there, or be empty; it has the authority's key, so it stays "
	"where nobody\n"
	"else can read it. Later it changes a DIR that was made so. Each time "
	"it tells\n"
	"what is to be done with the files, and in which order.\n"
	"\n"
	"      --server NAME=HOST:PORT[:CLUSTERPORT]\n"
	"                       a server, how nodes and the other servers "
	"reach it: a\n"
	"                       DNS name or an address (IPv6 in []); "
	"CLUSTERPORT, for the\n"
	"                       others, is 6222. One, or better three.\n"
	"      --node NAME[=HOST]\n"
	"                       a node, and where it is (for people)\n"
	"      --editor NAME    a node that may also change the policy, ask "
	"the others,\n"
	"                       and forget nodes\n"
	"      --name NAME      the fleet's; weir\n"
	"      --days N         how long certificates hold, 1 to 3650; 825\n"
	"      --store DIR      where servers keep what they know, in a folder "
	"of their\n"
	"                       name; /var/lib/nats\n"
	"      --monitor PORT   let each server be monitored, on 127.0.0.1\n"
	"\n"
	"      --add NODE[=HOST]\n"
	"      --remove NODE    it is let in no more, and its name is not "
	"given again\n"
	"      --no-editor NODE\n"
	"      --renew NAME     a new certificate and key, before the old one "
	"ends\n"
	"      --renew-all      of all nodes and servers\n"
	"      --add-server NAME=HOST:PORT[:CLUSTERPORT]\n"
	"      --remove-server NAME\n"
	"      --users          only what servers know of nodes, after an "
	"upgrade\n"
	"      --show           when certificates end\n"
	"  -o, --output text|json|yaml\n"
	"  -h, --help\n"
	"\n"
	"Names are 1 to 63 of a-z, 0-9 and -.\n"
	"\n"
	"Examples:\n"
	"  weir fleet init fleet --server n1=10.0.0.1:4222 --server "
	"n2=10.0.0.2:4222 \\\n"
	"    --server n3=10.0.0.3:4222 --node a --node b --editor a\n"
	"  weir fleet init fleet --add c=host-c.example\n"
	"  weir fleet init fleet --show\n";

/* --- the command line ------------------------------------------------------ */

static const struct option longs[] = {
	{ "server", required_argument, NULL, 's' },
	{ "node", required_argument, NULL, 'n' },
	{ "editor", required_argument, NULL, 'e' },
	{ "add", required_argument, NULL, 'a' },
	{ "remove", required_argument, NULL, 'r' },
	{ "no-editor", required_argument, NULL, 'E' },
	{ "renew", required_argument, NULL, 'w' },
	{ "renew-all", no_argument, NULL, 'W' },
	{ "add-server", required_argument, NULL, 'S' },
	{ "remove-server", required_argument, NULL, 'R' },
	{ "users", no_argument, NULL, 'u' },
	{ "show", no_argument, NULL, 'v' },
	{ "name", required_argument, NULL, 'N' },
	{ "days", required_argument, NULL, 'd' },
	{ "store", required_argument, NULL, 't' },
	{ "monitor", required_argument, NULL, 'm' },
	{ "output", required_argument, NULL, 'o' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* -EINVAL: no such option. */
static int take_option(struct fleet_init *in, int c, struct err *reterr)
{
	struct fleet_plan *p = in->plan;

	switch (c) {
	case 's': return fleet_plan_server(p, "--server", optarg, reterr);
	case 'S': return fleet_plan_server(p, "--add-server", optarg, reterr);
	case 'n': return fleet_plan_node(p, "--node", optarg, reterr);
	case 'a': return fleet_plan_node(p, "--add", optarg, reterr);
	case 'r': return fleet_plan_remove(p, optarg, reterr);
	case 'R': return fleet_plan_remove_server(p, optarg, reterr);
	case 'd': return fleet_plan_days(p, optarg, reterr);
	case 't': return fleet_plan_store(p, optarg, reterr);
	case 'm': return fleet_plan_monitor(p, optarg, reterr);
	case 'o': return out_set_format(&in->out, optarg, reterr);
	case 'N':
		if (fleet_name_check(optarg, "--name", reterr) < 0)
			return -EINVAL;
		(void)snprintf(p->name, sizeof p->name, "%s", optarg);
		return 0;
	case 'u':
	case 'v': return 0;
	default:
		return err_set(reterr, EINVAL, NULL,
			       "no such option, or its value is missing");
	}
}

/* What is said of who may stand behind it. */
static int take_behind(struct fleet_init *in, int c, struct err *reterr)
{
	struct fleet_plan *p = in->plan;

	switch (c) {
	case 'e': return fleet_plan_editor(p, optarg, reterr);
	case 'E': return fleet_plan_no_editor(p, optarg, reterr);
	case 'w': return fleet_plan_renew(p, optarg, reterr);
	case 'W': fleet_plan_renew_all(p); return 0;
	default: return 0;
	}
}

/* What is to be done at all. */
static int look_at(struct fleet_init *in, int c, struct err *reterr)
{
	switch (c) {
	case 'n':
	case 's':
	case 'N':
	case 't':
	case 'm': in->is_new = true; return 0;
	case 'e':
	case 'E': in->editors = in->users = true; return 0;
	case 'a':
	case 'u':
	case 'r': in->changes = in->users = true; return 0;
	case 'w':
	case 'W': in->changes = in->renews = true; return 0;
	case 'S': in->changes = in->adds_server = true; return 0;
	case 'R':
		in->changes = true;
		in->n_servers_go++;
		return 0;
	case 'v': in->changes = in->shows = true; return 0;
	case 'o':
	case '?': return take_option(in, c, reterr);
	default: return 0;
	}
}

/*
 * The line is read three times: what is to be done at all and where; then who comes
 * and goes, into a plan that may have been read from there; then what is said of those
 * that are there then.
 */
enum pass { PASS_LOOK, PASS_TAKE, PASS_BEHIND };

static int take(struct fleet_init *in, enum pass pass, int c,
		struct err *reterr)
{
	bool behind = c == 'e' || c == 'E' || c == 'w' || c == 'W';

	if (pass == PASS_LOOK)
		return look_at(in, c, reterr);
	if (pass == PASS_BEHIND)
		return take_behind(in, c, reterr);
	return behind ? 0 : take_option(in, c, reterr);
}

/* -EINVAL and the like; 1: it was --help */
static int read_line(struct fleet_init *in, enum pass pass, int argc,
		     char **argv, struct err *reterr)
{
	int c, rc = 0;

	optind = 0; /* from the beginning, whatever was read before */
	opterr = 0;
	while (rc == 0 &&
	       (c = getopt_long(argc, argv, "o:h", longs, NULL)) >= 0) {
		if (c == 'h')
			return 1;
		rc = take(in, pass, c, reterr);
		if (rc < 0 && c == '?')
			err_prefix(reterr, argv[optind - 1]);
	}
	return rc;
}

static int check_line(struct fleet_init *in, int argc, char **argv,
		      struct err *reterr)
{
	bool others = in->users || in->renews;

	if (optind + 1 != argc || !argv[optind][0])
		return err_set(reterr, EINVAL, NULL, "say one folder");
	in->dir = argv[optind];
	in->servers = in->adds_server || in->n_servers_go > 0;
	/* an editor is said of both */
	in->changes |= in->editors && !in->is_new;
	if (in->changes && in->is_new)
		return err_set(reterr, EINVAL, NULL,
			       "what makes a fleet, as --node, does not go "
			       "with what changes one, as --add");
	if (in->shows && (others || in->servers))
		return err_set(reterr, EINVAL, "--show",
			       "nothing else goes with it");
	/* each has an order of its own */
	if (in->servers && others)
		return err_set(reterr, EINVAL, NULL,
			       "servers come and go by themselves: one "
			       "thing after the other");
	if (in->n_servers_go + in->adds_server > 1)
		return err_set(reterr, EINVAL, "--remove-server",
			       "one at a time, when all others run");
	return 0;
}

/* An exit code; *reterr says what it was. The folder is locked, if it is there. */
static int run_locked(struct fleet_init *in, int argc, char **argv,
		      struct err *reterr)
{
	int rc;

	if (in->changes && fleet_plan_read(in->plan, in->dir, reterr) < 0)
		return CLI_FAILED;
	if (read_line(in, PASS_TAKE, argc, argv, reterr) < 0 ||
	    read_line(in, PASS_BEHIND, argc, argv, reterr) < 0 ||
	    fleet_plan_check(in->plan, reterr) < 0)
		return CLI_USAGE;
	if (in->shows) {
		fleet_init_show(in);
		return CLI_OK;
	}
	rc = in->changes ? fleet_init_change(in, reterr)
			 : fleet_init_make(in, reterr);
	if (rc < 0)
		return CLI_FAILED;
	fleet_init_print(in);
	return CLI_OK;
}

static int run(struct fleet_init *in, int argc, char **argv, struct err *reterr)
{
	int lock = -1, status,
	    rc = read_line(in, PASS_LOOK, argc, argv, reterr);

	if (rc > 0) {
		fputs(help_text, stdout);
		return CLI_OK;
	}
	if (rc < 0 || check_line(in, argc, argv, reterr) < 0)
		return CLI_USAGE;
	if (in->changes && !in->shows) {
		lock = fleet_files_lock(in->dir, reterr);
		if (lock < 0)
			return CLI_FAILED;
	}
	status = run_locked(in, argc, argv, reterr);
	if (lock >= 0)
		close(lock);
	return status;
}

int fleet_init(int argc, char **argv)
{
	struct fleet_init in = { .out = out_default(),
				 .plan = fleet_plan_new() };
	struct err err = { 0 };
	int status = CLI_FAILED;

	if (in.plan)
		status = run(&in, argc, argv, &err);
	else
		(void)err_set(&err, ENOMEM, NULL, "out of memory");
	if (status == CLI_USAGE)
		(void)out_usage(&in.out, "fleet init", &err);
	else if (status == CLI_FAILED)
		(void)out_error(&in.out, "fleet init", &err);
	fleet_files_done(&in.files);
	fleet_ca_done(&in.ca);
	fleet_ca_done(&in.routes);
	fleet_plan_free(in.plan);
	return status;
}
