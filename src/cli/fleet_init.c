/*
 * weir fleet init: all files of a fleet that speaks through servers of NATS, made on
 * one machine, from which they are carried to the others. Nothing here asks an agent
 * or a server.
 *
 *   DIR/ca.crt, ca.key                 who is a node, who is a server to nodes
 *   DIR/route-ca.crt, route-ca.key     who is a server to servers
 *   DIR/fleet.json                     what was made, for who adds a node
 *   DIR/server-NAME/                   nats.conf, users.conf, certificates
 *   DIR/node-NAME/                     cluster.yaml, certificate
 *
 * fleet.json comes last: a node that is not in it was not added yet, whatever else
 * is there.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/fleet.h"
#include "cli/fleet_conf.h"
#include "cli/fleet_files.h"
#include "cli/fleet_keys.h"
#include "cli/fleet_plan.h"
#include "cli/out.h"

#define PATH_BYTES 4096
#define SECRET	   0600
#define OPEN	   0644

static const char help_text[] =
	"Usage: weir fleet init DIR --server NAME=HOST:PORT[:CLUSTERPORT]...\n"
	"                       --node NAME[=HOST]... [--editor NAME]...\n"
	"                       [--name weir] [--days 825] [--store DIR]\n"
	"                       [--monitor PORT]\n"
	"       weir fleet init DIR --add NODE[=HOST]... [--editor NODE]... "
	"[--days 825]\n"
	"       weir fleet init DIR --users\n"
	"\n"
	"Makes what a fleet needs: an authority, certificates, the "
	"configuration of\n"
	"nats-server for each server, and for each node its part of weir.yaml. "
	"DIR must\n"
	"not be there, or be empty; it has the authority's key, so it stays "
	"where nobody\n"
	"else can read it. --add adds nodes to a DIR that was made so;\n"
	"--users only writes what servers know of nodes anew, after an "
	"upgrade.\n"
	"\n"
	"      --server NAME=HOST:PORT[:CLUSTERPORT]\n"
	"                       a server, how nodes and the other servers "
	"reach "
	"it: a\n"
	"                       DNS name or an address (IPv6 in []); "
	"CLUSTERPORT, for the\n"
	"                       others, is 6222. One, or better three.\n"
	"      --node NAME[=HOST]\n"
	"                       a node, and where it is (for people)\n"
	"      --editor NAME    a node that may also change the policy, ask "
	"the "
	"others,\n"
	"                       and forget nodes\n"
	"      --add NODE[=HOST]\n"
	"      --users\n"
	"      --name NAME      the fleet's; weir\n"
	"      --days N         how long certificates hold, 1 to 3650; 825\n"
	"      --store DIR      where servers keep what they know, in a folder "
	"of their\n"
	"                       name; /var/lib/nats\n"
	"      --monitor PORT   let each server be monitored, on 127.0.0.1\n"
	"  -o, --output text|json|yaml\n"
	"  -h, --help\n"
	"\n"
	"Names are 1 to 63 of a-z, 0-9 and -.\n"
	"\n"
	"Examples:\n"
	"  weir fleet init fleet --server n1=10.0.0.1:4222 --server "
	"n2=10.0.0.2:4222 \\\n"
	"    --server n3=10.0.0.3:4222 --node a --node b --editor a\n"
	"  weir fleet init fleet --add c=host-c.example\n";

struct init {
	struct out out;
	struct fleet_plan *plan;
	struct fleet_files files;
	struct fleet_ca ca, routes;
	const char *dir;
	bool adds; /* --add, or --users, which adds none */
	bool news; /* what only a new fleet is told */
};

/* --- what is written ------------------------------------------------------- */

/* Both, and the authority's certificate beside them; takes what they are. */
static int add_pair(struct init *in, struct fleet_pair *p, const char *folder,
		    const char *whose, const char *what, struct err *reterr)
{
	int rc = fleet_files_add(&in->files, OPEN, p->cert, reterr,
				 "%s%s%s.crt", folder, whose, what);

	p->cert = NULL;
	if (rc == 0) {
		rc = fleet_files_add(&in->files, SECRET, p->key, reterr,
				     "%s%s%s.key", folder, whose, what);
		p->key = NULL;
	}
	fleet_pair_done(p);
	return rc;
}

