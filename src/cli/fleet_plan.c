/*
 * All that comes in - words of the command line, members of fleet.json - goes
 * through the same checks, since it ends in files of others: a quote or a blank in
 * a name would be another line of a server's configuration.
 */
#include "cli/fleet_plan.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/file.h"

#define PLAN_FILE    "fleet.json"
#define PLAN_VERSION 1
#define PATH_BYTES   4096

struct fleet_plan *fleet_plan_new(void)
{
	struct fleet_plan *p = calloc(1, sizeof *p);

	if (p) {
		(void)snprintf(p->name, sizeof p->name, "weir");
		p->days = FLEET_DAYS_DEFAULT;
	}
	return p;
}

void fleet_plan_free(struct fleet_plan *p)
{
	if (p)
		free(p->store);
	free(p);
}

/* --- words ----------------------------------------------------------------- */

int fleet_name_check(const char *name, const char *at, struct err *reterr)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	if (len == 0 || name[len] || len >= FLEET_NAME_MAX || name[0] == '-')
		return err_set(reterr, EINVAL, at,
			       "\"%.64s\" is no name: 1 to %d of a-z, 0-9 and "
			       "-, not - at its beginning",
			       name, FLEET_NAME_MAX - 1);
	return 0;
}

/* An address of either family, or what a DNS name is made of. */
static int check_host(const char *host, const char *at, struct err *reterr)
{
	struct ip_addr ip;
	size_t len = strlen(host);
	bool good = len > 0 && len < FLEET_HOST_MAX && isalnum(host[0]);

	if (ip_parse(host, &ip) == 0)
		return ip_is_any(ip) ? err_set(reterr, EINVAL, at,
					       "%s is nobody's address", host)
				     : 0;
	for (const char *c = host; *c && good; c++)
		good = isalnum(*c) || *c == '-' || (*c == '.' && c[-1] != '.');
	/* four numbers that are no address are no name either */
	if (!good || strspn(host, "0123456789.") == len)
		return err_set(reterr, EINVAL, at,
			       "\"%.100s\" is no DNS name and no address",
			       host);
	return 0;
}

/* "1".."max" and nothing behind it; -EINVAL without words. */
static int parse_number(const char *text, unsigned long max, unsigned long *ret)
{
	char *end;
	unsigned long n;

	if (!isdigit(text[0]))
		return -EINVAL;
	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || *end || n == 0 || n > max)
		return -EINVAL;
	*ret = n;
	return 0;
}

static int parse_port(const char *text, const char *at, uint16_t *ret,
		      struct err *reterr)
{
	unsigned long n;

	if (parse_number(text, UINT16_MAX, &n) < 0)
		return err_set(reterr, EINVAL, at,
			       "\"%.40s\" is no port, 1 to 65535", text);
	*ret = (uint16_t)n;
	return 0;
}

/* Copies what stands before `end` to buf, which has `size`; false: no room. */
static bool copy_to(char *buf, size_t size, const char *from, const char *end)
{
	size_t len = (size_t)(end - from);

	if (len >= size)
		return false;
	memcpy(buf, from, len);
	buf[len] = '\0';
	return true;
}

/* --- servers --------------------------------------------------------------- */

/* HOST:PORT[:CLUSTERPORT], HOST as [ADDRESS] if it has colons */
static int parse_place(struct fleet_server *s, const char *text,
		       struct err *reterr)
{
	char ports[16] = "";
	const char *host = text, *end = strchr(text, ':');
	char *second;

