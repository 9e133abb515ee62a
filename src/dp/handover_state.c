/*
 * Records that were told and may still be read keep their numbers, and the epoch
 * that they count from, so a reader goes on where it was.
 */
#include "dp/handover.h"
#include "dp/told.h"

struct saved_control {
	uint64_t epoch, successions;
	struct door_counts compat, own;
	uint64_t own_turned_away, own_pauses, ports_not_learned;
	struct told_reader threats, findings, connections;
	struct notify_counts notify;
	uint8_t trail_wanted;
};
IMAGE_PART(saved_control, "control", struct saved_control, 1);
IMAGE_PART(saved_notices, "notices", struct kept_notices, 1);

void handover_save(const struct control *ctl, struct image_writer *w)
{
	const struct told *t = &ctl->told;
	struct saved_control s = {
		.epoch = t->epoch,
		.successions = ctl->successions,
		.compat = ctl->compat,
		.own = ctl->own,
		.own_turned_away = ctl->own_turned_away,
		.own_pauses = ctl->own_pauses,
		.ports_not_learned = ctl->ports_not_learned,
		.threats = ctl->notify.threats,
		.findings = ctl->notify.findings,
		.connections = ctl->notify.connections,
		.notify = ctl->notify.counts,
		.trail_wanted = t->trail_wanted,
	};

	image_put(w, "control", &saved_control, &s, 1);
	image_put(w, "control", &saved_notices, &ctl->notify.kept, 1);
	backlog_save(t->connections, "connections", w);
	backlog_save(t->threats, "threats", w);
	backlog_save(t->findings, "findings", w);
	backlog_save(t->trail, "trail", w);
	app_maps_save(ctl->kept.apps, w);
}

static bool is_workload(void *arg, uint16_t endpoint)
{
	return snapshot_endpoint(arg, endpoint) != NULL;
}

/* false: one is not there; then the numbers mean nothing, and begin anew. */
static bool load_backlogs(struct told *t, const struct image_reader *r)
{
	bool all = backlog_load(t->connections, "connections", r);

	all &= backlog_load(t->threats, "threats", r);
	all &= backlog_load(t->findings, "findings", r);
	all &= backlog_load(t->trail, "trail", r);
	return all;
}

static void load_notices(struct notify *n, const struct saved_control *s,
			 const struct image_reader *r)
{
	struct kept_notices *k = &n->kept;

	n->threats = s->threats;
	n->findings = s->findings;
	n->connections = s->connections;
	n->counts = s->notify;
	if (!image_take(r, "control", &saved_notices, k, 1) ||
	    k->fqdn.n_ips > sizeof k->fqdn.ips / sizeof *k->fqdn.ips ||
	    k->ip_names.n > IP_NAMES_PER_QUESTION ||
	    k->ip_names_told > k->ip_names.n)
		*k = (struct kept_notices){ 0 };
}

void handover_load(struct control *ctl, const struct image_reader *r)
{
	/* the cast takes away a const that is_workload() gives back */
	void *now = (void *)(uintptr_t)config_current(ctl->config);
	struct saved_control s;

	app_maps_load(ctl->kept.apps, r, is_workload, now);
	if (!image_take(r, "control", &saved_control, &s, 1)) {
		log_warn("handover: what was told is not of this version");
		return;
	}
	ctl->successions = s.successions + 1;
	ctl->compat = s.compat;
	ctl->own = s.own;
	ctl->own_turned_away = s.own_turned_away;
	ctl->own_pauses = s.own_pauses;
	ctl->ports_not_learned = s.ports_not_learned;
	if (!load_backlogs(&ctl->told, r) || s.epoch == 0 ||
	    s.epoch > TOLD_EPOCH_MAX) {
		log_warn("handover: records that were told are not of this "
			 "version");
		return;
	}
	ctl->told.epoch = s.epoch;
	ctl->told.trail_wanted = s.trail_wanted != 0;
	load_notices(&ctl->notify, &s, r);
}