static int add_ca_cert(struct init *in, const struct fleet_ca *ca,
		       const char *folder, const char *whose, const char *what,
		       struct err *reterr)
{
	return fleet_files_add(&in->files, OPEN, fleet_ca_text(ca), reterr,
			       "%s%s/%s.crt", folder, whose, what);
}

static int add_node(struct init *in, const struct fleet_node *n,
		    struct err *reterr)
{
	char user[FLEET_USER_MAX];
	struct fleet_pair pair = { 0 };
	int rc = fleet_pair_make(&in->ca, FLEET_USE_NODE, in->plan->name,
				 n->name, fleet_conf_user(in->plan, n, user),
				 in->plan->days, &pair, reterr);

	if (rc == 0)
		rc = add_pair(in, &pair, "node-", n->name, "/node", reterr);
	if (rc == 0)
		rc = add_ca_cert(in, &in->ca, "node-", n->name, "ca", reterr);
	if (rc == 0)
		rc = fleet_files_add(&in->files, OPEN,
				     fleet_conf_node(in->plan, n), reterr,
				     "node-%s/cluster.yaml", n->name);
	return rc;
}

static int add_users(struct init *in, struct err *reterr)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < in->plan->n_servers; i++)
		rc = fleet_files_add(
			&in->files, OPEN, fleet_conf_users(in->plan), reterr,
			"server-%s/users.conf", in->plan->servers[i].name);
	return rc;
}

static int add_server(struct init *in, size_t i, struct err *reterr)
{
	const struct fleet_server *s = &in->plan->servers[i];
	struct fleet_pair pair = { 0 };
	int rc = fleet_files_add(&in->files, OPEN,
				 fleet_conf_server(in->plan, i), reterr,
				 "server-%s/nats.conf", s->name);

	if (rc == 0)
		rc = add_ca_cert(in, &in->ca, "server-", s->name, "ca", reterr);
	if (rc == 0)
		rc = add_ca_cert(in, &in->routes, "server-", s->name,
				 "route-ca", reterr);
	if (rc == 0)
		rc = fleet_pair_make(&in->ca, FLEET_USE_SERVER, in->plan->name,
				     s->name, s->host, in->plan->days, &pair,
				     reterr);
	if (rc == 0)
		rc = add_pair(in, &pair, "server-", s->name, "/server", reterr);
	if (rc == 0)
		rc = fleet_pair_make(&in->routes, FLEET_USE_ROUTE,
				     in->plan->name, s->name, s->host,
				     in->plan->days, &pair, reterr);
	if (rc == 0)
		rc = add_pair(in, &pair, "server-", s->name, "/route", reterr);
	return rc;
}

static int add_ca(struct init *in, struct fleet_ca *ca, const char *file,
		  const char *name, struct err *reterr)
{
	struct fleet_pair pair = { 0 };
	int rc = fleet_ca_make(ca, in->plan->name, name, &pair, reterr);

	return rc < 0 ? rc : add_pair(in, &pair, "", file, "", reterr);
}

/* All new nodes, the users of all, and last what was made. */
static int add_nodes(struct init *in, struct err *reterr)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < in->plan->n_nodes; i++)
		if (!in->plan->nodes[i].made)
			rc = add_node(in, &in->plan->nodes[i], reterr);
	if (rc == 0)
		rc = add_users(in, reterr);
	if (rc == 0)
		rc = fleet_files_add(&in->files, OPEN,
				     fleet_plan_write(in->plan), reterr,
				     "fleet.json");
	return rc;
}

/* --- a new fleet, or one more node ------------------------------------------ */

static int make(struct init *in, struct err *reterr)
{
	int rc = add_ca(in, &in->ca, "ca", "Weir fleet", reterr);

	if (rc == 0)
		rc = add_ca(in, &in->routes, "route-ca", "Weir fleet routes",
			    reterr);
	for (size_t i = 0; rc == 0 && i < in->plan->n_servers; i++)
		rc = add_server(in, i, reterr);
	if (rc == 0)
		rc = add_nodes(in, reterr);
	return rc < 0 ? rc : fleet_files_make(&in->files, in->dir, reterr);
}