	if (text[0] == '[') {
		host++;
		end = strchr(text, ']');
	}
	if (!end || !copy_to(s->host, sizeof s->host, host, end))
		return err_set(reterr, EINVAL, "--server",
			       "\"%.100s\": NAME=HOST:PORT[:CLUSTERPORT] "
			       "expected, an IPv6 address in []",
			       text);
	end += *end == ']';
	if (*end != ':' ||
	    !copy_to(ports, sizeof ports, end + 1, end + 1 + strlen(end + 1)))
		return err_set(reterr, EINVAL, "--server",
			       "\"%.100s\" has no port that could be one",
			       text);
	second = strchr(ports, ':');
	if (second)
		*second++ = '\0';
	if (parse_port(ports, "--server", &s->port, reterr) < 0 ||
	    (second &&
	     parse_port(second, "--server", &s->cluster_port, reterr) < 0))
		return -EINVAL;
	return check_host(s->host, "--server", reterr);
}

/* No two may have one name, or listen at one place. */
static int add_server(struct fleet_plan *p, const struct fleet_server *s,
		      struct err *reterr)
{
	if (s->port == s->cluster_port)
		return err_set(reterr, EINVAL, "--server",
			       "%s: nodes and servers need a port each, and "
			       "both are %u",
			       s->name, s->port);
	for (size_t i = 0; i < p->n_servers; i++) {
		const struct fleet_server *o = &p->servers[i];

		if (strcmp(o->name, s->name) == 0)
			return err_set(reterr, EEXIST, "--server",
				       "%s comes twice", s->name);
		if (strcmp(o->host, s->host) == 0 &&
		    (o->port == s->port || o->port == s->cluster_port ||
		     o->cluster_port == s->port ||
		     o->cluster_port == s->cluster_port))
			return err_set(reterr, EEXIST, "--server",
				       "%s and %s have a port of %s in common",
				       o->name, s->name, s->host);
	}
	if (p->n_servers == FLEET_MADE_SERVERS_MAX)
		return err_set(reterr, E2BIG, "--server",
			       "a fleet has %d servers at most",
			       FLEET_MADE_SERVERS_MAX);
	p->servers[p->n_servers++] = *s;
	return 0;
}

int fleet_plan_server(struct fleet_plan *p, const char *text,
		      struct err *reterr)
{
	struct fleet_server s = { .cluster_port = FLEET_CLUSTER_PORT_DEFAULT };
	const char *equals = strchr(text, '=');

	if (!equals || !copy_to(s.name, sizeof s.name, text, equals))
		return err_set(reterr, EINVAL, "--server",
			       "\"%.100s\": NAME=HOST:PORT[:CLUSTERPORT] "
			       "expected",
			       text);
	if (fleet_name_check(s.name, "--server", reterr) < 0 ||
	    parse_place(&s, equals + 1, reterr) < 0)
		return -EINVAL;
	return add_server(p, &s, reterr);
}

/* --- nodes ----------------------------------------------------------------- */

static struct fleet_node *find_node(struct fleet_plan *p, const char *name)
{
	for (size_t i = 0; i < p->n_nodes; i++)
		if (strcmp(p->nodes[i].name, name) == 0)
			return &p->nodes[i];
	return NULL;
}

int fleet_plan_node(struct fleet_plan *p, const char *at, const char *text,
		    struct err *reterr)
{
	struct fleet_node n = { .editor = false };
	const char *equals = strchr(text, '=');
	const char *end = equals ? equals : text + strlen(text);
	const struct fleet_node *there;

	if (!copy_to(n.name, sizeof n.name, text, end))
		return fleet_name_check(text, at, reterr);
	if (fleet_name_check(n.name, at, reterr) < 0 ||
	    (equals && check_host(equals + 1, at, reterr) < 0))
		return -EINVAL;
	if (equals)
		(void)copy_to(n.host, sizeof n.host, equals + 1,
			      equals + 1 + strlen(equals + 1));
	there = find_node(p, n.name);
	if (there)
		return err_set(reterr, EEXIST, at, "%s %s", n.name,
			       there->made ? "is a node of it already"
					   : "comes twice");
	if (p->n_nodes == FLEET_NODES_MAX)
		return err_set(reterr, E2BIG, at,
			       "a fleet has %d nodes at most", FLEET_NODES_MAX);
	p->nodes[p->n_nodes++] = n;
	return 0;
}

