/*
 * Parts of weir_stats: how full the worker's tables and the control thread's
 * are and what became of what did not fit. Each is one member of `result`.
 */
#pragma once

#include <jansson.h>

#include "dp/told.h"
#include "inspect/inspect.h"

void answer_fragments(json_t *result, const struct inspect_counts *c);
void answer_meter_use(json_t *result, const struct meter_stats *of_kind);
void answer_tally(json_t *result, const char *name,
		  const struct tally_stats *s);
void answer_streams(json_t *result, const struct stream_counts *c);
/* Names learned, DNS read. */
void answer_names(json_t *result, const struct inspect_counts *c);
void answer_tunnels(json_t *result, const struct inspect_counts *c);
void answer_applications(json_t *result, const struct inspect_counts *c);
void answer_cache(json_t *result, const struct cache_stats *s);
void answer_reports(json_t *result, const struct report_stats *s);
void answer_trail(json_t *result, const struct trail_stats *s);
/* What is kept for those who read it later. */
void answer_told(json_t *result, const struct told *t);
