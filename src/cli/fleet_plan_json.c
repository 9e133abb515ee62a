#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "cli/fleet_plan.h"

#define PLAN_FILE    "fleet.json"
#define PLAN_VERSION 1
#define PATH_BYTES   4096

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

/* Names, in the order in which they went. */
static json_t *gones_json(const struct fleet_gones *g)
{
	json_t *all = json_array();

	for (size_t i = 0; i < g->n; i++)
		(void)json_array_append_new(all, json_string(g->at[i].name));
	return all;
}

/* An array that lost a member to a lack of memory is short. */
static bool is_whole(const struct fleet_plan *p, const json_t *all)
{
	return json_array_size(json_object_get(all, "servers")) ==
		       p->n_servers &&
	       json_array_size(json_object_get(all, "nodes")) == p->n_nodes &&
	       json_array_size(json_object_get(all, "gone_servers")) ==
		       p->gone_servers.n &&
	       json_array_size(json_object_get(all, "gone_nodes")) ==
		       p->gone_nodes.n;
}

char *fleet_plan_write(const struct fleet_plan *p)
{
	json_t *all = json_pack(
		"{s:i, s:s, s:i, s:i, s:o, s:o, s:o, s:o}", "version",
		PLAN_VERSION, "name", p->name, "days",
		(int)(p->kept_days ? p->kept_days : p->days), "monitor",
		(int)p->monitor, "servers", servers_json(p), "nodes",
		nodes_json(p), "gone_servers", gones_json(&p->gone_servers),
		"gone_nodes", gones_json(&p->gone_nodes));
	char *text = NULL;

	if (is_whole(p, all) &&
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
	    fleet_plan_check_host(host, PLAN_FILE, reterr) < 0)
		return -EINVAL;
	(void)snprintf(s.name, sizeof s.name, "%s", name);
	(void)snprintf(s.host, sizeof s.host, "%s", host);
	s.port = (uint16_t)port;
	s.cluster_port = (uint16_t)cluster;
	s.made = true;
	return fleet_plan_add_server(p, &s, PLAN_FILE, reterr);
}

static int read_node(struct fleet_plan *p, json_t *v, struct err *reterr)
{
	const char *name, *host;
	int editor, rc;

	if (json_unpack(v, "{s:s, s:s, s:b}", "name", &name, "host", &host,
			"editor", &editor) < 0 ||
	    (host[0] && fleet_plan_check_host(host, PLAN_FILE, reterr) < 0))
		return err_set(reterr, EINVAL, PLAN_FILE,
			       "a node is not as it should be");
	rc = fleet_plan_node(p, PLAN_FILE, name, reterr);
	if (rc == 0) {
		struct fleet_node *n = &p->nodes[p->n_nodes - 1];

		(void)snprintf(n->host, sizeof n->host, "%s", host);
		n->editor = n->was_editor = editor;
		p->had_editor |= n->editor;
		n->made = true;
	}
	return rc;
}

static int read_gones(struct fleet_gones *g, const json_t *names,
		      struct err *reterr)
{
	const json_t *v;
	size_t i;
	int rc = 0;

	json_array_foreach (names, i, v) {
		const char *name = json_string_value(v);

		if (rc == 0)
			rc = fleet_name_check(name ? name : "", PLAN_FILE,
					      reterr);
		if (rc == 0)
			rc = fleet_gone_add(g, name, false, reterr);
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
	p->had_servers = p->n_servers;
	/* of an earlier Weir there are none */
	if (rc == 0)
		rc = read_gones(&p->gone_servers,
				json_object_get(all, "gone_servers"), reterr);
	if (rc == 0)
		rc = read_gones(&p->gone_nodes,
				json_object_get(all, "gone_nodes"), reterr);
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