int fleet_plan_editor(struct fleet_plan *p, const char *name,
		      struct err *reterr)
{
	struct fleet_node *n = find_node(p, name);
	int rc = n ? 0 : fleet_plan_node(p, "--editor", name, reterr);

	if (rc < 0)
		return rc;
	n = find_node(p, name);
	if (!n) /* NAME=HOST */
		return err_set(reterr, EINVAL, "--editor",
			       "a node's name expected; its host is said with "
			       "--node");
	if (n->made)
		return err_set(reterr, EEXIST, "--editor",
			       "%s is a node of it already; who edits is said "
			       "when it is added",
			       name);
	n->editor = true;
	return 0;
}

/* --- other options --------------------------------------------------------- */

int fleet_plan_days(struct fleet_plan *p, const char *text, struct err *reterr)
{
	unsigned long n;

	if (parse_number(text, FLEET_DAYS_MAX, &n) < 0)
		return err_set(reterr, EINVAL, "--days",
			       "\"%.40s\" is no number from 1 to %d", text,
			       FLEET_DAYS_MAX);
	p->days = (unsigned)n;
	return 0;
}

int fleet_plan_monitor(struct fleet_plan *p, const char *text,
		       struct err *reterr)
{
	return parse_port(text, "--monitor", &p->monitor, reterr);
}

int fleet_plan_store(struct fleet_plan *p, const char *path, struct err *reterr)
{
	char *copy;

	for (const char *c = path; *c; c++)
		if (!isprint(*c) || *c == '"' || *c == '\\')
			return err_set(reterr, EINVAL, "--store",
				       "quotes, backslashes and what cannot be "
				       "printed are not possible here");
	if (path[0] != '/')
		return err_set(reterr, EINVAL, "--store",
			       "\"%.100s\" does not begin with /", path);
	copy = strdup(path);
	if (!copy)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	free(p->store);
	p->store = copy;
	return 0;
}

/* --- fleet.json ------------------------------------------------------------ */

static json_t *servers_json(const struct fleet_plan *p)
{
	json_t *all = json_array();

	for (size_t i = 0; i < p->n_servers; i++) {
		const struct fleet_server *s = &p->servers[i];

		(void)json_array_append_new(
			all, json_pack("{s:s, s:s, s:i, s:i}", "name", s->name,
				       "host", s->host, "port", (int)s->port,
				       "cluster_port", (int)s->cluster_port));
	}
	return all;
}

static json_t *nodes_json(const struct fleet_plan *p)
{
	json_t *all = json_array();

	for (size_t i = 0; i < p->n_nodes; i++) {
		const struct fleet_node *n = &p->nodes[i];

		(void)json_array_append_new(
			all, json_pack("{s:s, s:s, s:b}", "name", n->name,
				       "host", n->host, "editor", n->editor));
	}
	return all;
}

char *fleet_plan_write(const struct fleet_plan *p)
{
	json_t *all = json_pack("{s:i, s:s, s:i, s:i, s:o, s:o}", "version",
				PLAN_VERSION, "name", p->name, "days",
				(int)(p->kept_days ? p->kept_days : p->days),
				"monitor", (int)p->monitor, "servers",
				servers_json(p), "nodes", nodes_json(p));
	char *text = NULL;

	/* an array that lost a member to a lack of memory is short */
	if (json_array_size(json_object_get(all, "servers")) == p->n_servers &&
	    json_array_size(json_object_get(all, "nodes")) == p->n_nodes &&
	    (!p->store ||
	     json_object_set_new(all, "store", json_string(p->store)) == 0))
		text = json_dumps(all, JSON_INDENT(2));
	json_decref(all);
	return text;
}

