/*
 * A field that is added to one of these structs must be added here, too: their
 * sizes say so where it was forgotten, and tests/unit/test_inspect_counts.c
 * that none is left out.
 */
#include "inspect/counts.h"

#define ADD(field)   sum->field += c->field
#define ADD_EACH(of) add_each(sum->of, c->of, sizeof c->of / sizeof c->of[0])
#define IS_LIKE(type, n_u32, n_u64)                                     \
	_Static_assert(sizeof(type) ==                                  \
			       ((n_u32) + (n_u32) % 2) * 4 + (n_u64)*8, \
		       "as many fields as are added")

static void add_each(uint64_t *sum, const uint64_t *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum[i] += c[i];
}

IS_LIKE(struct flow_counts, 6, 7);
static void add_flows(struct flow_counts *sum, const struct flow_counts *c)
{
	ADD(total);
	ADD(tcp);
	ADD(udp);
	ADD(icmp);
	ADD(other);
	ADD(limit);
	ADD(made);
	ADD(made_tcp);
	ADD(made_udp);
	ADD(made_icmp);
	ADD(made_other);
	ADD(expired);
	ADD(refused_full);
}

IS_LIKE(struct defrag_stats, 4, 2 + DEFRAG__MAX);
static void add_defrag(struct defrag_stats *sum, const struct defrag_stats *c)
{
	ADD(datagrams);
	ADD(datagrams_limit);
	ADD(fragments);
	ADD(sources);
	ADD(bytes);
	ADD(bytes_limit);
	ADD_EACH(count);
}

IS_LIKE(struct meter_stats, 2, 4);
static void add_meters(struct meter_stats *sum, const struct meter_stats *c)
{
	ADD(in_use);
	ADD(limit);
	ADD(hits);
	ADD(limited);
	ADD(evicted);
	ADD(evicted_live);
}

IS_LIKE(struct tally_stats, 4, 5);
static void add_tally(struct tally_stats *sum, const struct tally_stats *c)
{
	ADD(slots);
	ADD(slots_limit);
	ADD(records);
	ADD(records_limit);
	ADD(noted);
	ADD(logged);
	ADD(evicted);
	ADD(ring_full);
	ADD(lost);
}

IS_LIKE(struct report_stats, 2, 3 + 2 * REPORT_WORTH__MAX);
static void add_reports(struct report_stats *sum, const struct report_stats *c)
{
	ADD(in_use);
	ADD(limit);
	ADD(told);
	ADD(made);
	ADD(deferred);
	ADD_EACH(lost);
	ADD_EACH(evicted);
}

IS_LIKE(struct stream_counts, 4, 8 + STREAM_OUTCOME__MAX + STREAM_CAUSE__MAX);
static void add_streams(struct stream_counts *sum,
			const struct stream_counts *c)
{
	ADD(streams);
	ADD(streams_limit);
	ADD(blocks);
	ADD(blocks_limit);
	ADD(blocks_taken);
	ADD(opened);
	ADD_EACH(outcomes);
	ADD_EACH(causes);
	ADD(shown_bytes);
	ADD(gaps);
	ADD(gap_bytes);
	ADD(unread_lost_bytes);
	ADD(conflict_bytes);
	ADD(unchecked_bytes);
}

IS_LIKE(struct learned_stats, 4, 12);
static void add_learned(struct learned_stats *sum,
			const struct learned_stats *c)
{
	ADD(queries);
	ADD(queries_evicted);
	ADD(queries_over_share);
	ADD(queries_expired);
	ADD(answers_used);
	ADD(answers_empty);
	ADD(answers_not_asked);
	ADD(records_foreign);
	ADD(addrs_evicted);
	ADD(names_evicted);
	ADD(ip_names_not_told);
	ADD(news_not_told);
	ADD(queries_in_use);
	ADD(addrs_in_use);
	ADD(ip_names_in_use);
	ADD(news_in_use);
}

IS_LIKE(struct cache_stats, 4, 7 + 4 * CACHE_WAY__MAX);
static void add_cache(struct cache_stats *sum, const struct cache_stats *c)
{
	ADD(in_use);
	ADD(limit);
	ADD(denied);
	ADD(denied_limit);
	ADD(added);
	ADD(renewed);
	ADD(removed);
	ADD(full);
	ADD(evicted);
	ADD(denied_evicted);
	ADD(failed);
	ADD_EACH(passed);
	ADD_EACH(passed_bytes);
	ADD_EACH(dropped);
	ADD_EACH(dropped_bytes);
}

IS_LIKE(struct dialogue_counts, 4, 10);
static void add_dialogues(struct dialogue_counts *sum,
			  const struct dialogue_counts *c)
{
	ADD(in_use);
	ADD(limit);
	ADD(large);
	ADD(large_limit);
	ADD(opened);
	ADD(no_place);
	ADD(recognised);
	ADD(unknown);
	ADD(no_large);
	ADD(done);
	ADD(lost);
	ADD(stopped);
	ADD(opening_cut);
	ADD(bodies_cut);
}

