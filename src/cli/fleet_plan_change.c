#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/fleet_plan.h"

/* --- who is gone ----------------------------------------------------------- */

static struct fleet_gone *find_gone(const struct fleet_gones *g,
				    const char *name)
{
	for (size_t i = 0; i < g->n; i++)
		if (strcmp(g->at[i].name, name) == 0)
			return &g->at[i];
	return NULL;
}

bool fleet_gone_has(const struct fleet_gones *g, const char *name)
{
	return find_gone(g, name);
}

int fleet_gone_add(struct fleet_gones *g, const char *name, bool now,
		   struct err *reterr)
{
	struct fleet_gone *grown;

	if (g->n == FLEET_GONE_MAX)
		return err_set(reterr, E2BIG, NULL,
			       "%d are gone already, and their certificates "
			       "hold still: make the fleet anew",
			       FLEET_GONE_MAX);
	grown = reallocarray(g->at, g->n + 1, sizeof *grown);
	if (!grown)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	g->at = grown;
	grown[g->n] = (struct fleet_gone){ .now = now };
	(void)snprintf(grown[g->n].name, sizeof grown->name, "%s", name);
	g->n++;
	return 0;
}

/* Is it gone already? Then it goes once more. */
static bool goes_again(const struct fleet_gones *g, const char *name)
{
	struct fleet_gone *gone = find_gone(g, name);

	if (gone)
		gone->now = true;
	return gone;
}

/* --- nodes ----------------------------------------------------------------- */

int fleet_plan_no_editor(struct fleet_plan *p, const char *name,
			 struct err *reterr)
{
	struct fleet_node *n = fleet_plan_find(p, name);

	if (!n)
		return err_set(reterr, ENOENT, "--no-editor",
			       "%.64s is no node of it", name);
	n->editor = false;
	return 0;
}

int fleet_plan_remove(struct fleet_plan *p, const char *name,
		      struct err *reterr)
{
	struct fleet_node *n = fleet_plan_find(p, name);
	int rc;

	if (!n && goes_again(&p->gone_nodes, name))
		return 0;
	if (!n)
		return err_set(reterr, ENOENT, "--remove",
			       "%.64s is no node of it", name);
	if (!n->made)
		return err_set(reterr, EINVAL, "--remove",
			       "%s is to be added, too", n->name);
	rc = fleet_gone_add(&p->gone_nodes, n->name, true, reterr);
	if (rc < 0)
		return rc;
	p->n_nodes--;
	memmove(n, n + 1, (size_t)(p->nodes + p->n_nodes - n) * sizeof *n);
	return 0;
}

/* --- servers --------------------------------------------------------------- */

int fleet_plan_remove_server(struct fleet_plan *p, const char *name,
			     struct err *reterr)
{
	struct fleet_server *s = NULL;
	int rc;

	for (size_t i = 0; i < p->n_servers; i++)
		if (strcmp(p->servers[i].name, name) == 0)
			s = &p->servers[i];
	if (!s && goes_again(&p->gone_servers, name))
		return 0;
	if (!s)
		return err_set(reterr, ENOENT, "--remove-server",
			       "%.64s is no server of it", name);
	if (!s->made)
		return err_set(reterr, EINVAL, "--remove-server",
			       "%s is to be added, too", s->name);
	rc = fleet_gone_add(&p->gone_servers, s->name, true, reterr);
	if (rc < 0)
		return rc;
	p->n_servers--;
	memmove(s, s + 1, (size_t)(p->servers + p->n_servers - s) * sizeof *s);
	return 0;
}

/* --- certificates ---------------------------------------------------------- */

int fleet_plan_renew(struct fleet_plan *p, const char *name, struct err *reterr)
{
	struct fleet_node *n = fleet_plan_find(p, name);
	bool any = n;

	if (n)
		n->renews = true;
	for (size_t i = 0; i < p->n_servers; i++)
		if (strcmp(p->servers[i].name, name) == 0)
			any = p->servers[i].renews = true;
	return any ? 0
		   : err_set(reterr, ENOENT, "--renew",
			     "%.64s is no node and no server of it", name);
}

void fleet_plan_renew_all(struct fleet_plan *p)
{
	for (size_t i = 0; i < p->n_nodes; i++)
		p->nodes[i].renews = true;
	for (size_t i = 0; i < p->n_servers; i++)
		p->servers[i].renews = true;
}

/* --- as a whole ------------------------------------------------------------ */

int fleet_plan_check(const struct fleet_plan *p, struct err *reterr)
{
	bool edits = false;

	for (size_t i = 0; i < p->n_nodes; i++)
		edits |= p->nodes[i].editor;
	if (p->n_servers == 0)
		return err_set(reterr, EINVAL, NULL, "%s",
			       p->kept_days ? "no server would be left"
					    : "say a server: --server "
					      "NAME=HOST:PORT");
	if (p->n_nodes == 0)
		return err_set(reterr, EINVAL, NULL, "%s",
			       p->kept_days ? "no node would be left"
					    : "say a node: --node NAME");
	if (p->had_editor && !edits)
		return err_set(reterr, EINVAL, NULL,
			       "no editor would be left, and nobody could "
			       "change the policy: make another one, too, with "
			       "--editor");
	if (p->kept_days && p->n_servers != p->had_servers &&
	    (p->n_servers == 1 || p->had_servers == 1))
		return err_set(
			reterr, EINVAL, NULL,
			"a server that was alone does not become one of "
			"several, nor the other way round, with what it "
			"keeps: make the fleet anew, docs/fleet.md tells "
			"how");
	return 0;
}