/* A file of DIR, which the caller wipes and frees. */
static char *load(const struct init *in, const char *file, struct err *reterr)
{
	char path[PATH_BYTES];
	size_t len;

	if ((size_t)snprintf(path, sizeof path, "%s/%s", in->dir, file) >=
	    sizeof path) {
		(void)err_set(reterr, ENAMETOOLONG, NULL,
			      "the folder's name is too long");
		return NULL;
	}
	return file_load(path, FLEET_FILE_MAX, &len, reterr);
}

static int load_ca(struct init *in, struct err *reterr)
{
	char *cert = load(in, "ca.crt", reterr);
	char *key = cert ? load(in, "ca.key", reterr) : NULL;
	int rc = key ? fleet_ca_load(&in->ca, cert, key, reterr)
		     : -reterr->code;

	if (key)
		explicit_bzero(key, strlen(key));
	free(key);
	free(cert);
	return rc;
}

/* The lock is held from before fleet.json is read. */
static int add(struct init *in, struct err *reterr)
{
	int rc = load_ca(in, reterr);

	if (rc == 0)
		rc = add_nodes(in, reterr);
	return rc < 0 ? rc : fleet_files_put(&in->files, in->dir, reterr);
}

/* --- what is told ---------------------------------------------------------- */

static void print_json(const struct init *in)
{
	json_t *nodes = json_array(), *servers = json_array();
	json_t *o = out_json_ok();

	for (size_t i = 0; i < in->plan->n_servers; i++)
		(void)json_array_append_new(
			servers, json_string(in->plan->servers[i].name));
	for (size_t i = 0; i < in->plan->n_nodes; i++)
		if (!in->plan->nodes[i].made)
			(void)json_array_append_new(
				nodes, json_string(in->plan->nodes[i].name));
	(void)json_object_set_new(o, "dir", out_json_text(in->dir));
	(void)json_object_set_new(o, "name", json_string(in->plan->name));
	(void)json_object_set_new(o, "servers", servers);
	(void)json_object_set_new(o, in->adds ? "added" : "nodes", nodes);
	out_json(o);
}

static void print_nodes(const struct init *in)
{
	for (size_t i = 0; i < in->plan->n_nodes; i++) {
		const struct fleet_node *n = &in->plan->nodes[i];

		if (!n->made)
			printf("  %s/node-%s  to %s%s%s\n", in->dir, n->name,
			       n->host[0] ? n->host : "node ",
			       n->host[0] ? "" : n->name,
			       n->editor ? ", an editor" : "");
	}
}

static bool has_new(const struct init *in)
{
	for (size_t i = 0; i < in->plan->n_nodes; i++)
		if (!in->plan->nodes[i].made)
			return true;
	return false;
}

static void print_text(const struct init *in)
{
	if (in->adds) {
		printf("%s the fleet %s. Each server needs the new "
		       "users.conf, and then\n"
		       "nats-server --signal reload (or SIGHUP), twice; "
		       "connections stay:\n",
		       has_new(in) ? "Added to" : "Written for",
		       in->plan->name);
		for (size_t i = 0; i < in->plan->n_servers; i++)
			printf("  %s/server-%s/users.conf  to %s\n", in->dir,
			       in->plan->servers[i].name,
			       in->plan->servers[i].host);
	} else {
		printf("Made the fleet %s. To be started with nats-server -c "
		       "nats.conf, each in its\n"
		       "folder:\n",
		       in->plan->name);
		for (size_t i = 0; i < in->plan->n_servers; i++)
			printf("  %s/server-%s  to %s\n", in->dir,
			       in->plan->servers[i].name,
			       in->plan->servers[i].host);
	}
	if (!has_new(in))
		return;
	puts("To /etc/weir/fleet of each node, cluster.yaml into its "
	     "weir.yaml:");
	print_nodes(in);
	if (!in->adds && in->plan->n_servers == 2)
		puts("Of two servers both are needed; with three, one may "
		     "fail.");
}

/* --- the command line ------------------------------------------------------ */

