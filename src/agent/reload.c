#include "agent/reload.h"

#include <stdlib.h>
#include <string.h>

#include "agent/aside.h"
#include "agent/door.h"
#include "agent/guard.h"
#include "agent/member.h"
#include "agent/policy.h"
#include "agent/record.h"
#include "agent/rules.h"
#include "agent/settings.h"
#include "base/log.h"

struct reload {
	const char *path; /* borrowed of the agent */
	bool must;
	struct rules_again rules;
	bool is_read;
	struct err err;	      /* why not */
	struct config config; /* owned */
};

/* Of these a running agent cannot take another value. */
static const char *must_restart(const struct config *old,
				const struct config *new)
{
	if (old->n_runtimes != new->n_runtimes)
		return "runtimes";
	for (size_t i = 0; i < old->n_runtimes; i++)
		if (old->runtimes[i].kind != new->runtimes[i].kind ||
		    strcmp(old->runtimes[i].path, new->runtimes[i].path) != 0)
			return "runtimes";
	if (!config_kubernetes_same(&old->kubernetes, &new->kubernetes))
		return "kubernetes";
	if (strcmp(old->store_dir, new->store_dir) != 0)
		return "store.dir";
	if (strcmp(old->door, new->door) != 0)
		return "control.socket";
	if (strcmp(old->door_group, new->door_group) != 0)
		return "control.group";
	if (config_cluster_must_restart(&old->cluster, &new->cluster))
		return "cluster";
	if (strcmp(old->plane_door, new->plane_door) != 0 ||
	    old->workers != new->workers ||
	    old->plane_managed != new->plane_managed ||
	    strcmp(old->program, new->program) != 0)
		return "data_plane";
	return NULL;
}

/* In its thread. */
static void work(void *job)
{
	struct reload *r = job;

	r->is_read = config_read_if(r->path, r->must, &r->config, &r->err) == 0;
	if (r->is_read)
		rules_again_work(&r->rules, &r->config);
}

static void take(struct agent *a, struct reload *r)
{
	struct config old = a->config;
	const char *what;

	if (!r->is_read) {
		log_warn("configuration: %s%s%s, going on with the old one",
			 r->err.at, r->err.at[0] ? ": " : "", r->err.text);
		record_state(a, "configuration", "medium", r->err.text);
		return;
	}
	what = must_restart(&a->config, &r->config);
	if (what) {
		log_warn("configuration: %s needs a restart of weir-agent, "
			 "going on with the old one",
			 what);
		return;
	}
	a->config = r->config;
	/* the same (must_restart()), and the data planes' threads borrow them */
	a->config.program = old.program;
	a->config.plane_door = old.plane_door;
	old.program = r->config.program;
	old.plane_door = r->config.plane_door;
	r->config = old;
	log_info("configuration: read again");
	door_find_accounts(a);
	settings_overlay(a);
	member_reload(a);
	if (!rules_again_take(a, &r->rules))
		a->reload_once_more = true;
	guard_apply_all(a);
	policy_soon(a);
}

static void done(struct agent *a, void *job)
{
	struct reload *r = job;

	take(a, r);
	rules_again_done(&r->rules);
	config_done(&r->config);
	free(r);
	a->is_reloading = false;
	if (a->reload_once_more)
		reload_begin(a);
}

void reload_begin(struct agent *a)
{
	static const struct aside_work aside = { work, done };
	struct reload *r;
	struct err err;
	int rc;

	a->reload_once_more = a->is_reloading;
	if (a->is_reloading)
		return;
	r = calloc(1, sizeof *r);
	if (!r) {
		log_warn("configuration: out of memory, going on with the old "
			 "one");
		return;
	}
	r->path = a->config_path;
	r->must = a->config_must;
	rules_again_begin(a, &r->rules);
	rc = aside_run(a, &aside, r, &err);
	if (rc < 0) {
		log_warn("configuration: not read: %s, going on with the old "
			 "one",
			 err.text);
		rules_again_done(&r->rules);
		free(r);
		return;
	}
	a->is_reloading = true;
}
