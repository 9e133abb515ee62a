/*
 * Families in the order of docs/metrics.md, each with HELP and TYPE once. Most
 * are numbers of `status`, by their path in it; what there is of each workload
 * comes from `top`. An agent that is away is no error: weir_up says so.
 *
 * Only workloads make many of a family: the first API_METRICS_WORKLOADS_MAX by
 * id, and the sum of the others.
 */
#include "api/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/follow.h"
#include "api/hall.h"
#include "api/link.h"
#include "api/server.h"
#include "api/serving.h"
#include "api/stream.h"
#include "base/limits_api.h"

#define TYPE "text/plain; version=0.0.4; charset=utf-8"

/* --- lines ------------------------------------------------------------------- */

static void family(struct text *t, const char *name, const char *type,
		   const char *help)
{
	text_addf(t, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A label's value, with what must be escaped. */
static void add_value(struct text *t, const char *value)
{
	for (; *value; value++) {
		if (*value == '\n')
			text_add_word(t, "\\n");
		else if (*value == '"' || *value == '\\')
			text_addf(t, "\\%c", *value);
		else
			text_add(t, value, 1);
	}
}

static void plain(struct text *t, const char *name, const char *type,
		  const char *help, double value)
{
	family(t, name, type, help);
	text_addf(t, "%s %.17g\n", name, value);
}

static void labelled(struct text *t, const char *name, const char *label,
		     const char *value, double number)
{
	text_addf(t, "%s{%s=\"", name, label);
	add_value(t, value);
	text_addf(t, "\"} %.17g\n", number);
}

/* --- of status ------------------------------------------------------------------ */

static const struct {
	const char *name, *type, *help;
	const char *path; /* in status, with dots; true is 1 */
} numbers[] = {
	{ "weir_start_time_seconds", "gauge",
	  "When the agent was started, in seconds since 1970.", "started" },
	{ "weir_data_plane_up", "gauge", "1 while the data plane answers.",
	  "data_plane.up" },
	{ "weir_data_plane_starts_total", "counter",
	  "Data planes that the agent has started.", "data_plane.starts" },
	{ "weir_workloads", "gauge", "Workloads that are here.",
	  "counts.workloads" },
	{ "weir_containers", "gauge", "Containers that are here.",
	  "counts.containers" },
	{ "weir_ports", "gauge", "Ports of workloads.", "counts.ports" },
	{ "weir_ports_diverted", "gauge", "Ports that are diverted.",
	  "counts.diverted" },
	{ "weir_ports_failed", "gauge", "Ports that could not be diverted.",
	  "counts.failed" },
	{ "weir_ports_unclaimed", "gauge", "Ports that are no workload's.",
	  "counts.unclaimed" },
	{ "weir_policy_revision", "gauge", "Revision of the policy.",
	  "policy.revision" },
	{ "weir_policy_in_force", "gauge",
	  "1 while the last revision is in force.", "policy.in_force" },
	{ "weir_signatures", "gauge", "Signatures that are in force.",
	  "detection.signatures.signatures" },
	{ "weir_signatures_refused", "gauge",
	  "Rules of signatures that were refused.",
	  "detection.signatures.refused" },
	{ "weir_sensors", "gauge", "Sensors that are in force.",
	  "detection.sensors.sensors" },
	{ "weir_records_waiting", "gauge",
	  "Flows and events that wait to be stored.", "records.waiting" },
	{ "weir_records_lost_flows_total", "counter",
	  "Flows that could not be stored.", "records.lost_flows" },
	{ "weir_records_lost_events_total", "counter",
	  "Events that could not be stored.", "records.lost_events" },
	{ "weir_store_flows", "gauge", "Flows in the store.",
	  "records.store.flows" },
	{ "weir_store_events", "gauge", "Events in the store.",
	  "records.store.events" },
	{ "weir_store_bytes", "gauge", "Size of the store on disk, in bytes.",
	  "records.store.bytes_on_disk" },
	{ "weir_store_write_failures_total", "counter",
	  "Writes to the store that failed.", "records.store.write_failures" },
};

static const json_t *at_path(const json_t *o, const char *path)
{
	char name[40];

	while (o && *path) {
		size_t len = strcspn(path, ".");

		(void)snprintf(name, sizeof name, "%.*s", (int)len, path);
		o = json_object_get(o, name);
		path += len + (path[len] == '.');
	}
	return o;
}

static double number_of(const json_t *v)
{
	return json_is_true(v) ? 1 : json_number_value(v);
}

static const char *text_of(const json_t *o, const char *path)
{
	const char *text = json_string_value(at_path(o, path));

	return text ? text : "";
}

static void add_status(struct text *t, const json_t *status)
{
	const json_t *source;
	size_t i;

	plain(t, "weir_up", "gauge", "1 while the agent answers.",
	      status != NULL);
	if (!status)
		return;
	family(t, "weir_build_info", "gauge",
	       "Version of the agent; always 1.");
	labelled(t, "weir_build_info", "version", text_of(status, "version"),
		 1);
	for (i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		const json_t *v = at_path(status, numbers[i].path);

		/* sensors and signatures: not before a data plane has said */
		if (v)
			plain(t, numbers[i].name, numbers[i].type,
			      numbers[i].help, number_of(v));
	}
	family(t, "weir_runtime_up", "gauge",
	       "1 while that runtime is heard, by its socket or folder.");
	json_array_foreach (json_object_get(status, "runtimes"), i, source)
		labelled(t, "weir_runtime_up", "path", text_of(source, "path"),
			 number_of(json_object_get(source, "up")));
}

/* --- of each workload ---------------------------------------------------------------- */

static const struct {
	const char *name, *type, *help;
	const char *member, *label; /* label: more of it, or "" */
} columns[] = {
	{ "weir_workload_bytes_total", "counter",
	  "Bytes of a workload's frames, as the kernel counts them.",
	  "bytes_in", ",direction=\"in\"" },
	{ "weir_workload_bytes_total", NULL, NULL, "bytes_out",
	  ",direction=\"out\"" },
	{ "weir_workload_packets_total", "counter", "Frames of a workload.",
	  "packets_in", ",direction=\"in\"" },
	{ "weir_workload_packets_total", NULL, NULL, "packets_out",
	  ",direction=\"out\"" },
	{ "weir_workload_dropped_total", "counter",
	  "Frames of a workload that were dropped.", "dropped", "" },
	{ "weir_workload_violations_total", "counter",
	  "Connections that the policy does not allow.", "violations", "" },
	{ "weir_workload_sessions", "gauge",
	  "Connections of a workload that are open.", "sessions", "" },
	{ "weir_workload_sessions_total", "counter",
	  "Connections of a workload that were begun.", "sessions_made", "" },
};

static int compare_ids(const void *a, const void *b)
{
	return strcmp(text_of(*(json_t *const *)a, "id"),
		      text_of(*(json_t *const *)b, "id"));
}

static void add_column(struct text *t, size_t c, json_t *const *rows, size_t n)
{
	double others = 0;

	if (columns[c].type)
		family(t, columns[c].name, columns[c].type, columns[c].help);
	for (size_t i = 0; i < n; i++) {
		double v =
			number_of(json_object_get(rows[i], columns[c].member));

		if (i >= API_METRICS_WORKLOADS_MAX) {
			others += v;
			continue;
		}
		text_addf(t, "%s{workload=\"", columns[c].name);
		add_value(t, text_of(rows[i], "id"));
		text_addf(t, "\",name=\"");
		add_value(t, text_of(rows[i], "name"));
		text_addf(t, "\"%s} %.17g\n", columns[c].label, v);
	}
	if (n > API_METRICS_WORKLOADS_MAX)
		text_addf(t, "%s{workload=\"\",name=\"(others)\"%s} %.17g\n",
			  columns[c].name, columns[c].label, others);
}

static void add_workloads(struct text *t, const json_t *top)
{
	const json_t *list = json_object_get(top, "workloads");
	size_t n = json_array_size(list), i;
	json_t **rows = calloc(n + 1, sizeof(json_t *)), *row;

	if (!rows) {
		t->failed = true;
		return;
	}
	json_array_foreach (list, i, row)
		rows[i] = row;
	qsort(rows, n, sizeof(json_t *), compare_ids);
	for (size_t c = 0; n && c < sizeof columns / sizeof *columns; c++)
		add_column(t, c, rows, n);
	free(rows);
}

/* --- of the data planes --------------------------------------------------------------- */

/* Numbers by name. */
static void add_named(struct text *t, const char *metric, const char *help,
		      const char *label, json_t *of)
{
	const char *name;
	json_t *v;

	if (!of)
		return;
	family(t, metric, "counter", help);
	json_object_foreach (of, name, v)
		labelled(t, metric, label, name, number_of(v));
}

static void add_planes(struct text *t, const json_t *top)
{
	add_named(t, "weir_dropped_total", "Frames that were dropped.",
		  "reason", json_object_get(top, "dropped"));
	add_named(t, "weir_inspection_limits_total",
		  "What could not be inspected as it should.", "limit",
		  json_object_get(top, "limits_met"));
}

/* --- of weir-api itself ---------------------------------------------------------------- */

static double resident_bytes(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f)
		return 0;
	if (fscanf(f, "%*u %lu", &pages) != 1) /* NOLINT(cert-err34-c) */
		pages = 0;
	(void)fclose(f); /* was only read */
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static void add_events(struct text *t, struct server *s)
{
	family(t, "weir_events_total", "counter",
	       "Events that were told since weir-api was started.");
	for (enum event_kind k = 0; k < EVENT_KIND__MAX; k++)
		labelled(t, "weir_events_total", "kind", event_kind_name(k),
			 (double)follow_events(s->follow, k));
}

static void add_own(struct text *t, struct server *s)
{
	static const char *const codes[] = { NULL,  NULL,  "2xx",
					     "3xx", "4xx", "5xx" };
	struct hall_counts hall = hall_count(s->hall);
	struct streams_counts streams = streams_count(s->streams);

	add_events(t, s);
	family(t, "weir_api_answers_total", "counter",
	       "Answers to requests, by the status's class.");
	for (size_t i = 2; i < 6; i++)
		labelled(t, "weir_api_answers_total", "code", codes[i],
			 (double)s->counts.answers[i]);
	family(t, "weir_api_logins_total", "counter",
	       "Logins: right, wrong, or not even tried.");
	labelled(t, "weir_api_logins_total", "result", "right",
		 (double)s->counts.logins);
	labelled(t, "weir_api_logins_total", "result", "wrong",
		 (double)s->counts.logins_wrong);
	labelled(t, "weir_api_logins_total", "result", "limited",
		 (double)s->counts.logins_limited);
	plain(t, "weir_api_connections", "gauge", "Connections that are open.",
	      (double)hall.connections);
	plain(t, "weir_api_connections_refused_total", "counter",
	      "Connections of an address that has too many.",
	      (double)hall.refused);
	plain(t, "weir_api_connections_slow_total", "counter",
	      "Connections that were cut off for being too slow.",
	      (double)hall.too_slow);
	plain(t, "weir_api_streams", "gauge", "Streams that are open.",
	      (double)streams.open);
	plain(t, "weir_api_stream_missed_total", "counter",
	      "Messages that readers of streams were too slow for.",
	      (double)streams.missed);
	plain(t, "weir_api_resident_memory_bytes", "gauge",
	      "Memory of weir-api, in bytes.", resident_bytes());
}

/* --- the answer ---------------------------------------------------------------------- */

/* NULL: the agent does not answer. */
static json_t *ask(struct asker *a, const char *command)
{
	struct span line;
	struct err err;
	json_t *v = NULL;

	if (link_ask(asker_link(a), command, NULL, NULL, &line, &err) == 0)
		v = json_loadb(line.at, line.len, 0, NULL);
	if (v && !json_is_true(json_object_get(v, "ok"))) {
		json_decref(v);
		v = NULL;
	}
	return v;
}

static void run(struct job *j, struct asker *a)
{
	struct request *r = (struct request *)j;
	struct text t = { 0 };
	json_t *status = ask(a, "status");
	json_t *top = status ? ask(a, "top") : NULL;

	add_status(&t, status);
	add_workloads(&t, top);
	add_planes(&t, top);
	add_own(&t, r->server);
	json_decref(status);
	json_decref(top);
	answer_text(r, 200, text_take(&t));
	text_done(&t);
	if (r->answer.status == 200)
		r->answer.type = TYPE;
	serving_resume(r);
}

void metrics_open(struct request *r)
{
	r->job.run = run;
	/* answered if it cannot wait */
	(void)serving_submit(r, r->server->slow);
}
