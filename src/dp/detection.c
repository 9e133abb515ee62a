#include "dp/detection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/limits.h"
#include "base/log.h"
#include "dp/ask.h"
#include "wire/ctrl_detection.h"

/* A set that some lanes of workers are of. */
struct used_set {
	struct sig_set *set;
	unsigned lanes;
};

/* What weir_detection said of workloads; counted by those who have it. */
struct told_sensing {
	unsigned users;
	struct workload_sensing w; /* without MACs */
};

struct kind_state {
	uint64_t version, in_force;
	struct built last; /* without its set */
};

struct detection {
	const struct workers *ws;
	const struct dlp *dlp;
	struct builder *builder;
	struct kind_state kinds[BUILT__MAX];
	struct rules_message rules; /* as ordered */
	json_t *sensors;	    /* likewise; NULL: none */
	struct told_sensing *told[ENDPOINTS_MAX];
	/* While sensors are built: told[] and sensors as of those in force. */
	struct told_sensing **told_before; /* ENDPOINTS_MAX; NULL: none are */
	json_t *sensors_before;
	/* [0]: in force, or NULL; then older ones that are still in use. */
	struct used_set sets[DETECTION_SETS_MAX];
	unsigned n_sets;
	bool has_current;
	struct sensor_set *sensor_set;
};

/* --- who has which ------------------------------------------------------------ */

static void told_put(struct told_sensing *t)
{
	if (!t || --t->users > 0)
		return;
	free(t->w.uses);
	free(t);
}

static void set_told(struct detection *d, uint16_t endpoint,
		     struct told_sensing *t)
{
	struct told_sensing *before = d->told[endpoint];

	if (t)
		t->users++;
	d->told[endpoint] = t;
	told_put(before);
}

void detection_forget(struct detection *d, uint16_t endpoint)
{
	set_told(d, endpoint, NULL);
	if (!d->told_before)
		return;
	told_put(d->told_before[endpoint]);
	d->told_before[endpoint] = NULL;
}

const struct workload_sensing *detection_told(const struct detection *d,
					      uint16_t endpoint)
{
	return d->told[endpoint] ? &d->told[endpoint]->w : NULL;
}

/* An array that the caller frees; NULL: out of memory. */
static struct sensor_use *compat_uses(const struct dlp_use *uses, size_t n)
{
	struct sensor_use *list = calloc(n + 1, sizeof *list);

	for (size_t i = 0; list && i < n; i++)
		list[i] = (struct sensor_use){
			.id = uses[i].id,
			.action = uses[i].action == DLP_ACTION_DROP
					  ? SENSOR_BLOCK
					  : SENSOR_ALERT,
		};
	return list;
}

/* As config_sensing_fn. NeuVector's need a detector as well as a scope. */
static int sensing_of(void *arg, uint16_t endpoint, struct sensing **ret)
{
	const struct detection *d = arg;
	const struct told_sensing *t = d->told[endpoint];
	const struct dlp_scope *scope = dlp_scope_of(d->dlp, endpoint);
	const struct dlp_detector *detector = dlp_detector_of(d->dlp, endpoint);
	struct sensing_spec spec = { .signatures = SIGNATURES_ENFORCE };
	struct sensor_use *dlp = NULL, *waf = NULL;

	*ret = NULL;
	if (!t && !(scope && detector))
		return 0;
	if (t) {
		spec.own = (struct sensor_uses){ t->w.uses, t->w.n_uses };
		spec.signatures = t->w.signatures;
	}
	if (scope && detector) {
		dlp = compat_uses(scope->dlp, scope->n_dlp);
		waf = compat_uses(scope->waf, scope->n_waf);
		if (!dlp || !waf)
			goto no_memory;
		spec.dlp = (struct sensor_uses){ dlp, scope->n_dlp };
		spec.waf = (struct sensor_uses){ waf, scope->n_waf };
		spec.scope = (struct sensor_scope){
			.rule_ids = scope->rule_ids,
			.waf_rule_ids = scope->waf_rule_ids,
			.n_rule_ids = scope->n_rule_ids,
			.n_waf_rule_ids = scope->n_waf_rule_ids,
			.inside = scope->inside,
			.waf_inside = scope->waf_inside,
			.dir = detector->dir,
		};
	}
	*ret = sensing_new(&spec);
no_memory:
	free(dlp);
	free(waf);
	return *ret ? 0 : -ENOMEM;
}

