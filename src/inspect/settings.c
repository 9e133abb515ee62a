#include "inspect/settings.h"

#include <string.h>

#include "base/bug.h"
#include "base/limits.h"
#include "inspect/passage.h"

const char *inspect_limit_name(enum inspect_limit limit)
{
	static const char *const names[] = {
#define X(name, text) text,
		INSPECT_LIMITS(X)
#undef X
	};

	return names[limit];
}

struct inspect_settings inspect_settings_default(void)
{
	struct stream_options streams = stream_options_default();
	struct inspect_settings s = {
		.meters = meter_defaults,
		.streams_overlap = streams.overlap,
		.fragments_overlap = (uint8_t)defrag_defaults(0).overlap,
		.limits_on = { STREAM_PASS, STREAM_PASS, STREAM_PASS,
			       STREAM_PASS, STREAM_PASS },
		.signature_depth = SIG_PAYLOAD_DEPTH_DEFAULT,
		.sensor_depth = SENSOR_DEPTH_BYTES_DEFAULT,
		.flows_full = FLOWS_FULL_JUDGE,
		.policy_absent = POLICY_ABSENT_OPEN,
		.tunnels = tunnel_options_off(),
		.applications = { .on = true,
				  .breadth = true,
				  .packets = LOOK_PACKETS_DEFAULT,
				  .bytes = LOOK_BYTES_DEFAULT },
		.cache = { .on = true, .frames = CACHE_FRAMES_DEFAULT },
	};

	memcpy(s.streams_on, streams.on, sizeof s.streams_on);
	for (unsigned i = 0; i < THREAT_KINDS; i++) {
		const struct threat_kind *kind = threat_kind_at(i);

		s.threats[i].enabled = kind->enabled;
		s.threats[i].action = kind->action;
	}
	return s;
}

enum dpi_action inspect_settings_action(const struct inspect_settings *s,
					uint32_t threat)
{
	for (unsigned i = 0; i < THREAT_KINDS; i++)
		if (threat_kind_at(i)->id == threat && s->threats[i].enabled)
			return (enum dpi_action)s->threats[i].action;
	return DPI_NONE;
}

enum dpi_action inspect_settings_judged(const struct inspect_settings *s,
					const struct judgement *j)
{
	return j->reason == REASON_EXTERNAL_IP
		       ? inspect_settings_action(s, THREAT_EXTERNAL_IP)
		       : DPI_NONE;
}

static bool is_looked_for(const struct inspect_settings *s, uint32_t threat)
{
	return inspect_settings_action(s, threat) != DPI_NONE;
}

void inspect_configure(struct inspect *in, const struct inspect_settings *s)
{
	struct meter_options meters = s->meters;

	BUG_ON(s->flows_full >= FLOWS_FULL__MAX ||
	       s->policy_absent >= POLICY_ABSENT__MAX);
	meters.rule[METER_SOURCE_SESSIONS].enabled |=
		is_looked_for(s, THREAT_SOURCE_SESSIONS);
	meters.rule[METER_TCP_NO_DATA].enabled |=
		is_looked_for(s, THREAT_NO_CLIENT_DATA);
	meters_configure(in->meters, &meters);
	for (unsigned i = 0; i < THREAT_KINDS; i++)
		/* each of them is a kind there is */
		(void)threat_configure(in->threats, threat_kind_at(i)->id,
				       s->threats[i].enabled,
				       (enum dpi_action)s->threats[i].action);
	stream_pool_configure(in->streams,
			      (enum stream_overlap)s->streams_overlap,
			      s->streams_on);
	defrag_configure(in->defrag, (enum defrag_overlap)s->fragments_overlap);
	if (in->signatures)
		sig_scanner_depth(in->signatures, s->signature_depth);
	in->settings = *s;
}
