#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "cli/fleet_init.h"
#include "cli/table.h"
#include "fleet/cert.h"

#define PATH_BYTES 4096

struct show {
	const struct fleet_init *in;
	int64_t now;
	struct table table;
	json_t *all; /* NULL: in words */
};

/* One certificate, DIR/FILE. One that cannot be read is told as that. */
static void add(struct show *s, const char *who, const char *file)
{
	char path[PATH_BYTES], words[FLEET_CERT_WORDS_MAX] = "";
	enum fleet_cert_state state = FLEET_CERT_ENDED;
	struct err err = { 0 };
	int64_t end = 0;
	int rc;

	rc = (size_t)snprintf(path, sizeof path, "%s/%s", s->in->dir, file) <
			     sizeof path
		     ? fleet_cert_end(path, &end, &err)
		     : err_set(&err, ENAMETOOLONG, NULL, "too long a name");
	if (rc == 0)
		state = fleet_cert_words(end, s->now, words);
	if (s->all) {
		(void)json_array_append_new(
			s->all,
			rc == 0 ? json_pack("{s:s, s:s, s:I, s:b, s:b}", "of",
					    who, "file", file, "ends",
					    (json_int_t)end, "ended",
					    state == FLEET_CERT_ENDED, "soon",
					    state == FLEET_CERT_ENDS_SOON)
				: json_pack("{s:s, s:s, s:s}", "of", who,
					    "file", file, "error", err.text));
		return;
	}
	table_add(&s->table, "%s", who);
	table_add(&s->table, "%s", file);
	table_add(&s->table, "%s%s%s",
		  out_colour(&s->in->out, state == FLEET_CERT_HOLDS ? OUT_PLAIN
					  : state == FLEET_CERT_ENDED
						  ? OUT_RED
						  : OUT_YELLOW),
		  rc == 0 ? words : err.text,
		  out_colour(&s->in->out, OUT_PLAIN));
}

static void add_all(struct show *s)
{
	const struct fleet_plan *p = s->in->plan;
	char file[FLEET_PATH_MAX], who[FLEET_NAME_MAX + 16];

	add(s, "authority", "ca.crt");
	add(s, "authority of servers", "route-ca.crt");
	for (size_t i = 0; i < p->n_servers; i++) {
		(void)snprintf(who, sizeof who, "server %s",
			       p->servers[i].name);
		(void)snprintf(file, sizeof file, "server-%s/server.crt",
			       p->servers[i].name);
		add(s, who, file);
		(void)snprintf(file, sizeof file, "server-%s/route.crt",
			       p->servers[i].name);
		add(s, who, file);
	}
	for (size_t i = 0; i < p->n_nodes; i++) {
		(void)snprintf(who, sizeof who, "node %s%s", p->nodes[i].name,
			       p->nodes[i].editor ? ", editor" : "");
		(void)snprintf(file, sizeof file, "node-%s/node.crt",
			       p->nodes[i].name);
		add(s, who, file);
	}
}

void fleet_init_show(const struct fleet_init *in)
{
	struct show s = { .in = in, .now = time(NULL) };
	json_t *o;

	if (in->out.json) {
		s.all = json_array();
		add_all(&s);
		o = out_json_ok();
		(void)json_object_set_new(o, "name",
					  json_string(in->plan->name));
		(void)json_object_set_new(o, "certificates", s.all);
		out_json(o);
		return;
	}
	table_init(&s.table, 3, 0);
	table_add(&s.table, "OF");
	table_add(&s.table, "FILE");
	table_add(&s.table, "CERTIFICATE");
	add_all(&s);
	table_print(&s.table, 0, out_colour(&in->out, OUT_BOLD),
		    out_colour(&in->out, OUT_PLAIN));
	table_done(&s.table);
}
