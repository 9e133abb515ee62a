/*
 * What was made, and what is to be done with it, in an order in which no connection and
 * no message is lost (docs/fleet.md).
 */
#include <stdio.h>
#include <time.h>

#include "cli/fleet_init.h"
#include "fleet/cert.h"

/* --- as JSON ---------------------------------------------------------------- */

static json_t *goers_json(const struct fleet_gones *g)
{
	json_t *all = json_array();

	for (size_t i = 0; i < g->n; i++)
		if (g->at[i].now)
			(void)json_array_append_new(all,
						    json_string(g->at[i].name));
	return all;
}

static void servers_json(const struct fleet_plan *p, json_t *o)
{
	json_t *all = json_array(), *added = json_array(),
	       *renewed = json_array();

	for (size_t i = 0; i < p->n_servers; i++) {
		const struct fleet_server *s = &p->servers[i];

		(void)json_array_append_new(all, json_string(s->name));
		if (!s->made)
			(void)json_array_append_new(added,
						    json_string(s->name));
		if (s->renews)
			(void)json_array_append_new(renewed,
						    json_string(s->name));
	}
	(void)json_object_set_new(o, "servers", all);
	if (p->kept_days) {
		(void)json_object_set_new(o, "added_servers", added);
		(void)json_object_set_new(o, "removed_servers",
					  goers_json(&p->gone_servers));
		(void)json_object_set_new(o, "renewed_servers", renewed);
		return;
	}
	json_decref(added);
	json_decref(renewed);
}

static void nodes_json(const struct fleet_plan *p, json_t *o)
{
	json_t *added = json_array(), *renewed = json_array(),
	       *editors = json_array();

	for (size_t i = 0; i < p->n_nodes; i++) {
		const struct fleet_node *n = &p->nodes[i];

		if (!n->made)
			(void)json_array_append_new(added,
						    json_string(n->name));
		if (n->renews)
			(void)json_array_append_new(renewed,
						    json_string(n->name));
		if (n->editor)
			(void)json_array_append_new(editors,
						    json_string(n->name));
	}
	(void)json_object_set_new(o, p->kept_days ? "added" : "nodes", added);
	(void)json_object_set_new(o, "editors", editors);
	if (p->kept_days) {
		(void)json_object_set_new(o, "removed",
					  goers_json(&p->gone_nodes));
		(void)json_object_set_new(o, "renewed", renewed);
		return;
	}
	json_decref(renewed);
}

static void print_json(const struct fleet_init *in)
{
	json_t *o = out_json_ok();

	(void)json_object_set_new(o, "dir", out_json_text(in->dir));
	(void)json_object_set_new(o, "name", json_string(in->plan->name));
	servers_json(in->plan, o);
	nodes_json(in->plan, o);
	out_json(o);
}

/* --- in words --------------------------------------------------------------- */

/* "  DIR/node-a/FILE  to HOST" */
static void print_node(const struct fleet_init *in, const struct fleet_node *n,
		       const char *file)
{
	printf("  %s/node-%s%s  to %s%s%s\n", in->dir, n->name, file,
	       n->host[0] ? n->host : "node ", n->host[0] ? "" : n->name,
	       n->editor && !n->made ? ", an editor" : "");
}

static void print_server(const struct fleet_init *in,
			 const struct fleet_server *s, const char *file)
{
	printf("  %s/server-%s%s  to %s\n", in->dir, s->name, file, s->host);
}

static void print_servers(const struct fleet_init *in, const char *file)
{
	for (size_t i = 0; i < in->plan->n_servers; i++)
		print_server(in, &in->plan->servers[i], file);
}

static void print_made(const struct fleet_init *in)
{
	printf("Made the fleet %s. To be started with nats-server -c "
	       "nats.conf, each in its\n"
	       "folder:\n",
	       in->plan->name);
	print_servers(in, "");
	puts("To /etc/weir/fleet of each node, cluster.yaml into its "
	     "weir.yaml:");
	for (size_t i = 0; i < in->plan->n_nodes; i++)
		print_node(in, &in->plan->nodes[i], "");
	if (in->plan->n_servers == 2)
		puts("Of two servers both are needed; with three, one may "
		     "fail.");
}

static void print_gone(const struct fleet_plan *p)
{
	for (size_t i = 0; i < p->gone_nodes.n; i++) {
		const char *name = p->gone_nodes.at[i].name;

		if (p->gone_nodes.at[i].now)
			printf("%s is shown out then, and let in no more. "
			       "After that, on an editor:\n"
			       "  weir fleet forget %s\n",
			       name, name);
	}
}

static void print_users(const struct fleet_init *in)
{
	const struct fleet_plan *p = in->plan;
	bool any = false, others = false;

	for (size_t i = 0; i < p->n_nodes; i++) {
		any |= !p->nodes[i].made;
		others |= p->nodes[i].made &&
			  p->nodes[i].editor != p->nodes[i].was_editor;
	}
	printf("Changed the fleet %s. Each server needs the new users.conf, "
	       "and then\n"
	       "nats-server --signal reload (or SIGHUP), twice; connections "
	       "stay%s:\n",
	       p->name,
	       others ? ", but those of\nwho may more or less "
			"than before, which come back"
		      : "");
	print_servers(in, "/users.conf");
	print_gone(p);
	if (!any)
		return;
	puts("To /etc/weir/fleet of each node, cluster.yaml into its "
	     "weir.yaml:");
	for (size_t i = 0; i < p->n_nodes; i++)
		if (!p->nodes[i].made)
			print_node(in, &p->nodes[i], "");
}

