#include "dp/answer_tables.h"

#include "base/limits.h"
#include "dp/answer.h"
#include "proto/parsers.h"

/* Of what there is a list: only those that happened. */
static void answer_some(json_t *list, const char *name, uint64_t n)
{
	if (n)
		answer_uint(list, name, n);
}

void answer_fragments(json_t *result, const struct inspect_counts *c)
{
	const struct defrag_stats *s = &c->defrag;
	json_t *o = answer_group(result, "fragments"), *outcomes;

	answer_uint(o, "in_use", s->datagrams);
	answer_uint(o, "limit", s->datagrams_limit);
	answer_uint(o, "fragments", s->fragments);
	answer_uint(o, "sources", s->sources);
	answer_uint(o, "bytes", s->bytes);
	answer_uint(o, "bytes_limit", s->bytes_limit);
	answer_uint(o, "held", c->held);
	outcomes = answer_group(o, "outcomes");
	for (int i = 0; i < DEFRAG__MAX; i++)
		answer_some(outcomes,
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

void answer_tally(json_t *result, const char *name, const struct tally_stats *s)
{
	json_t *o = answer_group(result, name);

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

void answer_trail(json_t *result, const struct trail_stats *s)
{
	json_t *o = answer_group(result, "trail");

	answer_uint(o, "in_use", s->in_use);
	answer_uint(o, "limit", s->limit);
	answer_uint(o, "told", s->told);
	answer_uint(o, "lost", s->lost);
	o = answer_group(o, "open");
	answer_uint(o, "in_use", s->open);
	answer_uint(o, "limit", s->open_limit);
	answer_uint(o, "no_place", s->no_place);
}

static void answer_backlog(json_t *result, const char *name,
			   const struct backlog *b, unsigned worth)
{
	struct backlog_stats s = backlog_stats(b, worth);
	json_t *o = answer_group(result, name);

	answer_uint(o, "in_use", s.in_use);
	answer_uint(o, "limit", s.limit);
	answer_uint(o, "gave_way", s.gave_way);
	answer_keeps_newest(o);
}

void answer_told(json_t *result, const struct told *t)
{
	json_t *o = answer_group(result, "told");

	answer_backlog(o, "threats", t->threats, 0);
	answer_backlog(o, "findings", t->findings, 0);
	answer_backlog(o, "trail", t->trail, 0);
	answer_backlog(o, "violations", t->connections, REPORT_VIOLATION);
	answer_backlog(o, "learn", t->connections, REPORT_LEARN);
	answer_backlog(o, "plain", t->connections, REPORT_PLAIN);
}

void answer_streams(json_t *result, const struct stream_counts *c)
{
	json_t *o = answer_group(result, "streams"), *list;

	answer_uint(o, "in_use", c->streams);
	answer_uint(o, "limit", c->streams_limit);
	answer_uint(o, "blocks", c->blocks);
	answer_uint(o, "blocks_limit", c->blocks_limit);
	answer_uint(o, "opened", c->opened);
	answer_uint(o, "shown_bytes", c->shown_bytes);
	answer_uint(o, "gaps", c->gaps);
	answer_uint(o, "gap_bytes", c->gap_bytes);
	answer_uint(o, "unread_lost_bytes", c->unread_lost_bytes);
	answer_uint(o, "conflict_bytes", c->conflict_bytes);
	answer_uint(o, "unchecked_bytes", c->unchecked_bytes);
	list = answer_group(o, "segments");
	for (int i = 0; i < STREAM_OUTCOME__MAX; i++)
		answer_some(list, stream_outcome_name((enum stream_outcome)i),
			    c->outcomes[i]);
	list = answer_group(o, "causes");
	for (int i = 0; i < STREAM_CAUSE__MAX; i++)
		answer_some(list, stream_cause_name((enum stream_cause)i),
			    c->causes[i]);
}

void answer_names(json_t *result, const struct inspect_counts *c)
{
	const struct learned_stats *s = &c->learned;
	uint64_t n = c->pipelines;
	json_t *o = answer_group(result, "names"), *list;

	answer_uint(o, "in_use", s->addrs_in_use);
	answer_uint(o, "limit", n * LEARN_ADDRS_MAX);
	answer_uint(o, "evicted", s->addrs_evicted);
	answer_uint(o, "names_evicted", s->names_evicted);
	answer_uint(o, "queries", s->queries_in_use);
	answer_uint(o, "queries_limit", n * LEARN_QUERIES_MAX);
	answer_uint(o, "queries_seen", s->queries);
	answer_uint(o, "queries_evicted", s->queries_evicted);
	answer_uint(o, "queries_over_share", s->queries_over_share);
	answer_uint(o, "queries_expired", s->queries_expired);
	answer_uint(o, "answers_used", s->answers_used);
	answer_uint(o, "answers_empty", s->answers_empty);
	answer_uint(o, "answers_not_asked", s->answers_not_asked);
	answer_uint(o, "records_foreign", s->records_foreign);
	answer_uint(o, "ip_names", s->ip_names_in_use);
	answer_uint(o, "ip_names_limit", n * LEARN_IP_NAMES_MAX);
	answer_uint(o, "ip_names_not_told", s->ip_names_not_told);
	answer_uint(o, "news", s->news_in_use);
	answer_uint(o, "news_limit", n * LEARN_NEWS_MAX);
	answer_uint(o, "news_not_told", s->news_not_told);
	list = answer_group(o, "dns");
	for (int i = 0; i < DNS_OUTCOME__MAX; i++)
		answer_some(list, dns_outcome_name((enum dns_outcome)i),
			    c->dns[i]);
}

static void answer_ways(json_t *result, const char *name,
			const uint64_t frames[CACHE_WAY__MAX],
			const uint64_t bytes[CACHE_WAY__MAX])
{
	json_t *o = answer_group(result, name);

	answer_uint(o, "frames_in", frames[CACHE_IN]);
	answer_uint(o, "bytes_in", bytes[CACHE_IN]);
	answer_uint(o, "frames_out", frames[CACHE_OUT]);
	answer_uint(o, "bytes_out", bytes[CACHE_OUT]);
}

void answer_cache(json_t *result, const struct cache_stats *s)
{
	json_t *o = answer_group(result, "cache");

	answer_uint(o, "in_use", s->in_use);
	answer_uint(o, "limit", s->limit);
	answer_uint(o, "full", s->full);
	answer_uint(o, "added", s->added);
	answer_uint(o, "renewed", s->renewed);
	answer_uint(o, "removed", s->removed);
	answer_uint(o, "evicted", s->evicted);
	answer_uint(o, "failed", s->failed);
	answer_uint(o, "denied", s->denied);
	answer_uint(o, "denied_limit", s->denied_limit);
	answer_uint(o, "denied_evicted", s->denied_evicted);
	answer_ways(o, "passed", s->passed, s->passed_bytes);
	answer_ways(o, "dropped", s->dropped, s->dropped_bytes);
}

void answer_tunnels(json_t *result, const struct inspect_counts *c)
{
	json_t *o = answer_group(result, "tunnels");

	for (int i = 0; i < TUNNEL__MAX; i++)
		answer_some(o, tunnel_outcome_name((enum tunnel_outcome)i),
			    c->tunnels[i]);
}

static void answer_dialogues(json_t *result, const struct dialogue_counts *c)
{
	json_t *o = answer_group(result, "dialogues");

	answer_uint(o, "in_use", c->in_use);
	answer_uint(o, "limit", c->limit);
	answer_uint(o, "large", c->large);
	answer_uint(o, "large_limit", c->large_limit);
	answer_uint(o, "opened", c->opened);
	answer_uint(o, "no_place", c->no_place);
	answer_uint(o, "no_large", c->no_large);
	answer_uint(o, "recognised", c->recognised);
	answer_uint(o, "unknown", c->unknown);
	answer_uint(o, "done", c->done);
	answer_uint(o, "lost", c->lost);
	answer_uint(o, "stopped", c->stopped);
	answer_uint(o, "opening_cut", c->opening_cut);
	answer_uint(o, "bodies_cut", c->bodies_cut);
}

static void answer_breadth(json_t *result, const struct breadth_counts *c)
{
	json_t *o = answer_group(result, "breadth");

	answer_uint(o, "in_use", c->in_use);
	answer_uint(o, "limit", c->limit);
	answer_uint(o, "bytes", c->bytes);
	answer_uint(o, "bytes_limit", c->bytes_limit);
	answer_uint(o, "opened", c->opened);
	answer_uint(o, "no_place", c->no_place);
	answer_uint(o, "no_memory", c->no_memory);
	answer_uint(o, "packets", c->packets);
	answer_uint(o, "known", c->known);
}

static void answer_parsers(json_t *result, const struct inspect_counts *c)
{
	json_t *all = answer_group(result, "parsers"), *o;
	const struct proto_parser *p;

	for (unsigned i = 0; (p = proto_parser_at(i)); i++) {
		if (!c->parser_flows[i])
			continue;
		o = answer_group(all, p->name);
		answer_uint(o, "flows", c->parser_flows[i]);
		answer_uint(o, "packets", c->parser_packets[i]);
	}
}

void answer_applications(json_t *result, const struct inspect_counts *c)
{
	json_t *o = answer_group(result, "applications"), *notes;

	answer_uint(o, "known", c->app_known);
	answer_uint(o, "unidentified", c->app_never);
	answer_uint(o, "no_place", c->talks_full);
	answer_dialogues(o, &c->dialogues);
	answer_parsers(o, c);
	answer_breadth(o, &c->breadth);
	notes = answer_group(o, "notes");
	for (int i = 0; i < NOTE__MAX; i++)
		answer_some(notes, proto_note_name((enum proto_note)i),
			    c->notes[i]);
	notes = answer_group(o, "limits_met");
	for (int i = 0; i < INSPECT_LIMIT__MAX; i++)
		answer_uint(notes, inspect_limit_name((enum inspect_limit)i),
			    c->limits_met[i]);
	o = answer_group(o, "ports");
	answer_uint(o, "in_use", c->ports.in_use);
	answer_uint(o, "limit", c->ports.limit);
	answer_uint(o, "news", c->ports.news);
	answer_uint(o, "news_limit", c->ports.news_limit);
	answer_uint(o, "not_told", c->ports.not_told);
}
