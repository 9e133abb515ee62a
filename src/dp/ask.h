/*
 * The questions the control thread has for a worker, as plain calls: each
 * posts one to the mailbox and waits for the answer.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "dp/worker.h"
#include "inspect/inspect.h"
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

/* max is 1..FLOWS_PER_QUESTION; fewer than max records: that was the end. */
void ask_flows(struct worker *w, uint32_t cursor, size_t max,
	       struct flow_page *ret);
void ask_blocks(struct worker *w, struct block_list *ret);
struct inspect_counts ask_counts(struct worker *w);
/* How many flows were ended. Frames are carried in between. */
uint32_t ask_end_flows(struct worker *w, struct flow_pick pick);
/* Its flows and blocks; the worker's snapshot has it no more. */
void ask_forget_endpoint(struct worker *w, uint16_t endpoint);
/* From now on the worker judges by s and no longer uses what was before. */
void ask_adopt(struct worker *w, const struct snapshot *s);
