/*
 * The users stand in a file of their own (fleet_users.c), so that a node can be added
 * without a look at what somebody may have changed in nats.conf. Its files are named as
 * seen from their folder, in which nats-server is started: they may lie anywhere.
 *
 * Names were checked when they came in (fleet_plan.c): none needs quoting.
 */
#include "cli/fleet_conf.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

const char *fleet_conf_user(const struct fleet_plan *p,
			    const struct fleet_node *n,
			    char buf[static FLEET_USER_MAX])
{
	(void)snprintf(buf, FLEET_USER_MAX, "%s.node.%s", n->name, p->name);
	return buf;
}

const char *fleet_conf_admin(const struct fleet_plan *p,
			     char buf[static FLEET_USER_MAX])
{
	(void)snprintf(buf, FLEET_USER_MAX, FLEET_ADMIN_HOST ".%s", p->name);
	return buf;
}

/* Either %s of a host and what is around it in a URL or an address. */
static void add_place(struct text *t, const char *before, const char *host,
		      unsigned port, const char *after)
{
	bool v6 = strchr(host, ':');

	text_addf(t, "%s%s%s%s:%u%s", before, v6 ? "[" : "", host,
		  v6 ? "]" : "", port, after);
}

/*
 * Where to listen. A DNS name may mean another machine's address here, 127.0.1.1 or
 * one behind a translator: all addresses then.
 */
static void add_listen(struct text *t, const char *host, unsigned port)
{
	bool is_name = !strchr(host, ':') &&
		       strspn(host, "0123456789.") != strlen(host);

	add_place(t, "listen: \"", is_name ? "::" : host, port, "\"\n");
}

/* --- nats.conf ------------------------------------------------------------- */

static void add_cluster(struct text *t, const struct fleet_plan *p, size_t own)
{
	const struct fleet_server *s = &p->servers[own];

	text_addf(t, "\ncluster {\n    name: \"%s\"\n    ", p->name);
	add_listen(t, s->host, s->cluster_port);
	add_place(t, "    advertise: \"", s->host, s->cluster_port, "\"\n");
	text_add_word(t,
		      "    # Of an authority of their own: no node can speak "
		      "as a server.\n"
		      "    tls {\n"
		      "        cert_file: \"route.crt\"\n"
		      "        key_file: \"route.key\"\n"
		      "        ca_file: \"route-ca.crt\"\n"
		      "        verify: true\n"
		      "        timeout: 5\n"
		      "    }\n"
		      "    include \"routes.conf\"\n"
		      "}\n");
}

char *fleet_conf_routes(const struct fleet_plan *p, size_t own)
{
	struct text t = { 0 };

	text_addf(&t,
		  "# The servers of the fleet %s beside %s. Written by weir "
		  "fleet init, and anew when\n"
		  "# one is added or removed.\n\n"
		  "routes: [\n",
		  p->name, p->servers[own].name);
	for (size_t i = 0; i < p->n_servers; i++)
		if (i != own)
			add_place(&t, "    \"nats-route://", p->servers[i].host,
				  p->servers[i].cluster_port, "\"\n");
	text_add_word(&t, "]\n");
	return text_take(&t);
}

char *fleet_conf_server(const struct fleet_plan *p, size_t i)
{
	const struct fleet_server *s = &p->servers[i];
	struct text t = { 0 };

	text_addf(&t,
		  "# Server %s of the fleet %s, written by weir fleet init. "
		  "Start it in this folder:\n"
		  "# nats-server -c nats.conf. What it has besides is yours to "
		  "change; users.conf\n"
		  "# is written anew when nodes come and go, routes.conf when "
		  "servers do.\n\n"
		  "server_name: \"%s\"\n",
		  s->name, p->name, s->name);
	add_listen(&t, s->host, s->port);
	add_place(&t, "client_advertise: \"", s->host, s->port, "\"\n");
	text_add_word(&t, "max_payload: 8MB\n"
			  "max_connections: 8192\n"
			  "ping_interval: \"20s\"\n"
			  "ping_max: 3\n");
	if (p->monitor)
		text_addf(&t, "http: \"127.0.0.1:%u\"\n", p->monitor);
	text_add_word(&t, "\n# A client's certificate says which of the users "
			  "it is.\n"
			  "tls {\n"
			  "    cert_file: \"server.crt\"\n"
			  "    key_file: \"server.key\"\n"
			  "    ca_file: \"ca.crt\"\n"
			  "    verify_and_map: true\n"
			  "    timeout: 5\n"
			  "}\n"
			  "include \"users.conf\"\n");
	text_addf(&t,
		  "\njetstream {\n"
		  "    store_dir: \"%s/%s\"\n"
		  "    max_mem: 256MB\n"
		  "    max_file: 16GB\n"
		  "}\n",
		  p->store ? p->store : FLEET_STORE_DEFAULT, s->name);
	if (p->n_servers > 1)
		add_cluster(&t, p, i);
	return text_take(&t);
}

/* --- a node ---------------------------------------------------------------- */

char *fleet_conf_node(const struct fleet_plan *p, const struct fleet_node *n)
{
	struct text t = { 0 };

	text_addf(&t,
		  "# Of node %s: belongs into its /etc/weir/weir.yaml, with "
		  "\"node: %s\" unless that\n"
		  "# is the host's name. The other files of this folder belong "
		  "into /etc/weir/fleet/.\n"
		  "cluster:\n"
		  "  name: %s\n"
		  "  servers: [",
		  n->name, n->name, p->name);
	for (size_t i = 0; i < p->n_servers; i++)
		add_place(&t, i ? ", \"tls://" : "\"tls://", p->servers[i].host,
			  p->servers[i].port, "\"");
	text_add_word(&t, "]\n"
			  "  ca: /etc/weir/fleet/ca.crt\n"
			  "  cert: /etc/weir/fleet/node.crt\n"
			  "  key: /etc/weir/fleet/node.key\n");
	return text_take(&t);
}
