#include "dp/answer_detection.h"

#include <string.h>

#include "base/addr.h"
#include "base/limits.h"
#include "dp/answer.h"
#include "wire/ctrl_detection.h"

static void set(json_t *o, const char *name, json_t *v)
{
	(void)json_object_set_new(o, name, v); /* missing without memory */
}

static void add_versions(json_t *o, const struct detection_state *s)
{
	answer_uint(o, "version", s->version);
	answer_uint(o, "in_force", s->in_force);
	set(o, "building", json_boolean(s->building));
}

static void add_state(json_t *o, const struct detection_state *s)
{
	add_versions(o, s);
	answer_uint(o, "left_out", s->left_out);
	answer_text(o, "error", s->error);
	set(o, "faults", s->faults ? json_deep_copy(s->faults) : json_array());
}

void answer_rules(json_t *result, const struct control *ctl)
{
	const struct detection *d = ctl->detection;
	struct detection_state s = detection_state(d, BUILT_RULES);
	const struct sig_set *set_now = detection_signatures(d);

	add_state(result, &s);
	answer_uint(result, "files", detection_ordered_rules(d)->n_files);
	answer_uint(result, "rules", s.read);
	answer_uint(result, "refused", s.refused);
	answer_uint(result, "signatures",
		    set_now ? sig_set_size(set_now).signatures : 0);
}

void answer_detection(json_t *result, const struct control *ctl)
{
	const struct detection *d = ctl->detection;
	struct detection_state s = detection_state(d, BUILT_SENSORS);
	struct snapshot_spec now =
		snapshot_spec_of(config_current(ctl->config));
	const struct sensor_set *sensors = detection_sensor_set(d);
	uint64_t workloads = 0;

	for (size_t i = 0; i < now.n_endpoints; i++)
		workloads += now.endpoints[i].used && now.endpoints[i].sensing;
	add_state(result, &s);
	answer_uint(result, "sensors",
		    sensors ? sensor_set_size(sensors).sensors : 0);
	answer_uint(result, "workloads", workloads);
}

void answer_detection_in_force(json_t *result, const struct control *ctl)
{
	struct detection_state rules =
		detection_state(ctl->detection, BUILT_RULES);
	struct detection_state sensors =
		detection_state(ctl->detection, BUILT_SENSORS);

	add_versions(answer_group(result, "weir_rules"), &rules);
	add_versions(answer_group(result, "weir_detection"), &sensors);
}

static void add_pool(json_t *o, const char *name, uint64_t in_use,
		     uint64_t limit, uint64_t none)
{
	json_t *p = answer_group(o, name);

	answer_uint(p, "in_use", in_use);
	answer_uint(p, "limit", limit);
	answer_uint(p, "no_place", none);
}

static void add_signature_set(json_t *o, const struct detection *d)
{
	const struct sig_set *set_now = detection_signatures(d);
	struct sig_set_size size = { 0 };

	if (set_now)
		size = sig_set_size(set_now);
	answer_uint(o, "rules", size.signatures);
	answer_uint(o, "unfiltered", size.unfiltered);
	answer_uint(o, "bytes",
		    size.database_bytes + size.pcre_bytes + size.other_bytes);
	answer_uint(o, "sets", detection_sets(d));
	answer_uint(o, "sets_limit", DETECTION_SETS_MAX);
}

static void add_signatures(json_t *o, const struct sig_scanner_counts *c)
{
	add_pool(o, "connections", c->flows, c->flows_limit, c->no_flow);
	add_pool(o, "blocks", c->blocks, c->blocks_limit, c->no_block);
	add_pool(o, "half_matched", c->waiting, c->waiting_limit,
		 c->no_waiting);
	answer_use(o, "thresholds", c->rates, c->rates_limit, c->rates_evicted);
	answer_uint(o, "kept_full", c->kept_full);
	answer_uint(o, "bits_full", c->bits_full);
	answer_uint(o, "sets_dropped", c->sets_dropped);
	answer_uint(o, "beyond_depth", c->beyond_depth);
	answer_uint(o, "pcre_limit", c->pcre_limit);
	answer_uint(o, "work_limit", c->work_limit);
	answer_uint(o, "scanned_bytes", c->scanned_bytes);
	answer_uint(o, "scans", c->scans);
	answer_uint(o, "recalled", c->recalled);
	answer_uint(o, "candidates", c->candidates);
	answer_uint(o, "confirmed", c->confirmed);
	answer_uint(o, "told", c->told);
	answer_uint(o, "silenced", c->silenced);
	answer_uint(o, "passed_over", c->passed_over);
}

