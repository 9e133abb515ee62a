/*
 * weir_connections, weir_threats, weir_findings and weir_trail: what was told, page by page. The reader
 * brings the number of the last record it has ("after", 0 at first) and whose
 * run gave it ("epoch"). That of another run begins anew, "restarted" is true.
 * Control thread.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "dp/told.h"
#include "wire/ctrl.h"

/* UNIX microseconds when the data plane's clock was 0. */
uint64_t answer_clock_zero(void);

/* One record as an object, with its number; the caller owns it. */
json_t *answer_connection(const struct connection_record *c, uint64_t number,
			  uint64_t unix_us_at_zero);
json_t *answer_threat(const struct threat_record *t, uint64_t number,
		      bool packet, uint64_t unix_us_at_zero);
json_t *answer_finding(const struct finding_record *r, uint64_t number,
		       bool raw, uint64_t unix_us_at_zero);

/*
 * "connections", "threats", "findings" or "trail"; "next", "epoch": what to bring next time; "more": there
 * are some behind that; "missed": how many up to "next" were gone.
 */
void answer_told_connections(json_t *result, const struct told *t,
			     const struct told_spec *spec);
void answer_told_findings(json_t *result, const struct told *t,
			  const struct told_spec *spec);
/* From the first call on it is made, told.h. */
void answer_told_trail(json_t *result, struct told *t,
		       const struct told_spec *spec);
void answer_told_threats(json_t *result, const struct told *t,
			 const struct told_spec *spec);
