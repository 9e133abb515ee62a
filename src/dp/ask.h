/*
 * The questions the control thread has for its workers, as plain calls: each
 * posts one to a mailbox and waits for the answer. Asked of all, what they
 * answer is one answer; of one, it is what only that one knows.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "dp/workers.h"
#include "inspect/inspect.h"
#include "inspect/settings.h"
#include "wire/records.h"
#include "wire/session.h"

struct flow_page {
	uint32_t cursor; /* for the next page */
	size_t n;
	struct session_record records[FLOWS_PER_QUESTION];
};

struct block_list {
	usec_t now;
	size_t n; /* BLOCKS_MAX of each worker, at most */
	struct block_record records[];
};

/* What the worker had to tell; it is taken out of there. */
struct connection_page {
	size_t n; /* CONNECTIONS_PER_MSG: there may be more */
	struct connection_record records[CONNECTIONS_PER_MSG];
};

struct threat_page {
	size_t n; /* THREATS_PER_QUESTION: there may be more */
	struct threat_record records[THREATS_PER_QUESTION];
};

struct finding_page {
	size_t n; /* FINDINGS_PER_QUESTION: there may be more */
	struct finding_record records[FINDINGS_PER_QUESTION];
};

struct trail_page {
	size_t n; /* TRAIL_PER_QUESTION: there may be more */
	struct trail_record records[TRAIL_PER_QUESTION];
};

struct port_page {
	size_t n; /* PORT_NEWS_PER_QUESTION: there may be more */
	struct port_record records[PORT_NEWS_PER_QUESTION];
};

struct ip_name_page {
	size_t n; /* IP_NAMES_PER_QUESTION: there may be more */
	struct ip_name_record records[IP_NAMES_PER_QUESTION];
};

struct names_answer {
	uint16_t endpoint;
	struct ip_addr addr;
	unsigned n;
	uint16_t ids[NAMES_PER_ADDR_MAX];
};

struct meter_page {
	uint64_t cursor; /* for the next page; 0 at first */
	size_t n;	 /* METERS_PER_MSG: there may be more */
	struct meter_record records[METERS_PER_MSG];
};

/*
 * Those of all workers, from `cursor` (0 at first; any other is one that was
 * given) on. max is 1..FLOWS_PER_QUESTION; fewer than max records: that was the
 * end.
 */
void ask_flows(const struct workers *ws, uint32_t cursor, size_t max,
	       struct flow_page *ret);
/* Newest first. The caller frees it; NULL: out of memory. */
struct block_list *ask_blocks(const struct workers *ws);
struct inspect_counts ask_counts(const struct workers *ws);
struct inspect_counts ask_counts_of(struct worker *w);
/* How many flows were ended. Frames are carried in between. */
uint32_t ask_end_flows(const struct workers *ws, struct flow_pick pick);
/* Ends those sessions by hand: inspect_kill(). */
void ask_kill(const struct workers *ws, const uint32_t *ids, size_t n,
	      uint32_t *ret_killed, uint32_t *ret_watched);
/* Its MAC, for what is told of it until ask_forget_endpoint(). */
void ask_endpoint_leaves(const struct workers *ws, uint16_t endpoint,
			 struct mac mac);
/* Its flows and blocks; the workers' snapshot has it no more. */
void ask_forget_endpoint(const struct workers *ws, uint16_t endpoint);
/* The same of a worker that it does not belong to any more. */
void ask_forget_moved(struct worker *w, uint16_t endpoint);
/* From now on they judge by s and no longer use what was before. */
void ask_adopt(const struct workers *ws, const struct snapshot *s);

/* As inspect_set_cache(); it is not used there any more. */
struct verdict_cache *ask_cache(struct worker *w, struct verdict_cache *c);
/* They are up to date with that generation (dp/ports.h). */
void ask_generation(const struct workers *ws, uint64_t generation);

/* From now on they do as s says. */
void ask_configure(const struct workers *ws, const struct inspect_settings *s);

/* Connections, threats, findings, names to be told of; each is told once. */
void ask_connections(struct worker *w, struct connection_page *ret);
uint32_t ask_connections_waiting(struct worker *w);
void ask_threats(struct worker *w, struct threat_page *ret);
void ask_findings(struct worker *w, struct finding_page *ret);
void ask_trail(struct worker *w, struct trail_page *ret);
void ask_ports(const struct workers *ws, struct port_page *ret);
void ask_ip_names(const struct workers *ws, struct ip_name_page *ret);
/* Has a worker a name of that address that it has told, or will? */
bool ask_has_ip_name(const struct workers *ws, struct ip_addr a);
/* false: no name has gained addresses since. */
bool ask_fqdn(const struct workers *ws, struct fqdn_record *ret);
/* By which names that workload may reach the address now. */
void ask_names(struct worker *w, uint16_t endpoint, struct ip_addr addr,
	       struct names_answer *ret);
/* The running meters of all workers from ret->cursor on. */
void ask_meters(const struct workers *ws, struct meter_page *ret);
/* The traffic of these workloads together; the device's. */
struct stats_record ask_traffic(const struct workers *ws,
				const uint16_t *endpoints, size_t n);
/* Of each by itself: ret has room for n, all zero. */
void ask_traffic_each(const struct workers *ws, const uint16_t *endpoints,
		      size_t n, struct stats_record *ret);
struct stats_record ask_device_traffic(const struct workers *ws);

/* Signatures and sensors of one worker; see inspect/inspect.h. */
void ask_adopt_signatures(struct worker *w, struct sig_lane *lane);
struct sig_lane *ask_give_back_signatures(struct worker *w);
void ask_drop_set(struct worker *w, const struct sig_set *set);
void ask_drop_signatures(struct worker *w);
struct sensor_lane *ask_adopt_sensors(struct worker *w,
				      struct sensor_lane *lane);
