/*
 * The files of a fleet: all of a new one, or what a change makes anew. Each is written
 * beside and renamed, in the order of the list, and fleet.json is the last: who stops in
 * between does it again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/fleet_conf.h"
#include "cli/fleet_init.h"

#define PATH_BYTES 4096
#define SECRET	   0600
#define OPEN	   0644

/* --- what is written ------------------------------------------------------- */

/* Both, and the authority's certificate beside them; takes what they are. */
static int add_pair(struct fleet_init *in, struct fleet_pair *p,
		    const char *folder, const char *whose, const char *what,
		    struct err *reterr)
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

static int add_ca_cert(struct fleet_init *in, const struct fleet_ca *ca,
		       const char *folder, const char *whose, const char *what,
		       struct err *reterr)
{
	return fleet_files_add(&in->files, OPEN, fleet_ca_text(ca), reterr,
			       "%s%s/%s.crt", folder, whose, what);
}

static int add_node_pair(struct fleet_init *in, const struct fleet_node *n,
			 struct err *reterr)
{
	char user[FLEET_USER_MAX];
	struct fleet_pair pair = { 0 };
	int rc = fleet_pair_make(&in->ca, FLEET_USE_NODE, in->plan->name,
				 n->name, fleet_conf_user(in->plan, n, user),
				 in->plan->days, &pair, reterr);

	return rc < 0 ? rc
		      : add_pair(in, &pair, "node-", n->name, "/node", reterr);
}

static int add_node_conf(struct fleet_init *in, const struct fleet_node *n,
			 struct err *reterr)
{
	return fleet_files_add(&in->files, OPEN, fleet_conf_node(in->plan, n),
			       reterr, "node-%s/cluster.yaml", n->name);
}

static int add_node(struct fleet_init *in, const struct fleet_node *n,
		    struct err *reterr)
{
	int rc = add_node_pair(in, n, reterr);

	if (rc == 0)
		rc = add_ca_cert(in, &in->ca, "node-", n->name, "ca", reterr);
	return rc < 0 ? rc : add_node_conf(in, n, reterr);
}

static int add_users(struct fleet_init *in, struct err *reterr)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < in->plan->n_servers; i++)
		rc = fleet_files_add(
			&in->files, OPEN, fleet_conf_users(in->plan), reterr,
			"server-%s/users.conf", in->plan->servers[i].name);
	return rc;
}

/* Who the others are, to each; one alone has none. */
static int add_routes(struct fleet_init *in, struct err *reterr)
{
	const struct fleet_plan *p = in->plan;
	int rc = 0;

	for (size_t i = 0; rc == 0 && p->n_servers > 1 && i < p->n_servers; i++)
		rc = fleet_files_add(&in->files, OPEN, fleet_conf_routes(p, i),
				     reterr, "server-%s/routes.conf",
				     p->servers[i].name);
	return rc;
}

/* Last: who is not in it is not of the fleet yet. */
static int add_plan(struct fleet_init *in, struct err *reterr)
{
	return fleet_files_add(&in->files, OPEN, fleet_plan_write(in->plan),
			       reterr, "fleet.json");
}