/* --- orders ------------------------------------------------------------------- */

static int check_version(const struct kind_state *k, uint64_t version,
			 bool force, const char *at, struct err *reterr)
{
	if (version >= k->version || force)
		return 0;
	return err_set(reterr, ESTALE, at, "%llu is in force, got %llu",
		       (unsigned long long)k->version,
		       (unsigned long long)version);
}

int detection_rules(struct detection *d, struct ctrl_msg *m, struct err *reterr)
{
	struct rules_message *r = &m->rules, copy;
	struct kind_state *k = &d->kinds[BUILT_RULES];
	int rc = check_version(k, r->version, r->force, "weir_rules.version",
			       reterr);

	if (rc < 0)
		return rc;
	if (!rules_message_copy(r, &copy))
		return err_set(reterr, ENOMEM, "weir_rules", "out of memory");
	k->version = r->version;
	rules_message_done(&d->rules);
	d->rules = copy;
	builder_rules(d->builder, r);
	return 0;
}

static int by_id_and_age(const void *a, const void *b)
{
	const struct dlp_latest *x = a, *y = b;

	if (x->rule.id != y->rule.id)
		return x->rule.id < y->rule.id ? -1 : 1;
	return x->serial > y->serial ? -1 : x->serial < y->serial;
}

/* NeuVector's, each id once; the texts are borrowed. */
static int compat_rules(const struct detection *d, struct dlp_rule **ret,
			size_t *ret_n, struct err *reterr)
{
	struct dlp_latest *all;
	size_t n = dlp_latest(d->dlp, &all), k = 0;
	struct dlp_rule *rules = all ? calloc(n + 1, sizeof *rules) : NULL;

	if (!rules) {
		free(all);
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	if (n > 1)
		qsort(all, n, sizeof *all, by_id_and_age);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || all[i].rule.id != all[i - 1].rule.id)
			rules[k++] = all[i].rule;
	free(all);
	*ret = rules;
	*ret_n = k;
	return 0;
}

/* Ours, then NeuVector's; *ret NULL: there are none. */
static int whole_list(const struct detection *d, const json_t *own,
		      struct sensor_list **ret, struct err *reterr)
{
	struct sensor_list *list = NULL, *compat = NULL;
	struct dlp_rule *rules = NULL;
	size_t n = 0;
	int rc = compat_rules(d, &rules, &n, reterr);

	if (rc == 0 && own)
		rc = sensor_list_parse(own, &list, reterr);
	if (rc == 0 && n > 0)
		rc = sensor_list_of_dlp(rules, n, &compat, reterr);
	free(rules);
	if (rc == 0 && list && compat)
		rc = sensor_list_join(list, compat, reterr);
	else if (!list)
		list = compat;
	if (rc == 0) {
		*ret = list;
		return 0;
	}
	sensor_list_free(list);
	return rc;
}

static int order_sensors(struct detection *d, const json_t *own,
			 uint64_t version, struct err *reterr)
{
	struct sensor_list *list = NULL;
	int rc = whole_list(d, own, &list, reterr);

	if (rc == 0)
		builder_sensors(d->builder, list, version);
	return rc;
}

/* What workloads were told is taken away, into before[ENDPOINTS_MAX]. */
static void put_aside(struct detection *d, struct told_sensing **before)
{
	memcpy(before, d->told, sizeof d->told);
	memset(d->told, 0, sizeof d->told);
}

/* It is again as it was. */
static void put_back(struct detection *d, struct told_sensing **before)
{
	for (uint16_t i = 0; i < ENDPOINTS_MAX; i++)
		set_told(d, i, NULL);
	memcpy(d->told, before, sizeof d->told);
}

/*
 * The workload's uses become those of who tells them; what was told until then
 * is in before[].
 */