static const struct option longs[] = {
	{ "server", required_argument, NULL, 's' },
	{ "node", required_argument, NULL, 'n' },
	{ "editor", required_argument, NULL, 'e' },
	{ "add", required_argument, NULL, 'a' },
	{ "users", no_argument, NULL, 'u' },
	{ "name", required_argument, NULL, 'N' },
	{ "days", required_argument, NULL, 'd' },
	{ "store", required_argument, NULL, 't' },
	{ "monitor", required_argument, NULL, 'm' },
	{ "output", required_argument, NULL, 'o' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* What is said once, and of no node; -EINVAL: no such option. */
static int take_option(struct init *in, int c, struct err *reterr)
{
	struct fleet_plan *p = in->plan;

	switch (c) {
	case 's': return fleet_plan_server(p, optarg, reterr);
	case 'd': return fleet_plan_days(p, optarg, reterr);
	case 't': return fleet_plan_store(p, optarg, reterr);
	case 'm': return fleet_plan_monitor(p, optarg, reterr);
	case 'o': return out_set_format(&in->out, optarg, reterr);
	case 'N':
		if (fleet_name_check(optarg, "--name", reterr) < 0)
			return -EINVAL;
		(void)snprintf(p->name, sizeof p->name, "%s", optarg);
		return 0;
	default:
		return err_set(reterr, EINVAL, NULL,
			       "no such option, or its value is missing");
	}
}

/*
 * The line is read three times: what is to be done at all and where; then all but
 * editors, into a plan that may have been read from there; then editors, which are
 * nodes that may stand behind them.
 */
enum pass { PASS_LOOK, PASS_TAKE, PASS_EDITORS };

static int take(struct init *in, enum pass pass, int c, struct err *reterr)
{
	if (pass == PASS_LOOK) {
		in->adds |= c == 'a' || c == 'u';
		in->news |= c == 'n' || c == 's' || c == 'N' || c == 't' ||
			    c == 'm';
		return c == 'o' || c == '?' ? take_option(in, c, reterr) : 0;
	}
	if (pass == PASS_EDITORS)
		return c == 'e' ? fleet_plan_editor(in->plan, optarg, reterr)
				: 0;
	if (c == 'a')
		return fleet_plan_node(in->plan, "--add", optarg, reterr);
	if (c == 'n')
		return fleet_plan_node(in->plan, "--node", optarg, reterr);
	return c == 'e' || c == 'u' ? 0 : take_option(in, c, reterr);
}

/* -EINVAL and the like; 1: it was --help */
static int read_line(struct init *in, enum pass pass, int argc, char **argv,
		     struct err *reterr)
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

static int check_line(struct init *in, int argc, char **argv,
		      struct err *reterr)
{
	if (optind + 1 != argc || !argv[optind][0])
		return err_set(reterr, EINVAL, NULL, "say one folder");
	in->dir = argv[optind];
	if (in->adds && in->news)
		return err_set(reterr, EINVAL, "--add, --users",
			       "only --editor and --days go with it");
	return 0;
}

static int check_plan(const struct init *in, struct err *reterr)
{
	if (in->plan->n_servers == 0)
		return err_set(reterr, EINVAL, NULL,
			       "say a server: --server NAME=HOST:PORT");
	if (in->plan->n_nodes == 0)
		return err_set(reterr, EINVAL, NULL, "say a node: --node NAME");
	return 0;
}

/* An exit code; *reterr says what it was. */
static int run(struct init *in, int argc, char **argv, struct err *reterr)
{
	int lock = -1, rc = read_line(in, PASS_LOOK, argc, argv, reterr);

	if (rc > 0) {
		fputs(help_text, stdout);
		return CLI_OK;
	}
	if (rc < 0 || check_line(in, argc, argv, reterr) < 0)
		return CLI_USAGE;
	if (in->adds) {
		lock = fleet_files_lock(in->dir, reterr);
		if (lock < 0 || fleet_plan_read(in->plan, in->dir, reterr) < 0)
			goto failed;
	}
	if (read_line(in, PASS_TAKE, argc, argv, reterr) < 0 ||
	    read_line(in, PASS_EDITORS, argc, argv, reterr) < 0 ||
	    check_plan(in, reterr) < 0) {
		if (lock >= 0)
			close(lock);
		return CLI_USAGE;
	}
	if ((in->adds ? add(in, reterr) : make(in, reterr)) < 0)
		goto failed;
	if (lock >= 0)
		close(lock);
	if (in->out.json)
		print_json(in);
	else
		print_text(in);
	return CLI_OK;
failed:
	if (lock >= 0)
		close(lock);
	return CLI_FAILED;
}

int fleet_init(int argc, char **argv)
{
	struct init in = { .out = out_default(), .plan = fleet_plan_new() };
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