static int read_server(struct fleet_plan *p, json_t *v, struct err *reterr)
{
	struct fleet_server s = { .port = 0 };
	const char *name, *host;
	int port, cluster;

	if (json_unpack(v, "{s:s, s:s, s:i, s:i}", "name", &name, "host", &host,
			"port", &port, "cluster_port", &cluster) < 0 ||
	    port < 1 || port > UINT16_MAX || cluster < 1 ||
	    cluster > UINT16_MAX)
		return err_set(reterr, EINVAL, PLAN_FILE,
			       "a server is not as it should be");
	if (fleet_name_check(name, PLAN_FILE, reterr) < 0 ||
	    check_host(host, PLAN_FILE, reterr) < 0)
		return -EINVAL;
	(void)snprintf(s.name, sizeof s.name, "%s", name);
	(void)snprintf(s.host, sizeof s.host, "%s", host);
	s.port = (uint16_t)port;
	s.cluster_port = (uint16_t)cluster;
	return add_server(p, &s, reterr);
}

static int read_node(struct fleet_plan *p, json_t *v, struct err *reterr)
{
	const char *name, *host;
	int editor, rc;

	if (json_unpack(v, "{s:s, s:s, s:b}", "name", &name, "host", &host,
			"editor", &editor) < 0 ||
	    (host[0] && check_host(host, PLAN_FILE, reterr) < 0))
		return err_set(reterr, EINVAL, PLAN_FILE,
			       "a node is not as it should be");
	rc = fleet_plan_node(p, PLAN_FILE, name, reterr);
	if (rc == 0) {
		struct fleet_node *n = &p->nodes[p->n_nodes - 1];

		(void)snprintf(n->host, sizeof n->host, "%s", host);
		n->editor = editor;
		n->made = true;
	}
	return rc;
}

static int read_members(struct fleet_plan *p, json_t *all, struct err *reterr)
{
	const char *name, *store = NULL;
	json_t *servers, *nodes, *v;
	int version, days, monitor, rc;
	size_t i;

	if (json_unpack(all, "{s:i, s:s, s:i, s:i, s:o, s:o, s?s}", "version",
			&version, "name", &name, "days", &days, "monitor",
			&monitor, "servers", &servers, "nodes", &nodes, "store",
			&store) < 0 ||
	    version != PLAN_VERSION || days < 1 || days > FLEET_DAYS_MAX ||
	    monitor < 0 || monitor > UINT16_MAX)
		return err_set(reterr, EINVAL, PLAN_FILE,
			       "is not what weir fleet init writes");
	rc = fleet_name_check(name, PLAN_FILE, reterr);
	if (rc == 0 && store)
		rc = fleet_plan_store(p, store, reterr);
	if (rc < 0)
		return rc;
	(void)snprintf(p->name, sizeof p->name, "%s", name);
	p->days = p->kept_days = (unsigned)days;
	p->monitor = (uint16_t)monitor;
	for (i = 0; rc == 0 && i < json_array_size(servers); i++)
		rc = read_server(p, json_array_get(servers, i), reterr);
	json_array_foreach (nodes, i, v)
		if (rc == 0)
			rc = read_node(p, v, reterr);
	return rc;
}

int fleet_plan_read(struct fleet_plan *p, const char *dir, struct err *reterr)
{
	char path[PATH_BYTES];
	size_t len = 0;
	json_error_t why;
	char *text;
	json_t *all;
	int rc;

	if ((size_t)snprintf(path, sizeof path, "%s/" PLAN_FILE, dir) >=
	    sizeof path)
		return err_set(reterr, ENAMETOOLONG, NULL,
			       "the folder's name is too long");
	text = file_load(path, FLEET_FILE_MAX, &len, reterr);
	if (!text)
		return -reterr->code;
	all = json_loadb(text, len, 0, &why);
	rc = all ? read_members(p, all, reterr)
		 : err_set(reterr, EINVAL, path, "line %d: %s", why.line,
			   why.text);
	json_decref(all);
	free(text);
	return rc;
}