static int tell_all(struct detection *d, const struct config *c,
		    struct detection_message *m, struct told_sensing **before,
		    struct err *reterr)
{
	struct told_sensing **all;
	size_t n = 0;

	all = calloc(m->n_workloads + 1, sizeof(struct told_sensing *));
	while (all && n < m->n_workloads && (all[n] = calloc(1, sizeof **all)))
		n++;
	if (!all || n < m->n_workloads) {
		while (n > 0)
			free(all[--n]);
		free(all);
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	put_aside(d, before);
	for (size_t i = 0; i < n; i++) {
		struct workload_sensing *w = &m->workloads[i];

		all[i]->users = 1; /* while it is given away */
		all[i]->w = (struct workload_sensing){ .uses = w->uses,
						       .n_uses = w->n_uses,
						       .signatures =
							       w->signatures };
		w->uses = NULL;
		for (size_t k = 0; k < w->n_macs; k++) {
			uint16_t e = snapshot_find_mac(config_current(c),
						       w->macs[k], MAC_REAL);

			if (e != ENDPOINT_NONE)
				set_told(d, e, all[i]);
		}
		told_put(all[i]);
	}
	free(all);
	return 0;
}

static void free_before(struct told_sensing **before)
{
	for (size_t i = 0; before && i < ENDPOINTS_MAX; i++)
		told_put(before[i]);
	free(before);
}

/* What was told before is not asked for any more. */
static void forget_before(struct detection *d)
{
	free_before(d->told_before);
	json_decref(d->sensors_before);
	d->told_before = NULL;
	d->sensors_before = NULL;
}

/* Nothing came of the new sensors: who had which of the old ones has them again. */
static void restore_before(struct detection *d, struct config *c)
{
	struct err err = { 0 };

	if (!d->told_before)
		return;
	put_back(d, d->told_before);
	free(d->told_before);
	json_decref(d->sensors);
	d->sensors = d->sensors_before;
	d->told_before = NULL;
	d->sensors_before = NULL;
	if (config_set_sensing(c, sensing_of, d, &err) < 0)
		log_warn("sensors are not as before, tell them again: %s",
			 err.text);
}

/*
 * As detection_sensors(), but for what is to be built. building: what was told
 * until now is kept until that is in force.
 */
static int use_sensors(struct detection *d, struct config *c,
		       struct detection_message *s, bool building,
		       struct err *reterr)
{
	struct told_sensing **before =
		calloc(ENDPOINTS_MAX, sizeof(struct told_sensing *));
	int rc = before ? tell_all(d, c, s, before, reterr)
			: err_set(reterr, ENOMEM, NULL, "out of memory");

	if (rc < 0)
		goto out;
	rc = config_set_sensing(c, sensing_of, d, reterr);
	if (rc < 0) {
		put_back(d, before);
	} else if (building && !d->told_before) {
		d->told_before = before;
		d->sensors_before = json_incref(d->sensors);
		return 0;
	} else {
		free_before(before);
		return 0;
	}
out:
	free(before);
	return rc;
}

int detection_sensors(struct detection *d, struct config *c, struct ctrl_msg *m,
		      struct err *reterr)
{
	struct detection_message *s = &m->detection;
	struct kind_state *k = &d->kinds[BUILT_SENSORS];
	bool other = !d->sensors || !json_equal(d->sensors, s->sensors);
	struct sensor_list *list = NULL;
	int rc = check_version(k, s->version, s->force,
			       "weir_detection.version", reterr);

	if (rc == 0 && other) {
		rc = whole_list(d, s->sensors, &list, reterr);
		if (rc < 0)
			err_prefix(reterr, "weir_detection.sensors");
	}
	if (rc == 0)
		rc = use_sensors(d, c, s, other, reterr);
	if (rc < 0) {
		sensor_list_free(list);
		return rc;
	}
	/* nothing fails from here on */
	if (other)
		builder_sensors(d->builder, list, s->version);
	json_decref(d->sensors);
	d->sensors = json_incref(s->sensors);
	k->version = s->version;
	if (!other && !builder_is_busy(d->builder, BUILT_SENSORS))
		k->in_force = s->version;
	return 0;
}

int detection_dlp_changed(struct detection *d, struct config *c, bool patterns,
			  struct err *reterr)
{
	int rc = 0;