IS_LIKE(struct breadth_counts, 4, 5);
static void add_breadth(struct breadth_counts *sum,
			const struct breadth_counts *c)
{
	ADD(in_use);
	ADD(limit);
	ADD(bytes);
	ADD(bytes_limit);
	ADD(opened);
	ADD(no_place);
	ADD(packets);
	ADD(known);
	ADD(no_memory);
}

IS_LIKE(struct port_stats, 4, 1);
static void add_ports(struct port_stats *sum, const struct port_stats *c)
{
	ADD(in_use);
	ADD(limit);
	ADD(news);
	ADD(news_limit);
	ADD(not_told);
}

IS_LIKE(struct trail_stats, 4, 3);
static void add_trail(struct trail_stats *sum, const struct trail_stats *c)
{
	ADD(in_use);
	ADD(limit);
	ADD(open);
	ADD(open_limit);
	ADD(told);
	ADD(lost);
	ADD(no_place);
}

IS_LIKE(struct sig_scanner_counts, 8, 18);
static void add_signatures(struct sig_scanner_counts *sum,
			   const struct sig_scanner_counts *c)
{
	ADD(flows);
	ADD(flows_limit);
	ADD(blocks);
	ADD(blocks_limit);
	ADD(waiting);
	ADD(waiting_limit);
	ADD(rates);
	ADD(rates_limit);
	ADD(no_flow);
	ADD(no_block);
	ADD(no_waiting);
	ADD(kept_full);
	ADD(bits_full);
	ADD(rates_evicted);
	ADD(sets_dropped);
	ADD(beyond_depth);
	ADD(pcre_limit);
	ADD(work_limit);
	ADD(scanned_bytes);
	ADD(scans);
	ADD(candidates);
	ADD(confirmed);
	ADD(recalled);
	ADD(told);
	ADD(silenced);
	ADD(passed_over);
}

IS_LIKE(struct sensor_scanner_counts, 0, 10);
static void add_sensors(struct sensor_scanner_counts *sum,
			const struct sensor_scanner_counts *c)
{
	ADD(no_conversation);
	ADD(no_window);
	ADD(no_progress);
	ADD(pcre_limit);
	ADD(match_limit);
	ADD(restarted);
	ADD(scanned_bytes);
	ADD(views);
	ADD(candidates);
	ADD(told);
}

_Static_assert(sizeof(struct inspect_counts) ==
		       8 * (4 + 2 * REASON__MAX + 1 + 2 + INSPECT_PACKETS__MAX +
			    2 + 2 + DNS_OUTCOME__MAX + TUNNEL__MAX + 3 +
			    NOTE__MAX + 1 + INSPECT_LIMIT__MAX +
			    2 * PARSERS_ALL_MAX) +
			       4 * 4 + sizeof(struct flow_counts) +
			       sizeof(struct defrag_stats) +
			       METER_KIND__MAX * sizeof(struct meter_stats) +
			       2 * sizeof(struct tally_stats) +
			       sizeof(struct report_stats) +
			       sizeof(struct trail_stats) +
			       sizeof(struct stream_counts) +
			       sizeof(struct learned_stats) +
			       sizeof(struct cache_stats) +
			       sizeof(struct dialogue_counts) +
			       sizeof(struct breadth_counts) +
			       sizeof(struct sig_scanner_counts) +
			       sizeof(struct sensor_scanner_counts) +
			       sizeof(struct port_stats),
	       "as many fields as are added");

void inspect_counts_add(struct inspect_counts *sum,
			const struct inspect_counts *c)
{
	ADD(pipelines);
	ADD(frames_in);
	ADD(frames_out);
	ADD(bytes_in);
	ADD(bytes_out);
	ADD_EACH(forwarded);
	ADD_EACH(dropped);
	ADD(held);
	ADD(replies);
	ADD(replies_limited);
	ADD_EACH(packets);
	ADD(stateless);
	ADD(out_of_window);
	ADD(grace_evicted);
	ADD(blocks_evicted);
	ADD(grace_in_use);
	ADD(blocks_in_use);
	add_flows(&sum->flows, &c->flows);
	add_defrag(&sum->defrag, &c->defrag);
	for (int k = 0; k < METER_KIND__MAX; k++)
		add_meters(&sum->meters[k], &c->meters[k]);
	add_tally(&sum->threats, &c->threats);
	add_tally(&sum->findings, &c->findings);
	add_reports(&sum->reports, &c->reports);
	add_streams(&sum->streams, &c->streams);
	add_learned(&sum->learned, &c->learned);
	add_cache(&sum->cache, &c->cache);
	ADD_EACH(dns);
	ADD_EACH(tunnels);
	add_dialogues(&sum->dialogues, &c->dialogues);
	add_breadth(&sum->breadth, &c->breadth);
	add_signatures(&sum->signatures, &c->signatures);
	add_sensors(&sum->sensors, &c->sensors);
	add_ports(&sum->ports, &c->ports);
	add_trail(&sum->trail, &c->trail);
	ADD(app_known);
	ADD(app_never);
	ADD(talks_full);
	ADD_EACH(notes);
	ADD(sensors_beyond_depth);
	ADD_EACH(limits_met);
	ADD_EACH(parser_flows);
	ADD_EACH(parser_packets);
}