/* Nothing holds longer than who signed it. */
static void print_authority(const struct fleet_init *in)
{
	char words[FLEET_CERT_WORDS_MAX];
	int64_t now = (int64_t)time(NULL), end = (int64_t)fleet_ca_end(&in->ca);

	if (end - now >= (int64_t)in->plan->days * 86400)
		return;
	(void)fleet_cert_words(end, now, words);
	printf("They hold no longer than the authority, which %s.\n", words);
}

static void print_renewed(const struct fleet_init *in)
{
	const struct fleet_plan *p = in->plan;
	bool nodes = false, servers = false;

	for (size_t i = 0; i < p->n_nodes; i++)
		nodes |= p->nodes[i].renews;
	for (size_t i = 0; i < p->n_servers; i++)
		servers |= p->servers[i].renews;
	if (servers)
		puts("To each server, one after the other, and there "
		     "nats-server --signal reload (or\n"
		     "SIGHUP); connections stay:");
	for (size_t i = 0; i < p->n_servers; i++)
		if (p->servers[i].renews)
			print_server(in, &p->servers[i],
				     "/{server,route}.{crt,key}");
	if (nodes)
		puts("To /etc/weir/fleet of each node, and there systemctl "
		     "reload weir-agent:");
	for (size_t i = 0; i < p->n_nodes; i++)
		if (p->nodes[i].renews)
			print_node(in, &p->nodes[i], "/node.{crt,key}");
	print_authority(in);
}

/* --- servers that come and go -------------------------------------------------- */

static void print_routes(const struct fleet_init *in, unsigned step)
{
	const struct fleet_plan *p = in->plan;

	printf("%u. To each other server its routes.conf, and there "
	       "nats-server --signal reload (or\n"
	       "   SIGHUP); connections stay:\n",
	       step);
	for (size_t i = 0; i < p->n_servers; i++) {
		const struct fleet_server *s = &p->servers[i];

		if (s->made)
			print_server(in, s, "/routes.conf");
		if (s->routes_inside)
			printf("    (its nats.conf is of an earlier Weir: put "
			       "include \"routes.conf\" in place\n"
			       "    of routes: [...])\n");
	}
}

static void print_places(const struct fleet_init *in, unsigned step)
{
	printf("%u. To each node the servers of its cluster.yaml, into its "
	       "weir.yaml, and there\n"
	       "   systemctl reload weir-agent:\n",
	       step);
	for (size_t i = 0; i < in->plan->n_nodes; i++)
		print_node(in, &in->plan->nodes[i], "/cluster.yaml");
}

static void print_server_added(const struct fleet_init *in)
{
	const struct fleet_plan *p = in->plan;

	printf("Added to the fleet %s. In this order, and nothing is lost:\n"
	       "1. Start nats-server there, in its folder; it finds the "
	       "others:\n",
	       p->name);
	for (size_t i = 0; i < p->n_servers; i++)
		if (!p->servers[i].made)
			print_server(in, &p->servers[i], "");
	print_routes(in, 2);
	print_places(in, 3);
	puts("What is kept stays on the servers that have it; a new one gets "
	     "the share of the\n"
	     "next that is removed.");
}

static void print_server_removed(const struct fleet_init *in, const char *name)
{
	printf("Removed %s from the fleet %s. In this order, while all others "
	       "run, and nothing\n"
	       "is lost:\n",
	       name, in->plan->name);
	print_places(in, 1);
	printf("2. On %s nats-server --signal ldm: it hands over, lets its "
	       "connections go, and\n"
	       "   ends.\n"
	       "3. Here: weir fleet retire %s %s. The others keep its share "
	       "from then on.\n",
	       name, in->dir, name);
	print_routes(in, 4);
	printf("5. On %s remove its folder: its certificates are let in until "
	       "they end.\n",
	       name);
	if (in->plan->n_servers == 2)
		puts("Of two servers both are needed; with three, one may "
		     "fail.");
}

void fleet_init_print(const struct fleet_init *in)
{
	const struct fleet_plan *p = in->plan;
	bool added = false;

	if (in->out.json) {
		print_json(in);
		return;
	}
	if (in->is_new) {
		print_made(in);
		return;
	}
	for (size_t i = 0; i < p->n_servers; i++)
		added |= !p->servers[i].made;
	if (in->users)
		print_users(in);
	if (in->renews)
		print_renewed(in);
	if (added)
		print_server_added(in);
	for (size_t i = 0; i < p->gone_servers.n; i++)
		if (p->gone_servers.at[i].now)
			print_server_removed(in, p->gone_servers.at[i].name);
}