	if (patterns)
		rc = order_sensors(d, d->sensors,
				   d->kinds[BUILT_SENSORS].version, reterr);
	return rc < 0 ? rc : config_set_sensing(c, sensing_of, d, reterr);
}

/* --- what was built comes into force -------------------------------------------- */

static void unuse(struct detection *d, struct sig_lane *lane)
{
	const struct sig_set *set = sig_lane_set(lane);

	sig_lane_free(lane);
	for (unsigned i = 0; i < d->n_sets; i++) {
		if (d->sets[i].set != set)
			continue;
		BUG_ON(d->sets[i].lanes == 0);
		d->sets[i].lanes--;
		return;
	}
	BUG_ON(true);
}

/* Sets without a lane that are not in force go. */
static void free_unused(struct detection *d)
{
	unsigned to = d->has_current;

	for (unsigned i = d->has_current; i < d->n_sets; i++) {
		struct used_set *u = &d->sets[i];

		if (u->lanes > 0)
			d->sets[to++] = *u;
		else
			sig_set_free(u->set);
	}
	d->n_sets = to;
}

static void collect(struct detection *d)
{
	for (unsigned i = 0; i < d->ws->n; i++) {
		struct sig_lane *lane;

		while ((lane = ask_give_back_signatures(d->ws->at[i])))
			unuse(d, lane);
	}
	free_unused(d);
}

/* Workers may hold on to different ones: of all no more than of one. */
static void drop_oldest(struct detection *d)
{
	while (d->n_sets >= SIG_SETS_MAX) {
		for (unsigned i = 0; i < d->ws->n; i++)
			ask_drop_set(d->ws->at[i], d->sets[d->n_sets - 1].set);
		collect(d);
	}
}

/* All or none; lanes that could not be made leave what is in force. */
static bool make_lanes(const struct detection *d, const struct sig_set *set,
		       struct sig_lane **lanes)
{
	for (unsigned i = 0; set && i < d->ws->n; i++) {
		lanes[i] = sig_lane_new(set);
		if (lanes[i])
			continue;
		while (i > 0)
			sig_lane_free(lanes[--i]);
		return false;
	}
	return true;
}

static bool adopt_signatures(struct detection *d, struct sig_set *set)
{
	struct sig_lane *lanes[WORKERS_MAX] = { NULL };

	if (!make_lanes(d, set, lanes))
		return false;
	collect(d);
	drop_oldest(d);
	if (set) {
		memmove(&d->sets[1], &d->sets[0],
			d->n_sets * sizeof d->sets[0]);
		d->sets[0] = (struct used_set){ set, d->ws->n };
		d->n_sets++;
	}
	d->has_current = set != NULL;
	for (unsigned i = 0; i < d->ws->n; i++)
		ask_adopt_signatures(d->ws->at[i], lanes[i]);
	collect(d);
	return true;
}

static bool adopt_sensors(struct detection *d, struct sensor_set *set)
{
	struct sensor_lane *lanes[WORKERS_MAX] = { NULL };
	struct sensor_set *before = d->sensor_set;

	for (unsigned i = 0; set && i < d->ws->n; i++) {
		lanes[i] = sensor_lane_new(set);
		if (lanes[i])
			continue;
		while (i > 0)
			sensor_lane_free(lanes[--i]);
		return false;
	}
	for (unsigned i = 0; i < d->ws->n; i++)
		sensor_lane_free(ask_adopt_sensors(d->ws->at[i], lanes[i]));
	d->sensor_set = set;
	sensor_set_free(before);
	return true;
}

/* Connections that the kernel has come back, and are looked at. */
static void look_again(struct config *c)
{
	struct err err = { 0 };

	if (config_renew(c, &err) < 0)
		log_warn("sensors look at new connections only: %s", err.text);
}

static const char *const names[BUILT__MAX] = {
	[BUILT_RULES] = "weir_rules",
	[BUILT_SENSORS] = "weir_detection",
};

/* What was there before goes on where nothing came of it. */
static void in_force(struct detection *d, struct config *c, struct built *r)
{
	struct kind_state *k = &d->kinds[r->kind];
	bool ok = !r->failed;

	if (ok && r->kind == BUILT_RULES)
		ok = adopt_signatures(d, r->signatures);
	else if (ok)
		ok = adopt_sensors(d, r->sensors);
	if (ok && r->kind == BUILT_SENSORS) {
		forget_before(d);
		look_again(c);
	} else if (r->kind == BUILT_SENSORS) {
		restore_before(d, c);
	}
	if (ok) {
		r->signatures = NULL;
		r->sensors = NULL;
		k->in_force = r->version;
	} else if (!r->failed) {
		(void)err_set(&r->err, ENOMEM, NULL, "out of memory");
		r->failed = true;
	}
	if (r->failed)
		log_warn("%s: nothing came of it, what was in force stays: "
			 "version=%llu: %s",
			 names[r->kind], (unsigned long long)r->version,
			 r->err.text);
	sig_set_free(r->signatures);
	sensor_set_free(r->sensors);
	r->signatures = NULL;
	r->sensors = NULL;
	built_done(&k->last);
	k->last = *r;
}

int detection_fd(const struct detection *d)
{
	return builder_fd(d->builder);
}

bool detection_has_old(const struct detection *d)
{
	return d->n_sets > d->has_current;
}

void detection_turn(struct detection *d, struct config *c)
{
	struct built r;

	while (builder_take(d->builder, &r))
		in_force(d, c, &r);
	if (detection_has_old(d))
		collect(d);
}

int detection_settle(struct detection *d, struct config *c, struct err *reterr)
{
	builder_wait(d->builder);
	detection_turn(d, c);
	for (unsigned i = 0; i < BUILT__MAX; i++) {
		const struct built *b = &d->kinds[i].last;

		if (b->failed)
			return err_set(reterr, b->err.code, names[i], "%s",
				       b->err.text);
	}
	return 0;
}

/* --- what is told ------------------------------------------------------------- */

struct detection_state detection_state(const struct detection *d,
				       enum built_kind kind)
{
	const struct kind_state *k = &d->kinds[kind];

