/*
 * Records of a data plane's answer as tables, workload by workload. Members
 * that are missing or of another type than expected are left out.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/out.h"
#include "cli/table.h"

struct dplist {
	const char *member; /* of the answer: the array of records */
	const char *none;   /* what is said when it is empty */
	const char *const *head;
	unsigned cols, right; /* as struct table has them */
	/* Adds the record's cells: a row of `cols`, or several. */
	void (*add)(struct table *t, const json_t *record);
};

void dplist_show(const struct out *o, const json_t *answer,
		 const struct dplist *list, int indent);

/* "10.10.10.66:48712", "[fd00::66]:48712", without a port "10.10.10.66". */
void print_end(char *buf, size_t size, const char *addr, uint64_t port);
