/*
 * The questions the control thread has for a worker, as plain calls: each
 * posts one to the mailbox and waits for the answer.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "dp/worker.h"
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
	size_t n;
	struct block_record records[BLOCKS_MAX];
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

/* max is 1..FLOWS_PER_QUESTION; fewer than max records: that was the end. */
void ask_flows(struct worker *w, uint32_t cursor, size_t max,
	       struct flow_page *ret);
void ask_blocks(struct worker *w, struct block_list *ret);
struct inspect_counts ask_counts(struct worker *w);
/* How many flows were ended. Frames are carried in between. */
uint32_t ask_end_flows(struct worker *w, struct flow_pick pick);
/* Its MAC, for what is told of it until ask_forget_endpoint(). */
void ask_endpoint_leaves(struct worker *w, uint16_t endpoint, struct mac mac);
/* Its flows and blocks; the worker's snapshot has it no more. */
void ask_forget_endpoint(struct worker *w, uint16_t endpoint);
/* From now on the worker judges by s and no longer uses what was before. */
void ask_adopt(struct worker *w, const struct snapshot *s);

/* As inspect_set_cache(); it is not used there any more. */
struct verdict_cache *ask_cache(struct worker *w, struct verdict_cache *c);
/* The worker is up to date with that generation (dp/ports.h). */
void ask_generation(struct worker *w, uint64_t generation);

/* From now on the worker does as s says. */
void ask_configure(struct worker *w, const struct inspect_settings *s);

/* Connections, threats, names to be told of; each is told once. */
void ask_connections(struct worker *w, struct connection_page *ret);
uint32_t ask_connections_waiting(struct worker *w);
void ask_threats(struct worker *w, struct threat_page *ret);
void ask_ip_names(struct worker *w, struct ip_name_page *ret);
/* false: no name has gained addresses since. */
bool ask_fqdn(struct worker *w, struct fqdn_record *ret);
/* By which names that workload may reach the address now. */
void ask_names(struct worker *w, uint16_t endpoint, struct ip_addr addr,
	       struct names_answer *ret);
/* The running meters from ret->cursor on. */
void ask_meters(struct worker *w, struct meter_page *ret);
/* The traffic of these workloads together; the device's. */
struct stats_record ask_traffic(struct worker *w, const uint16_t *endpoints,
				size_t n);
struct stats_record ask_device_traffic(struct worker *w);
