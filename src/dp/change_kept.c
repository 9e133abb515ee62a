#include "dp/change_kept.h"

#include <errno.h>
#include <stdlib.h>

#include "dp/ask.h"

#define PORTS_TURN_US (2 * USEC_PER_SEC)

/* The workloads that a message names, as indices. */
struct named {
	uint16_t *endpoints;
	size_t n;
};

static int find_named(struct control *ctl, const struct mac *macs, size_t n,
		      bool strict, const char *field, struct named *ret,
		      struct err *reterr)
{
	return config_find_macs(ctl->config, macs, n, strict, field,
				&ret->endpoints, &ret->n, reterr);
}

static struct dlp_targets targets_of(struct named n)
{
	return (struct dlp_targets){ n.endpoints, n.n };
}

/* Room first, so that nothing can fail once the snapshot has changed. */
static int reserve_all(struct app_maps *maps, struct named named,
		       struct err *reterr)
{
	for (size_t i = 0; i < named.n; i++)
		if (app_maps_reserve(maps, named.endpoints[i]) < 0)
			return err_set(reterr, ENOMEM, "ctrl_cfg_mac.apps",
				       "out of memory");
	return 0;
}

int change_cfg_mac(struct control *ctl, struct ctrl_msg *m, bool strict,
		   struct err *reterr)
{
	struct named named = { 0 };
	int rc = find_named(ctl, m->cfg_mac.macs, m->cfg_mac.n_macs, strict,
			    "ctrl_cfg_mac.macs", &named, reterr);

	if (rc == 0 && m->cfg_mac.has_apps)
		rc = reserve_all(ctl->kept.apps, named, reterr);
	if (rc == 0)
		rc = config_cfg_mac(ctl->config, m, strict, reterr);
	if (rc == 0 && m->cfg_mac.has_apps)
		for (size_t i = 0; i < named.n; i++)
			app_maps_configure(ctl->kept.apps, named.endpoints[i],
					   m->cfg_mac.apps, m->cfg_mac.n_apps);
	free(named.endpoints);
	return rc;
}

/* Who has which sensors; and, if `patterns`, what they look for. */
static int detect_again(struct control *ctl, bool patterns, struct err *reterr)
{
	return detection_dlp_changed(ctl->detection, ctl->config, patterns,
				     reterr);
}

int change_cfg_dlp(struct control *ctl, struct ctrl_msg *m, bool strict,
		   struct err *reterr)
{
	struct named at = { 0 };
	int rc = find_named(ctl, m->cfg_dlp.macs, m->cfg_dlp.n_macs, strict,
			    "ctrl_cfg_dlp.mac", &at, reterr);

	if (rc == 0)
		rc = dlp_configure(ctl->kept.dlp, m, strict, targets_of(at),
				   reterr);
	if (rc == 0)
		rc = detect_again(ctl, false, reterr);
	free(at.endpoints);
	return rc;
}

int change_cfg_dlpmac(struct control *ctl, struct ctrl_msg *m, bool strict,
		      struct err *reterr)
{
	struct named at = { 0 };
	int rc = find_named(ctl, m->macs.macs, m->macs.n, strict,
			    "ctrl_cfg_dlpmac.delmac", &at, reterr);

	if (rc == 0)
		dlp_clear(ctl->kept.dlp, targets_of(at));
	if (rc == 0)
		rc = detect_again(ctl, false, reterr);
	free(at.endpoints);
	return rc;
}

/* delmac may name workloads that are gone already: both doors pass them over. */
int change_bld_dlp(struct control *ctl, struct ctrl_msg *m, bool strict,
		   struct err *reterr)
{
	struct named at = { 0 }, not_at = { 0 };
	int rc = find_named(ctl, m->bld_dlp.macs, m->bld_dlp.n_macs, strict,
			    "ctrl_bld_dlp.mac", &at, reterr);

	if (rc == 0)
		rc = find_named(ctl, m->bld_dlp.delmacs, m->bld_dlp.n_delmacs,
				false, "ctrl_bld_dlp.delmac", &not_at, reterr);
	if (rc == 0)
		rc = dlp_build(ctl->kept.dlp, m, strict, targets_of(at),
			       targets_of(not_at), reterr);
	if (rc == 0)
		rc = detect_again(ctl, true, reterr);
	free(at.endpoints);
	free(not_at.endpoints);
	return rc;
}

int change_bld_dlpmac(struct control *ctl, struct ctrl_msg *m, bool strict,
		      struct err *reterr)
{
	struct named old = { 0 }, add = { 0 }, del = { 0 };
	int rc = find_named(ctl, m->bld_dlpmac.oldmacs, m->bld_dlpmac.n_oldmacs,
			    false, "ctrl_bld_dlpmac.oldmac", &old, reterr);

	if (rc == 0)
		rc = find_named(ctl, m->bld_dlpmac.addmacs,
				m->bld_dlpmac.n_addmacs, strict,
				"ctrl_bld_dlpmac.addmac", &add, reterr);
	if (rc == 0)
		rc = find_named(ctl, m->bld_dlpmac.delmacs,
				m->bld_dlpmac.n_delmacs, false,
				"ctrl_bld_dlpmac.delmac", &del, reterr);
	if (rc == 0)
		rc = dlp_attach(ctl->kept.dlp, targets_of(old), targets_of(add),
				targets_of(del), reterr);
	if (rc == 0)
		rc = detect_again(ctl, true, reterr);
	free(old.endpoints);
	free(add.endpoints);
	free(del.endpoints);
	return rc;
}

/* The index may be another workload's by now. */
static void learn_port(struct control *ctl, const struct port_record *r)
{
	const struct endpoint *e =
		snapshot_endpoint(config_current(ctl->config), r->endpoint);

	if (e && mac_equal(e->mac, r->ep_mac) &&
	    !app_maps_learn(ctl->kept.apps, r->endpoint, &r->app))
		ctl->ports_not_learned++;
}

void change_ports_seen(struct control *ctl, usec_t now)
{
	struct port_page page;

	if (usec_before(now, ctl->next_ports))
		return;
	ctl->next_ports = usec_add(now, PORTS_TURN_US);
	do {
		ask_ports(&ctl->workers, &page);
		for (size_t i = 0; i < page.n; i++)
			learn_port(ctl, &page.records[i]);
	} while (page.n == PORT_NEWS_PER_QUESTION);
}
