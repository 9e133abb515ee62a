/*
 * What can be set about a pipeline while it runs: limits of floods, threats,
 * what is done when a table is full or bytes contradict each other, and which
 * tunnels are looked into.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "detect/meter.h"
#include "detect/threat.h"
#include "flow/stream.h"
#include "inspect/cache.h"
#include "packet/defrag.h"
#include "packet/tunnel.h"
#include "policy/snapshot.h"

struct inspect;

/* A new flow that the table has no room for. */
enum flows_full {
	FLOWS_FULL_JUDGE, /* goes on as its first packet is judged, and so on */
	FLOWS_FULL_DROP,  /* flow_table_full */
	FLOWS_FULL__MAX
};

struct inspect_settings {
	/*
	 * As meter_options_check() wants them. The two that are behind threats
	 * 1003 and 2005 also run when these are looked for.
	 */
	struct meter_options meters;
	struct threat_setting {
		bool enabled;
		uint8_t action;		       /* enum dpi_action */
	} threats[THREAT_KINDS];	       /* by threat_kind_at() */
	uint8_t streams_overlap;	       /* enum stream_overlap */
	uint8_t streams_on[STREAM_CAUSE__MAX]; /* enum stream_exception */
	uint8_t fragments_overlap;	       /* enum defrag_overlap */
	uint8_t flows_full;		       /* enum flows_full */
	struct tunnel_options tunnels;
	struct cache_settings cache;
};

/* Each part's own defaults; tunnels are not looked into. */
struct inspect_settings inspect_settings_default(void);

/*
 * What is done about the threat with that id; DPI_NONE: it is not looked for,
 * or there is none.
 */
enum dpi_action inspect_settings_action(const struct inspect_settings *s,
					uint32_t threat);

/*
 * The same of the threat that a judgement is by itself: an address of type
 * extip (reference 5.3, 6.2). What is done about it comes after what policy
 * says. DPI_NONE: it is none.
 */
enum dpi_action inspect_settings_judged(const struct inspect_settings *s,
					const struct judgement *j);

/*
 * From the next frame on; what is known already (counts, flows, streams, held
 * fragments) stays. The settings are in their ranges, and copied. Between
 * frames only; allocates nothing.
 */
void inspect_configure(struct inspect *in, const struct inspect_settings *s);
