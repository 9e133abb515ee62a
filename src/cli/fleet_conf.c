/*
 * Who may what. NATS asks permissions of subjects, so each node's own things have
 * its name as a token of theirs: $KV.weir-nodes.KEY.NODE, weir.events.NODE. A reply
 * comes to _INBOX.NODE. and what follows; a node hears no other one's.
 *
 * The users stand in a file of their own, so that a node can be added without a
 * look at what somebody may have changed in nats.conf. Its files are named as seen
 * from their folder, in which nats-server is started: they may lie anywhere.
 *
 * Names were checked when they came in (fleet_plan.c): none needs quoting.
 */
#include "cli/fleet_conf.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* What is asked about a stream of JetStream: its name stands in between. */
struct asked {
	const char *before, *after;
};

static const struct asked consumers[] = {
	{ "$JS.API.CONSUMER.CREATE.", "" },
	{ "$JS.API.CONSUMER.CREATE.", ".>" },
	{ "$JS.API.CONSUMER.INFO.", ".>" },
	{ "$JS.API.CONSUMER.DELETE.", ".>" },
};

static const struct asked definitions[] = {
	{ "$JS.API.STREAM.CREATE.", "" },
	{ "$JS.API.STREAM.UPDATE.", "" },
};

/* The streams of a fleet: the first two are KV buckets. */
static const struct asked streams[] = {
	{ "KV_", "-policy" },
	{ "KV_", "-nodes" },
	{ "", "-events" },
	{ "", "-flows" },
};

#define N_STREAMS (sizeof streams / sizeof *streams)
#define N_BUCKETS 2
#define SUBJECT	  "                    "

const char *fleet_conf_user(const struct fleet_plan *p,
			    const struct fleet_node *n,
			    char buf[static FLEET_USER_MAX])
{
	(void)snprintf(buf, FLEET_USER_MAX, "%s.node.%s", n->name, p->name);
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
		      "    routes: [\n");
	for (size_t i = 0; i < p->n_servers; i++)
		if (i != own)
			add_place(t, "        \"nats-route://",
				  p->servers[i].host,
				  p->servers[i].cluster_port, "\"\n");
	text_add_word(t, "    ]\n}\n");
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
		  "# is written anew when a node is added.\n\n"
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

/* --- users.conf ------------------------------------------------------------ */

/* Each of `all` about each of the streams from..to-1. */
#define add_asked(t, p, all, from, to) \
	add_asked_n(t, p, all, sizeof(all) / sizeof *(all), from, to)

static void add_asked_n(struct text *t, const struct fleet_plan *p,
			const struct asked *all, size_t n, size_t from,
			size_t to)
{
	for (size_t s = from; s < to; s++)
		for (size_t i = 0; i < n; i++)
			text_addf(t, SUBJECT "\"%s%s%s%s%s\"\n", all[i].before,
				  streams[s].before, p->name, streams[s].after,
				  all[i].after);
}

static void add_node_says(struct text *t, const char *fleet, const char *node)
{
	text_addf(t,
		  SUBJECT
		  "\"$KV.%s-nodes.*.%s\"\n" SUBJECT "\"%s.events.%s\"\n" SUBJECT
		  "\"%s.flows.%s\"\n" SUBJECT "\"$JS.API.INFO\"\n" SUBJECT
		  "\"$JS.API.DIRECT.GET.KV_%s-policy.>\"\n" SUBJECT
		  "\"$JS.API.DIRECT.GET.KV_%s-nodes.>\"\n" SUBJECT
		  "\"$JS.API.DIRECT.GET.%s-events.%s.events.%s\"\n" SUBJECT
		  "\"$JS.API.DIRECT.GET.%s-flows.%s.flows.%s\"\n" SUBJECT
		  "\"$JS.FC.>\"\n" SUBJECT "\"$JS.ACK.>\"\n",
		  fleet, node, fleet, node, fleet, node, fleet, fleet, fleet,
		  fleet, node, fleet, fleet, node);
}

static void add_editor_says(struct text *t, const char *fleet)
{
	text_addf(t,
		  SUBJECT "\"$KV.%s-policy.>\"\n" SUBJECT
			  "\"$KV.%s-nodes.>\"\n" SUBJECT
			  "\"%s.ask.*\"\n" SUBJECT "\"%s.ask-all\"\n",
		  fleet, fleet, fleet, fleet);
}

static void add_user(struct text *t, const struct fleet_plan *p,
		     const struct fleet_node *n)
{
	static const struct asked info[] = {
		{ "$JS.API.STREAM.INFO.", "" },
	};
	char user[FLEET_USER_MAX];

	text_addf(t,
		  "        {\n"
		  "            user: \"%s\"%s\n"
		  "            permissions: {\n"
		  "                publish: { allow: [\n",
		  fleet_conf_user(p, n, user), n->editor ? " # an editor" : "");
	add_node_says(t, p->name, n->name);
	add_asked(t, p, info, 0, N_STREAMS);
	add_asked(t, p, consumers, 0, n->editor ? N_STREAMS : N_BUCKETS);
	if (n->editor) {
		add_editor_says(t, p->name);
		add_asked(t, p, definitions, 0, N_STREAMS);
	}
	text_addf(
		t,
		"                ] }\n"
		"                subscribe: { allow: [\n" SUBJECT
		"\"_INBOX.%s.>\"\n" SUBJECT "\"%s.ask.%s\"\n" SUBJECT
		"\"%s.ask-all\"\n"
		"                ] }\n"
		"                allow_responses: { max: 1, expires: \"1m\" }\n"
		"            }\n"
		"        }\n",
		n->name, p->name, n->name, p->name);
}

char *fleet_conf_users(const struct fleet_plan *p)
{
	struct text t = { 0 };

	text_addf(&t,
		  "# The nodes of the fleet %s, the same for each server. "
		  "Written by weir fleet init,\n"
		  "# and anew when a node is added.\n\n"
		  "authorization {\n"
		  "    users: [\n",
		  p->name);
	for (size_t i = 0; i < p->n_nodes; i++)
		add_user(&t, p, &p->nodes[i]);
	text_add_word(&t, "    ]\n}\n");
	return text_take(&t);
}

/* --- a node ---------------------------------------------------------------- */

char *fleet_conf_node(const struct fleet_plan *p, const struct fleet_node *n)
{
	struct text t = { 0 };

	text_addf(&t,
		  "# Of node %s: belongs into its /etc/weir/weir.yaml. The "
		  "other files of this\n"
		  "# folder belong into /etc/weir/fleet/.\n"
		  "cluster:\n"
		  "  name: %s\n"
		  "  servers: [",
		  n->name, p->name);
	for (size_t i = 0; i < p->n_servers; i++)
		add_place(&t, i ? ", \"tls://" : "\"tls://", p->servers[i].host,
			  p->servers[i].port, "\"");
	text_add_word(&t, "]\n"
			  "  ca: /etc/weir/fleet/ca.crt\n"
			  "  cert: /etc/weir/fleet/node.crt\n"
			  "  key: /etc/weir/fleet/node.key\n");
	return text_take(&t);
}