static void add_sensors(json_t *o, const struct sensor_scanner_counts *c)
{
	answer_uint(o, "no_conversation", c->no_conversation);
	answer_uint(o, "no_window", c->no_window);
	answer_uint(o, "no_progress", c->no_progress);
	answer_uint(o, "pcre_limit", c->pcre_limit);
	answer_uint(o, "match_limit", c->match_limit);
	answer_uint(o, "restarted", c->restarted);
	answer_uint(o, "scanned_bytes", c->scanned_bytes);
	answer_uint(o, "views", c->views);
	answer_uint(o, "candidates", c->candidates);
	answer_uint(o, "told", c->told);
}

void answer_detection_counts(json_t *result, const struct control *ctl,
			     const struct inspect_counts *c)
{
	const struct sensor_set *sensors = detection_sensor_set(ctl->detection);
	json_t *o = answer_group(result, "signatures");

	add_signature_set(o, ctl->detection);
	add_signatures(o, &c->signatures);
	o = answer_group(result, "sensors");
	answer_uint(o, "in_force",
		    sensors ? sensor_set_size(sensors).sensors : 0);
	add_sensors(o, &c->sensors);
	answer_uint(o, "beyond_depth", c->sensors_beyond_depth);
}

/* --- to be sent again --------------------------------------------------------- */

static void add(json_t *messages, enum ctrl_kind kind, json_t *body)
{
	json_t *m = json_object();

	set(m, ctrl_name(kind), body);
	(void)json_array_append_new(messages, m);
}

static void add_rules(json_t *messages, const struct detection *d)
{
	const struct rules_message *r = detection_ordered_rules(d);
	json_t *body = json_object(), *files = json_array();
	json_t *variables = json_object();

	for (size_t i = 0; i < r->n_files; i++)
		(void)json_array_append_new(
			files, json_pack("{s:s, s:s}", "name", r->files[i].name,
					 "text", r->files[i].text));
	for (size_t i = 0; i < r->n_variables; i++)
		set(variables, r->variables[i].name,
		    json_string(r->variables[i].value));
	answer_uint(body, "version", r->version);
	set(body, "force", json_true());
	set(body, "variables", variables);
	set(body, "files", files);
	add(messages, CTRL_WEIR_RULES, body);
}

static json_t *uses_json(const struct workload_sensing *w)
{
	json_t *list = json_array();

	for (size_t i = 0; i < w->n_uses; i++)
		(void)json_array_append_new(
			list,
			json_pack("{s:I, s:s}", "id", (json_int_t)w->uses[i].id,
				  "action",
				  w->uses[i].action == SENSOR_BLOCK ? "block"
								    : "alert"));
	return list;
}

static void add_detection(json_t *messages, const struct control *ctl)
{
	struct snapshot_spec s = snapshot_spec_of(config_current(ctl->config));
	const struct detection *d = ctl->detection;
	json_t *body = json_object(), *workloads = json_array();
	char mac[MAC_TEXT_MAX];

	for (size_t i = 0; i < s.n_endpoints; i++) {
		const struct workload_sensing *w =
			detection_told(d, (uint16_t)i);

		if (!w || !s.endpoints[i].used)
			continue;
		(void)json_array_append_new(
			workloads,
			json_pack("{s:[s], s:o, s:s}", "macs",
				  mac_format(s.endpoints[i].mac, mac),
				  "sensors", uses_json(w), "signatures",
				  signatures_mode_name((enum signatures_mode)
							       w->signatures)));
	}
	answer_uint(body, "version", detection_state(d, BUILT_SENSORS).version);
	set(body, "force", json_true());
	set(body, "sensors", json_deep_copy(detection_ordered_sensors(d)));
	set(body, "workloads", workloads);
	add(messages, CTRL_WEIR_DETECTION, body);
}

void answer_detection_messages(json_t *messages, const struct control *ctl)
{
	if (detection_state(ctl->detection, BUILT_RULES).version > 0)
		add_rules(messages, ctl->detection);
	if (detection_ordered_sensors(ctl->detection))
		add_detection(messages, ctl);
}
