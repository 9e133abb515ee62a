#include "dp/answer_tables.h"

#include "dp/answer.h"

void answer_fragments(json_t *result, const struct inspect_counts *c)
{
	const struct defrag_stats *s = &c->defrag;
	json_t *o = answer_group(result, "fragments"), *outcomes;

	answer_uint(o, "in_use", s->datagrams);
	answer_uint(o, "limit", s->datagrams_limit);
	answer_uint(o, "fragments", s->fragments);
	answer_uint(o, "bytes", s->bytes);
	answer_uint(o, "bytes_limit", s->bytes_limit);
	answer_uint(o, "held", c->held);
	outcomes = answer_group(o, "outcomes");
	for (int i = 0; i < DEFRAG__MAX; i++)
		if (s->count[i])
			answer_uint(outcomes,
				    defrag_outcome_name((enum defrag_outcome)i),
				    s->count[i]);
}

void answer_meter_use(json_t *result, const struct meter_stats *of_kind)
{
	json_t *all = answer_group(result, "meters");

	for (int k = 0; k < METER_KIND__MAX; k++) {
		const struct meter_stats *s = &of_kind[k];
		json_t *o =
			answer_group(all, meter_kind_name((enum meter_kind)k));

		answer_uint(o, "in_use", s->in_use);
		answer_uint(o, "limit", s->limit);
		answer_uint(o, "hits", s->hits);
		answer_uint(o, "limited", s->limited);
		answer_uint(o, "evicted", s->evicted);
		answer_uint(o, "evicted_live", s->evicted_live);
	}
}

void answer_threats(json_t *result, const struct threat_stats *s)
{
	json_t *o = answer_group(result, "threats");

	answer_uint(o, "in_use", s->slots);
	answer_uint(o, "limit", s->slots_limit);
	answer_uint(o, "records", s->records);
	answer_uint(o, "records_limit", s->records_limit);
	answer_uint(o, "noted", s->noted);
	answer_uint(o, "logged", s->logged);
	answer_uint(o, "evicted", s->evicted);
	answer_uint(o, "ring_full", s->ring_full);
	answer_uint(o, "lost", s->lost);
}

static void answer_worths(json_t *result, const char *name,
			  const uint64_t by_worth[REPORT_WORTH__MAX])
{
	json_t *o = answer_group(result, name);

	answer_uint(o, "plain", by_worth[REPORT_PLAIN]);
	answer_uint(o, "learn", by_worth[REPORT_LEARN]);
	answer_uint(o, "violation", by_worth[REPORT_VIOLATION]);
}

void answer_reports(json_t *result, const struct report_stats *s)
{
	json_t *o = answer_group(result, "reports");

	answer_uint(o, "in_use", s->in_use);
	answer_uint(o, "limit", s->limit);
	answer_uint(o, "told", s->told);
	answer_uint(o, "made", s->made);
	answer_uint(o, "deferred", s->deferred);
	answer_worths(o, "lost", s->lost);
	answer_worths(o, "evicted", s->evicted);
}
