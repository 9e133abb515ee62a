/*
 * What can be set about a pipeline while it runs: limits of floods, threats,
 * what is done when a table is full or bytes contradict each other, which
 * tunnels are looked into, and how far applications are.
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

/* How far into flows is looked, to know which application it is. */
struct look_settings {
	bool on;
	/* Read by its parser to its end, whether somebody asks for it or not. */
	bool all;
	bool breadth;	  /* nDPI is asked for what no parser of ours knows */
	uint32_t packets; /* with payload, of both sides; 1.. */
	uint32_t bytes;	  /* of payload, likewise; 1.. */
};

/* A workload for which no policy has come, or none any more. */
enum policy_absent {
	POLICY_ABSENT_OPEN, /* all of it goes on, as with NeuVector */
	POLICY_ABSENT_DROP, /* policy_absent, all of it: even ARP */
	POLICY_ABSENT__MAX
};

/* X(REASON_NAME, "name"): what may keep from inspecting; inspect/exception.h. */
#define INSPECT_LIMITS(X)               \
	X(PARSER_ERROR, "parser_error") \
	X(PARSER_LIMIT, "parser_limit") \
	X(UNPACK_LIMIT, "unpack_limit") \
	X(NO_PLACE, "no_place")         \
	X(SEARCH_LIMIT, "search_limit")

enum inspect_limit {
	LIMIT_PARSER, /* its parser does not understand it any more */
	LIMIT_DEPTH,  /* longer or deeper than its parser follows */
	LIMIT_UNPACK, /* content that grows more than is allowed */
	LIMIT_PLACE,  /* a new flow, and no place is left to listen to it */
	LIMIT_SEARCH, /* an expression or a search in it was given up */
	INSPECT_LIMIT__MAX
};

/* "parser_error"; static storage. */
const char *inspect_limit_name(enum inspect_limit limit);

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
	uint8_t limits_on[INSPECT_LIMIT__MAX]; /* enum stream_exception */
	/*
	 * What is sent is looked at, as it comes, until a side has sent so many
	 * bytes; 0: all of it.
	 * What parsers tell is always looked at whole.
	 */
	uint32_t signature_depth, sensor_depth;
	uint8_t fragments_overlap; /* enum defrag_overlap */
	uint8_t flows_full;	   /* enum flows_full */
	uint8_t policy_absent;	   /* enum policy_absent */
	struct tunnel_options tunnels;
	struct look_settings applications;
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
