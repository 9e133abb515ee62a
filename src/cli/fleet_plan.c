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
	if (p) {
		free(p->store);
		free(p->gone_servers.at);
		free(p->gone_nodes.at);
	}
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
int fleet_plan_check_host(const char *host, const char *at, struct err *reterr)
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
static int parse_place(struct fleet_server *s, const char *text, const char *at,
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
		return err_set(reterr, EINVAL, at,
			       "\"%.100s\": NAME=HOST:PORT[:CLUSTERPORT] "
			       "expected, an IPv6 address in []",
			       text);
	end += *end == ']';
	if (*end != ':' ||
	    !copy_to(ports, sizeof ports, end + 1, end + 1 + strlen(end + 1)))
		return err_set(reterr, EINVAL, at,
			       "\"%.100s\" has no port that could be one",
			       text);
	second = strchr(ports, ':');
	if (second)
		*second++ = '\0';
	if (parse_port(ports, at, &s->port, reterr) < 0 ||
	    (second && parse_port(second, at, &s->cluster_port, reterr) < 0))
		return -EINVAL;
	return fleet_plan_check_host(s->host, at, reterr);
}

/* No two may have one name, or listen at one place. */
int fleet_plan_add_server(struct fleet_plan *p, const struct fleet_server *s,
			  const char *at, struct err *reterr)
{
	if (s->port == s->cluster_port)
		return err_set(reterr, EINVAL, at,
			       "%s: nodes and servers need a port each, and "
			       "both are %u",
			       s->name, s->port);
	for (size_t i = 0; i < p->n_servers; i++) {
		const struct fleet_server *o = &p->servers[i];

		if (strcmp(o->name, s->name) == 0)
			return err_set(reterr, EEXIST, at, "%s %s", s->name,
				       o->made && !s->made
					       ? "is a server of it already"
					       : "comes twice");
		if (strcmp(o->host, s->host) == 0 &&
		    (o->port == s->port || o->port == s->cluster_port ||
		     o->cluster_port == s->port ||
		     o->cluster_port == s->cluster_port))
			return err_set(reterr, EEXIST, at,
				       "%s and %s have a port of %s in common",
				       o->name, s->name, s->host);
	}
	if (fleet_gone_has(&p->gone_servers, s->name))
		return err_set(reterr, EEXIST, at,
			       "%s was a server of it; the others know it as "
			       "gone: take another name",
			       s->name);
	if (p->n_servers == FLEET_MADE_SERVERS_MAX)
		return err_set(reterr, E2BIG, at,
			       "a fleet has %d servers at most",
			       FLEET_MADE_SERVERS_MAX);
	p->servers[p->n_servers++] = *s;
	return 0;
}

int fleet_plan_server(struct fleet_plan *p, const char *at, const char *text,
		      struct err *reterr)
{
	struct fleet_server s = { .cluster_port = FLEET_CLUSTER_PORT_DEFAULT };
	const char *equals = strchr(text, '=');

	if (!equals || !copy_to(s.name, sizeof s.name, text, equals))
		return err_set(reterr, EINVAL, at,
			       "\"%.100s\": NAME=HOST:PORT[:CLUSTERPORT] "
			       "expected",
			       text);
	if (fleet_name_check(s.name, at, reterr) < 0 ||
	    parse_place(&s, equals + 1, at, reterr) < 0)
		return -EINVAL;
	return fleet_plan_add_server(p, &s, at, reterr);
}

/* --- nodes ----------------------------------------------------------------- */

struct fleet_node *fleet_plan_find(struct fleet_plan *p, const char *name)
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
	    (equals && fleet_plan_check_host(equals + 1, at, reterr) < 0))
		return -EINVAL;
	if (equals)
		(void)copy_to(n.host, sizeof n.host, equals + 1,
			      equals + 1 + strlen(equals + 1));
	there = fleet_plan_find(p, n.name);
	if (there)
		return err_set(reterr, EEXIST, at, "%s %s", n.name,
			       there->made ? "is a node of it already"
					   : "comes twice");
	if (fleet_gone_has(&p->gone_nodes, n.name))
		return err_set(reterr, EEXIST, at,
			       "%s was a node of it, and its certificate of "
			       "then would be let in again: take another name",
			       n.name);
	if (p->n_nodes == FLEET_NODES_MAX)
		return err_set(reterr, E2BIG, at,
			       "a fleet has %d nodes at most", FLEET_NODES_MAX);
	p->nodes[p->n_nodes++] = n;
	return 0;
}

int fleet_plan_editor(struct fleet_plan *p, const char *name,
		      struct err *reterr)
{
	struct fleet_node *n = fleet_plan_find(p, name);
	int rc = 0;

	/* of one that is there a name may be a mistake */
	if (!n && p->kept_days)
		return err_set(reterr, ENOENT, "--editor",
			       "%.64s is no node of it; --add adds one", name);
	if (!n)
		rc = fleet_plan_node(p, "--editor", name, reterr);
	if (rc < 0)
		return rc;
	n = fleet_plan_find(p, name);
	if (!n) /* NAME=HOST */
		return err_set(reterr, EINVAL, "--editor",
			       "a node's name expected; its host is said with "
			       "--node");
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
