#include "dp/replay_detection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "detect/sensor_scan.h"
#include "detect/sig_scan.h"
#include "dp/builder.h"
#include "wire/ctrl_detection.h"

struct replay_detection {
	struct inspect *in;
	struct config *config;
	struct builder *builder;
	struct sig_set *signatures;
	struct sig_lane *sig_lane;
	struct sensor_set *sensors;
	struct sensor_lane *sensor_lane;
	struct detection_message told; /* who has which */
};

bool replay_detection_is_asked(const json_t *load)
{
	for (size_t i = 0; i < json_array_size(load); i++) {
		const json_t *m = json_array_get(load, i);

		if (json_object_get(m, "weir_rules") ||
		    json_object_get(m, "weir_detection"))
			return true;
	}
	return false;
}

struct replay_detection *replay_detection_new(struct inspect *in,
					      struct config *c,
					      struct err *reterr)
{
	struct replay_detection *d = calloc(1, sizeof *d);

	if (!d) {
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	d->in = in;
	d->config = c;
	d->builder = builder_new(reterr);
	if (d->builder)
		return d;
	free(d);
	return NULL;
}

static void take_lanes(struct replay_detection *d)
{
	inspect_drop_signatures(d->in);
	(void)inspect_adopt_sensors(d->in, NULL); /* ours, below */
	sig_lane_free(d->sig_lane);
	sensor_lane_free(d->sensor_lane);
	d->sig_lane = NULL;
	d->sensor_lane = NULL;
}

static int give_lanes(struct replay_detection *d)
{
	if (d->signatures) {
		d->sig_lane = sig_lane_new(d->signatures);
		if (!d->sig_lane)
			return -ENOMEM;
		inspect_adopt_signatures(d->in, d->sig_lane);
	}
	if (d->sensors) {
		d->sensor_lane = sensor_lane_new(d->sensors);
		if (!d->sensor_lane)
			return -ENOMEM;
		(void)inspect_adopt_sensors(d->in, d->sensor_lane);
	}
	return 0;
}

int replay_detection_move(struct replay_detection *d, struct inspect *next)
{
	take_lanes(d);
	d->in = next;
	return give_lanes(d);
}

void replay_detection_free(struct replay_detection *d)
{
	if (!d)
		return;
	builder_free(d->builder);
	take_lanes(d);
	sig_set_free(d->signatures);
	sensor_set_free(d->sensors);
	detection_message_done(&d->told);
	free(d);
}

static int build(struct replay_detection *d, struct err *reterr)
{
	struct built b = { 0 };
	int rc = 0;

	builder_wait(d->builder);
	if (!builder_take(d->builder, &b))
		return err_set(reterr, EIO, NULL, "nothing was built");
	if (b.refused)
		log_warn("--load: %llu rules refused, ignoring them",
			 (unsigned long long)b.refused);
	if (b.failed) {
		*reterr = b.err;
		rc = -EINVAL;
	} else {
		take_lanes(d);
		if (b.signatures) {
			d->signatures = b.signatures;
			b.signatures = NULL;
		}
		if (b.sensors) {
			d->sensors = b.sensors;
			b.sensors = NULL;
		}
		rc = give_lanes(d);
		if (rc < 0)
			(void)err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	built_done(&b);
	return rc;
}

int replay_rules(struct replay_detection *d, struct ctrl_msg *m,
		 struct err *reterr)
{
	if (d->signatures || m->rules.ask)
		return 0;
	builder_rules(d->builder, &m->rules);
	return build(d, reterr);
}

/* As config_set_sensing() asks. */
static int sensing_of(void *arg, uint16_t index, struct sensing **ret)
{
	const struct replay_detection *d = arg;
	const struct endpoint *e =
		snapshot_endpoint(config_current(d->config), index);

	*ret = NULL;
	for (size_t i = 0; e && i < d->told.n_workloads; i++) {
		const struct workload_sensing *w = &d->told.workloads[i];
		const struct sensing_spec spec = {
			.own = { w->uses, w->n_uses },
			.signatures = w->signatures,
		};

		for (size_t k = 0; k < w->n_macs; k++)
			if (!*ret && mac_equal(w->macs[k], e->mac)) {
				*ret = sensing_new(&spec);
				if (!*ret)
					return -ENOMEM;
			}
	}
	return 0;
}

int replay_sensors(struct replay_detection *d, struct ctrl_msg *m,
		   struct err *reterr)
{
	struct sensor_list *list = NULL;
	int rc = 0;

	if (d->sensors || m->detection.ask)
		return 0;
	d->told = m->detection;
	m->detection = (struct detection_message){ .ask = true };
	if (d->told.sensors)
		rc = sensor_list_parse(d->told.sensors, &list, reterr);
	if (rc < 0)
		return rc;
	builder_sensors(d->builder, list, d->told.version);
	rc = build(d, reterr);
	return rc == 0 ? config_set_sensing(d->config, sensing_of, d, reterr)
		       : rc;
}