static int add_server_pairs(struct fleet_init *in, const struct fleet_server *s,
			    struct err *reterr)
{
	struct fleet_pair pair = { 0 };
	int rc = fleet_pair_make(&in->ca, FLEET_USE_SERVER, in->plan->name,
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

static int add_server(struct fleet_init *in, size_t i, struct err *reterr)
{
	const struct fleet_server *s = &in->plan->servers[i];
	int rc = fleet_files_add(&in->files, OPEN,
				 fleet_conf_server(in->plan, i), reterr,
				 "server-%s/nats.conf", s->name);

	if (rc == 0)
		rc = add_ca_cert(in, &in->ca, "server-", s->name, "ca", reterr);
	if (rc == 0)
		rc = add_ca_cert(in, &in->routes, "server-", s->name,
				 "route-ca", reterr);
	return rc < 0 ? rc : add_server_pairs(in, s, reterr);
}

static int add_ca(struct fleet_init *in, struct fleet_ca *ca, const char *file,
		  const char *name, struct err *reterr)
{
	struct fleet_pair pair = { 0 };
	int rc = fleet_ca_make(ca, in->plan->name, name, &pair, reterr);

	return rc < 0 ? rc : add_pair(in, &pair, "", file, "", reterr);
}

/* --- a new fleet -------------------------------------------------------------- */

int fleet_init_make(struct fleet_init *in, struct err *reterr)
{
	struct fleet_plan *p = in->plan;
	int rc = add_ca(in, &in->ca, "ca", "Weir fleet", reterr);

	if (rc == 0)
		rc = add_ca(in, &in->routes, "route-ca", "Weir fleet routes",
			    reterr);
	for (size_t i = 0; rc == 0 && i < p->n_servers; i++)
		rc = add_server(in, i, reterr);
	for (size_t i = 0; rc == 0 && i < p->n_nodes; i++)
		rc = add_node(in, &p->nodes[i], reterr);
	if (rc == 0)
		rc = add_routes(in, reterr);
	if (rc == 0)
		rc = add_users(in, reterr);
	if (rc == 0)
		rc = add_plan(in, reterr);
	return rc < 0 ? rc : fleet_files_make(&in->files, in->dir, reterr);
}

/* --- a change of one that is there ------------------------------------------- */

/* A file of DIR, which the caller frees. */
static char *load(const struct fleet_init *in, const char *file,
		  struct err *reterr)
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

/* Those that have to sign something: a key may lie elsewhere otherwise. */
static int load_cas(struct fleet_init *in, struct err *reterr)
{
	const struct fleet_plan *p = in->plan;
	bool nodes = false, servers = false;
	int rc = 0;

	for (size_t i = 0; i < p->n_nodes; i++)
		nodes |= !p->nodes[i].made || p->nodes[i].renews;
	for (size_t i = 0; i < p->n_servers; i++)
		servers |= !p->servers[i].made || p->servers[i].renews;
	if (nodes || servers)
		rc = fleet_ca_read(&in->ca, in->dir, "ca", reterr);
	if (rc == 0 && servers)
		rc = fleet_ca_read(&in->routes, in->dir, "route-ca", reterr);
	return rc;
}

static int change_node(struct fleet_init *in, const struct fleet_node *n,
		       struct err *reterr)
{
	int rc = 0;

	if (!n->made)
		return add_node(in, n, reterr);
	if (n->renews)
		rc = add_node_pair(in, n, reterr);
	if (rc == 0 && in->servers)
		rc = add_node_conf(in, n, reterr);
	return rc;
}

/*
 * nats.conf is not written again. Of an earlier Weir it has the others itself, which
 * is told then.
 */
static int look_for_routes(const struct fleet_init *in, struct fleet_server *s,
			   struct err *reterr)
{
	char file[FLEET_PATH_MAX], *text;

	(void)snprintf(file, sizeof file, "server-%s/nats.conf", s->name);
	text = load(in, file, reterr);
	if (!text)
		return -reterr->code;
	s->routes_inside = !strstr(text, "\"routes.conf\"");
	free(text);
	return 0;
}

static int change_server(struct fleet_init *in, size_t i, struct err *reterr)
{
	struct fleet_server *s = &in->plan->servers[i];
	int rc = 0;

	if (!s->made)
		return add_server(in, i, reterr);
	if (s->renews)
		rc = add_server_pairs(in, s, reterr);
	if (rc == 0 && in->servers)
		rc = look_for_routes(in, s, reterr);
	return rc;
}

/* Those that went; what others have put there stays. */
static void remove_folders(const struct fleet_init *in)
{
	static const char *const of_node[] = { "node.key", "node.crt", "ca.crt",
					       "cluster.yaml", NULL };
	static const char *const of_server[] = { "server.key", "route.key",
						 "server.crt", "route.crt",
						 "ca.crt",     "route-ca.crt",
						 "nats.conf",  "routes.conf",
						 "users.conf", NULL };
	const struct fleet_gones *nodes = &in->plan->gone_nodes,
				 *servers = &in->plan->gone_servers;

	for (size_t i = 0; i < nodes->n; i++)
		if (nodes->at[i].now)
			fleet_files_remove(in->dir, "node-", nodes->at[i].name,
					   of_node);
	for (size_t i = 0; i < servers->n; i++)
		if (servers->at[i].now)
			fleet_files_remove(in->dir, "server-",
					   servers->at[i].name, of_server);
}

int fleet_init_change(struct fleet_init *in, struct err *reterr)
{
	struct fleet_plan *p = in->plan;
	int rc = load_cas(in, reterr);

	for (size_t i = 0; rc == 0 && i < p->n_servers; i++)
		rc = change_server(in, i, reterr);
	for (size_t i = 0; rc == 0 && i < p->n_nodes; i++)
		rc = change_node(in, &p->nodes[i], reterr);
	if (rc == 0 && in->servers)
		rc = add_routes(in, reterr);
	if (rc == 0 && (in->users || in->servers))
		rc = add_users(in, reterr);
	if (rc == 0 && (in->users || in->servers))
		rc = add_plan(in, reterr);
	if (rc == 0)
		rc = fleet_files_put(&in->files, in->dir, reterr);
	if (rc == 0)
		remove_folders(in);
	return rc;
}
