/*
 * Which groups a workload is in and in which mode, from the agent's `ls`: records
 * name workloads only. The reader's thread.
 */
#pragma once

#include <jansson.h>

struct who;

struct who *who_new(void); /* NULL: out of memory */
void who_free(struct who *w);
/* answer: of `ls`; borrowed. Those of before are forgotten. */
void who_set(struct who *w, const json_t *answer);
/* {"name", "groups", "mode"} of that id; borrowed. NULL: it is not known. */
const json_t *who_find(const struct who *w, const char *id);