	return (struct detection_state){
		.version = k->version,
		.in_force = k->in_force,
		.building = builder_is_busy(d->builder, kind),
		.read = k->last.read,
		.refused = k->last.refused,
		.left_out = k->last.left_out,
		.faults = k->last.faults,
		.error = k->last.failed ? k->last.err.text : "",
	};
}

const struct sig_set *detection_signatures(const struct detection *d)
{
	return d->has_current ? d->sets[0].set : NULL;
}

const struct sensor_set *detection_sensor_set(const struct detection *d)
{
	return d->sensor_set;
}

unsigned detection_sets(const struct detection *d)
{
	return d->n_sets;
}

const struct rules_message *detection_ordered_rules(const struct detection *d)
{
	return &d->rules;
}

const json_t *detection_ordered_sensors(const struct detection *d)
{
	return d->sensors;
}

struct detection *detection_start(const struct workers *ws,
				  const struct dlp *dlp, struct err *reterr)
{
	struct detection *d = calloc(1, sizeof *d);

	if (!d) {
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	d->ws = ws;
	d->dlp = dlp;
	d->builder = builder_new(reterr);
	if (d->builder)
		return d;
	free(d);
	return NULL;
}

void detection_stop(struct detection *d)
{
	if (!d)
		return;
	builder_free(d->builder);
	for (unsigned i = 0; i < d->ws->n; i++) {
		ask_drop_signatures(d->ws->at[i]);
		sensor_lane_free(ask_adopt_sensors(d->ws->at[i], NULL));
	}
	d->has_current = false;
	collect(d);
	BUG_ON(d->n_sets > 0);
	for (unsigned i = 0; i < ENDPOINTS_MAX; i++)
		set_told(d, (uint16_t)i, NULL);
	for (int k = 0; k < BUILT__MAX; k++)
		built_done(&d->kinds[k].last);
	sensor_set_free(d->sensor_set);
	rules_message_done(&d->rules);
	forget_before(d);
	json_decref(d->sensors);
	free(d);
}
